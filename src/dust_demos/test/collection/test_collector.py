"""Taking a demonstration: what is told to the recorder when, and what breaks."""

from types import SimpleNamespace

import pytest

from dust_demos.collection.collector import Collector
from dust_demos.collection.journal import Journal
from dust_demos.collection.settings import CollectionSettings
from dust_demos.recording.facts import EpisodeFacts, Fault, FaultKind
from dust_eval.cell_client import Audit, Judgement, TaskEnd
from dust_eval.task_client import GraphError
from dust_eval.trial import TrialSpec
from dust_msgs.action import ExecuteTask
from dust_msgs.msg import Episode
from dust_node.qos import LATCHED

SPEC = TrialSpec("box_to_bowl", "blue_cube", 1000, ("sponge",))
WORDS = "Pick up the blue cube."


class FakeCell:
    """A cell whose expert is done at once; `story` tells what was asked of it, in order."""

    def __init__(self, node, story):
        self.node = node
        self.story = story
        self.score = 1.0
        self.ends = True
        self.refusal = ""
        self.error = (ExecuteTask.Result.NONE, "")
        self._seconds = 100.0

    def now(self):
        self._seconds += 0.1
        return self._seconds

    def reset(self, spec):
        self.story.append(f"reset {spec.name}")
        if self.refusal:
            raise GraphError(self.refusal)
        return WORDS

    def audit(self, *, reset):
        return Audit(10, (0, 0, 0, 3), (0.1, 0.1, 0.1, 0.1))

    def judge(self):
        self.story.append("judge")
        return Judgement(self.score, "the oracle's words")

    def start_task(self, instruction, *, time_limit_sec, on_feedback=None):
        self.story.append(f"do: {instruction}")
        return "task"

    def wait_task(self, task, *, timeout_sec):
        if not self.ends:
            raise KeyboardInterrupt
        code, text = self.error
        result = ExecuteTask.Result(error_code=code, error_msg=text, elapsed_time=15.5, chunks=80)
        return TaskEnd(6 if code else 4, result)

    def rearm_if_stopped(self):
        self.story.append("rearm")


class FakeRecordings:
    def __init__(self, story):
        self.story = story
        self.faults = ()
        self.begins = True

    def drop(self, name):
        self.story.append(f"drop {name}")

    def wait_begun(self, name):
        if not self.begins:
            raise GraphError("the recorder did not begin")
        self.story.append(f"begun {name}")

    def wait_closed(self, name):
        self.story.append(f"closed {name}")
        return EpisodeFacts(name, complete=True, faults=self.faults)


@pytest.fixture
def stage(probe):
    story = []
    heard = probe.listen(Episode, "episode", LATCHED)
    stage = SimpleNamespace(
        story=story,
        cell=FakeCell(probe.node, story),
        recordings=FakeRecordings(story),
        living=True,
        heard=heard,
    )
    stage.collector = Collector(
        stage.cell, stage.recordings, time_limit_sec=60.0, alive=lambda: stage.living
    )
    stage.episodes = lambda count: probe.wait(lambda: len(heard) >= count) and list(heard)
    return stage


def test_a_demonstration_in_order(stage):
    row = stage.collector.take(SPEC)
    name = "box_to_bowl-blue_cube-1000"
    assert stage.story == [
        f"drop {name}",
        f"reset {name}",
        f"begun {name}",
        f"do: {WORDS}",
        "judge",
        f"closed {name}",
    ]
    assert (row.name, row.outcome, row.reason) == (name, "success", "the oracle's words")
    assert (row.elapsed_sec, row.outside) == (15.5, 3)
    assert row.distractors == ("sponge",)
    assert row.is_good


def test_the_recorder_is_told_start_outcome_and_operator(stage):
    stage.cell.score = 0.5
    row = stage.collector.take(SPEC)
    # Latched with depth 1: what was said last is heard for sure.
    last = stage.episodes(1)[-1]
    assert (last.event, last.outcome) == (Episode.END, Episode.HALF)
    assert last.episode_id == row.name
    assert last.instruction == WORDS
    assert last.operator_name == "expert"
    assert "the oracle's words" in last.note
    assert row.outcome == "half"
    assert stage.story[-1] == "rearm"


