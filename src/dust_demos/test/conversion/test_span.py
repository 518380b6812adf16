import json

import pytest

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.mapping import Instruction, InstructionFrom, Mapping
from dust_demos.conversion.span import check_outcome, episode_of
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import KEY, EpisodeFacts, Fault, FaultKind, Outcome

NS = 10**9
EPISODE = "dust_msgs/msg/Episode"


@pytest.fixture
def events(make, tmp_path, write_any):
    """Return a function that writes a bag of episode events (event, id, second, outcome)."""

    def write(*rows, custom=None, more=()):
        path = tmp_path / f"events{len(list(tmp_path.iterdir()))}"
        entries = [
            (
                *("/episode", EPISODE, second * NS),
                make.message(
                    EPISODE,
                    header=make.header(second * NS),
                    episode_id=name,
                    event=event,
                    outcome=outcome,
                    instruction="do it  please",
                    operator_name="anna",
                    note="",
                ),
            )
            for event, name, second, outcome in rows
        ]
        write_any(path, [*entries, *more], custom=custom)
        return path

    return write


def read(path, mapping=None):
    with Bag.open(path) as bag:
        return episode_of(bag, mapping or Mapping())


def refused(path, gate, mapping=None):
    with pytest.raises(EpisodeFault) as caught:
        read(path, mapping)
    assert caught.value.gate is gate
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_start_and_end_come_from_the_events(events):
    facts = read(events((0, "a", 10, 0), (1, "a", 20, 1)))
    assert (facts.start_ns, facts.end_ns) == (10 * NS, 20 * NS)
    assert facts.outcome is Outcome.SUCCESS
    assert facts.operator == "anna"
    assert facts.instruction == "do it please"


def test_latched_events_of_episodes_before_are_passed_over(events):
    stored = EpisodeFacts(episode_id="b", complete=True)
    rows = [(0, "a", 10, 0), (1, "a", 20, 3), (0, "b", 30, 0), (1, "b", 40, 1)]
    facts = read(events(*rows, custom={KEY: stored.to_json()}))
    assert (facts.start_ns, facts.end_ns, facts.outcome) == (30 * NS, 40 * NS, Outcome.SUCCESS)
    leftover = read(events((1, "a", 20, 3), (0, "b", 30, 0), (1, "b", 40, 1)))
    assert (leftover.episode_id, leftover.start_ns) == ("b", 30 * NS)


def test_a_later_judgement_in_the_facts_counts(events):
    stored = EpisodeFacts(episode_id="a", outcome=Outcome.HALF, complete=True)
    rows = [(0, "a", 10, 0), (1, "a", 20, 1)]
    assert read(events(*rows, custom={KEY: stored.to_json()})).outcome is Outcome.HALF


def test_facts_alone_suffice(events, make):
    stored = EpisodeFacts(
        *("a", "go", Outcome.SUCCESS), start_ns=3 * NS, end_ns=9 * NS, complete=True
    )
    more = [("/s", "std_msgs/msg/String", NS, make.message("std_msgs/msg/String", data="x"))]
    assert read(events(custom={KEY: stored.to_json()}, more=more)) == stored


def test_bags_without_exactly_one_whole_episode(events, make):
    two = [(0, "a", 10, 0), (1, "a", 20, 1), (0, "b", 30, 0), (1, "b", 40, 1)]
    again = [(0, "a", 10, 0), (1, "a", 20, 1), (0, "a", 30, 0), (1, "a", 40, 1)]
    more = [("/s", "std_msgs/msg/String", NS, make.message("std_msgs/msg/String", data="x"))]
    assert "never ended" in refused(events((0, "a", 10, 0)), Gate.EPISODE)
    assert "never ended" in refused(events((0, "a", 10, 0), (1, "b", 20, 1)), Gate.EPISODE)
    assert "no START of an episode" in refused(events((1, "a", 20, 1)), Gate.EPISODE)
    assert "2 episodes in one bag" in refused(events(*again), Gate.EPISODE)
    assert "{from: bag}" in refused(events(more=more), Gate.EPISODE)
    assert read(events(*two)).episode_id == "b"  # the last one is the bag's, as its facts say


def test_where_the_instruction_comes_from(events, make):
    said = [
        (
            *("/task", "std_msgs/msg/String", second * NS),
            make.message("std_msgs/msg/String", data=text),
        )
        for second, text in ((5, "before"), (9, "at the start"), (15, "later"))
    ]
    rows = [(0, "a", 10, 0), (1, "a", 20, 1)]
    path = events(*rows, more=said, custom={"job": "from the metadata"})
    wanted = {
        (InstructionFrom.EPISODE, ""): "do it please",
        (InstructionFrom.TOPIC, "task"): "at the start",
        (InstructionFrom.METADATA, "job"): "from the metadata",
        (InstructionFrom.TEXT, "as written"): "as written",
    }
    for (source, value), text in wanted.items():
        mapping = Mapping(instruction=Instruction(source=source, value=value))
        assert read(path, mapping).instruction == text
    missing = Mapping(instruction=Instruction(source=InstructionFrom.TOPIC, value="other"))
    assert "no instruction on topic /other" in refused(path, Gate.MISSING, missing)
    wrong = Mapping(instruction=Instruction(source=InstructionFrom.TOPIC, value="episode"))
    assert "is dust_msgs/msg/Episode, not a String" in refused(path, Gate.MAPPING, wrong)
    unknown = Mapping(instruction=Instruction(source=InstructionFrom.METADATA, value="x"))
    assert "custom_data.x" in refused(path, Gate.MISSING, unknown)


def test_an_episode_without_instruction_is_refused(events):
    mapping = Mapping(instruction=Instruction(source=InstructionFrom.TEXT, value=" "))
    text = refused(events((0, "a", 10, 0), (1, "a", 20, 1)), Gate.EPISODE, mapping)
    assert text == "no instruction says what the episode shows"


def test_a_whole_bag_is_bounded_by_its_data_later(events):
    facts = read(events((0, "a", 10, 0)), Mapping(episode_topic=None))
    assert (facts.start_ns, facts.end_ns) == (0, 0)


def test_outcomes_and_flags():
    good = EpisodeFacts(episode_id="a", outcome=Outcome.SUCCESS, complete=True)
    check_outcome(good, [Outcome.SUCCESS], flagged=False)
    bad = EpisodeFacts(episode_id="a", outcome=Outcome.FAILURE, note="dropped it")
    with pytest.raises(EpisodeFault, match=r"^outcome failure \(dropped it\)$") as caught:
        check_outcome(bad, [Outcome.SUCCESS, Outcome.HALF], flagged=False)
    assert caught.value.gate is Gate.OUTCOME
    faults = tuple(Fault(FaultKind.GAP, "/x", f"fault {i}") for i in range(3))
    flagged = EpisodeFacts(episode_id="a", outcome=Outcome.SUCCESS, faults=faults)
    with pytest.raises(EpisodeFault, match=r"^flagged: fault 0 \(and 2 more\)$") as caught:
        check_outcome(flagged, [Outcome.SUCCESS], flagged=False)
    assert caught.value.gate is Gate.FLAGGED
    check_outcome(flagged, [Outcome.SUCCESS], flagged=True)
    assert json.loads(flagged.to_json())["faults"][0]["text"] == "fault 0"
