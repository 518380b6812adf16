import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dust_executor.modes import Mode, Modes


def running() -> Modes:
    modes = Modes()
    modes.start("task", "test")
    modes.run()
    return modes


def test_a_task_goes_from_holding_to_running_and_back():
    modes = Modes()
    modes.start("task", "test")
    assert (modes.mode, modes.reason) == (Mode.HOLDING, "waiting for the first chunk")
    modes.run()
    assert (modes.mode, modes.reason) == (Mode.RUNNING, "")
    modes.hold("late")
    assert (modes.mode, modes.reason) == (Mode.HOLDING, "late")
    assert modes.end("task") == ""
    assert (modes.mode, modes.task_id, modes.in_task) == (Mode.IDLE, "", False)


@pytest.mark.parametrize(
    ("task_id", "source", "words"),
    [("", "test", "task_id is empty"), ("task", "", "source is empty")],
)
def test_names_must_not_be_empty(task_id, source, words):
    assert words in Modes().refusal(task_id, source)


def test_one_task_at_a_time():
    modes = running()
    assert "task 'task' of 'test' is running" in modes.refusal("next", "test")
    assert "'task' is running, not 'next'" in modes.end("next")
    assert Modes().end("task") == "no task is running"


def test_the_first_cause_stays_until_rearmed():
    modes = running()
    assert modes.stop("first")
    assert not modes.stop("second")
    assert modes.reason == "first"
    assert "first; call rearm first" in modes.refusal("next", "test")
    assert modes.end("task") == ""
    assert (modes.mode, modes.reason) == (Mode.STOPPED, "first")
    modes.rearm()
    assert (modes.mode, modes.reason, modes.refusal("next", "test")) == (Mode.IDLE, "", "")


def test_a_pause_takes_no_chunks_and_is_part_of_the_task():
    modes = running()
    assert modes.resume() == "nothing is paused (running)"
    assert modes.pause() == ""
    assert (modes.mode, modes.reason, modes.in_task) == (Mode.PAUSED, "paused by request", True)
    assert "call pause with false" in modes.chunk_refusal
    assert modes.pause() == "the task is paused already"
    assert modes.resume() == ""
    assert (modes.mode, modes.chunk_refusal) == (Mode.HOLDING, "")
    assert modes.pause() == ""
    assert modes.end("task") == ""
    assert modes.pause() == modes.chunk_refusal == "no task is running (idle)"


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, only rearm leads out of STOPPED."""

    def __init__(self):
        super().__init__()
        self.modes = Modes()

    @rule()
    def start(self):
        if not self.modes.refusal("task", "test"):
            self.modes.start("task", "test")

    @precondition(lambda self: not self.modes.chunk_refusal)
    @rule()
    def run_or_hold(self):
        self.modes.run()
        self.modes.hold("out")

    @rule()
    def pause_or_resume(self):
        before = self.modes.mode
        refused = self.modes.resume() if before is Mode.PAUSED else self.modes.pause()
        assert bool(refused) == (before in (Mode.IDLE, Mode.STOPPED))

    @rule()
    def end(self):
        before = self.modes.mode
        self.modes.end("task")
        assert before is not Mode.STOPPED or self.modes.mode is Mode.STOPPED

    @rule()
    def stop(self):
        self.modes.stop("cause")
        assert self.modes.mode is Mode.STOPPED

    @precondition(lambda self: self.modes.mode is Mode.STOPPED)
    @rule()
    def rearm(self):
        self.modes.rearm()

    @invariant()
    def a_task_has_a_name(self):
        assert not self.modes.in_task or self.modes.task_id
        assert self.modes.mode is not Mode.IDLE or not self.modes.task_id


TestAnyOrder = AnyOrder.TestCase