def test_faults_of_the_recording_are_noted(stage):
    stage.recordings.faults = (Fault(FaultKind.GAP, "joint_states", "0.3 s gap"),)
    row = stage.collector.take(SPEC)
    assert row.faults == ("0.3 s gap",)
    assert not row.is_good


def test_what_cannot_be_carried_out_is_a_row_too(stage):
    stage.cell.refusal = "no room for the distractors sponge"
    row = stage.collector.take(SPEC)
    assert (row.outcome, row.reason) == ("broken", "no room for the distractors sponge")
    assert not stage.heard


def test_a_recorder_that_does_not_begin_breaks_it_and_is_told(stage):
    stage.recordings.begins = False
    row = stage.collector.take(SPEC)
    assert (row.outcome, row.reason) == ("broken", "the recorder did not begin")
    last = stage.episodes(1)[-1]
    assert (last.event, last.outcome) == (Episode.END, Episode.DISCARDED)


def test_a_task_that_the_graph_gave_up_is_broken_and_taken_again(stage, tmp_path):
    text = "dust_executor/start_task did not answer within 2 s: is the executor active?"
    stage.cell.error = (ExecuteTask.Result.EXECUTOR_UNAVAILABLE, text)
    stage.cell.score = 0.0
    row = stage.collector.take(SPEC)
    assert (row.outcome, row.reason) == ("broken", f"the oracle's words; {text}")
    last = stage.episodes(1)[-1]
    assert (last.event, last.outcome) == (Episode.END, Episode.DISCARDED)
    assert stage.story[-1] == "rearm"
    settings = CollectionSettings()
    Journal(tmp_path, settings, resume=False).add(row)
    assert SPEC.name not in Journal(tmp_path, settings, resume=True).names


def test_an_executor_that_is_silent_does_not_hide_what_broke(stage):
    def rearm():
        raise GraphError("executor_state stopped")

    stage.cell.rearm_if_stopped = rearm
    stage.cell.error = (ExecuteTask.Result.EXECUTOR_UNAVAILABLE, "the executor fell silent")
    stage.cell.score = 0.0
    row = stage.collector.take(SPEC)
    assert row.outcome == "broken"
    assert "the executor fell silent" in row.reason


def test_an_expert_that_gave_up_has_failed(stage):
    stage.cell.error = (ExecuteTask.Result.UNKNOWN, "the expert gave up: no grasp")
    stage.cell.score = 0.0
    row = stage.collector.take(SPEC)
    assert (row.outcome, row.reason) == (
        "failure",
        "the oracle's words; the expert gave up: no grasp",
    )
    assert stage.episodes(1)[-1].outcome == Episode.FAILURE


def test_a_graph_that_ended_in_the_middle_of_a_task_is_not_a_demonstration(stage):
    stage.cell.error = (ExecuteTask.Result.NO_FEATURES, "no cell_state for 2 s")
    stage.cell.score = 0.0
    judge = stage.cell.judge

    def judge_last():
        stage.living = False
        return judge()

    stage.cell.judge = judge_last
    with pytest.raises(GraphError, match="no cell_state for 2 s"):
        stage.collector.take(SPEC)


def test_an_ended_graph_is_not_a_demonstration(stage):
    stage.recordings.begins = False
    stage.living = False
    with pytest.raises(GraphError, match="graph ended"):
        stage.collector.take(SPEC)


def test_an_interrupt_throws_the_episode_away(stage):
    stage.cell.ends = False
    with pytest.raises(KeyboardInterrupt):
        stage.collector.take(SPEC)
    last = stage.episodes(1)[-1]
    assert (last.event, last.outcome) == (Episode.END, Episode.DISCARDED)
