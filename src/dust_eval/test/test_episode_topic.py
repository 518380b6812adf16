"""Tests of dust_eval.episode_topic: what a recorder learns of a trial."""

import pytest

from dust_eval.episode_topic import EpisodeTopic
from dust_eval.failure import Failure
from dust_eval.trial import TrialResult, TrialSpec
from dust_msgs.msg import Episode
from dust_node.qos import LATCHED

SPEC = TrialSpec("box_to_bowl", "sponge", 0)


def result(score, failure=Failure.NONE):
    return TrialResult(SPEC, score, "seen", 10.0, 50, failure=failure)


@pytest.mark.parametrize(
    ("given", "outcome", "note"),
    [
        (result(1.0), Episode.SUCCESS, "none: seen"),
        (result(0.5, Failure.HALF), Episode.HALF, "half: seen"),
        (result(0.0, Failure.DROPPED), Episode.FAILURE, "dropped: seen"),
        (None, Episode.DISCARDED, ""),
    ],
)
def test_a_trial_is_told_from_begin_to_end(probe, given, outcome, note):
    topic = EpisodeTopic(probe.node, operator="A")
    heard = probe.listen(Episode, "episode", LATCHED)
    topic.begin("trial-0001", "do it")
    probe.wait(lambda: any(m.event == Episode.START for m in heard))
    topic.end("trial-0001", "do it", given)
    probe.wait(lambda: heard[-1].event == Episode.END)
    begin, end = heard[-2:]
    assert (begin.outcome, begin.note) == (Episode.UNKNOWN, "")
    assert (end.outcome, end.note) == (outcome, note)
    for message in (begin, end):
        assert (message.episode_id, message.instruction) == ("trial-0001", "do it")
        assert message.operator_name == "A"
        assert message.header.stamp.sec > 0


def test_whoever_comes_late_learns_the_newest(probe):
    topic = EpisodeTopic(probe.node, operator="expert")
    topic.begin("trial-0002", "do it")
    heard = probe.listen(Episode, "episode", LATCHED)
    probe.wait(lambda: heard)
    assert heard[0].episode_id == "trial-0002"
