"""Names and outcomes of episodes."""

from datetime import datetime

from dust_demos.teleop.episodes import JUDGED, MARKS, Outcome, episode_name
from dust_msgs.msg import Episode
from dust_msgs.srv import JudgeCell

NOW = datetime(2026, 11, 21, 10, 15, 9)


def test_names_sort_by_time_and_tell_what_is_shown():
    assert (
        episode_name(NOW, "box_to_bowl-sponge-7", 3) == "20261121-101509-003-box_to_bowl-sponge-7"
    )
    assert episode_name(NOW, "", 12) == "20261121-101509-012"


def test_outcomes_are_the_messages_constants():
    assert {outcome.name: outcome.value for outcome in Outcome} == {
        name: getattr(Episode, name)
        for name in ("UNKNOWN", "SUCCESS", "HALF", "FAILURE", "DISCARDED")
    }
    response = JudgeCell.Response
    assert JUDGED == {
        response.NONE: Outcome.FAILURE,
        response.HALF: Outcome.HALF,
        response.FULL: Outcome.SUCCESS,
    }
    assert None in MARKS.values()
