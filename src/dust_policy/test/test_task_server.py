"""The action without a policy behind it: goals that are refused, tasks that were suspended."""

from collections.abc import Iterator
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock

from dust_msgs.action import ExecuteTask
from dust_node.clock import nanoseconds
from dust_node.verdict import Code
from dust_policy import task_server
from dust_policy.task import ExecutorView, Limits, Mode, Task
from dust_policy.task_server import TaskServer
from support.probe import Probe


class Seat:
    """A node that is as the test says."""

    active = True
    now = 1

    def now_ns(self) -> int:
        """Return the time."""
        return self.now

    def longest_task(self) -> float:
        """Allow a minute."""
        return 60.0

    def feedback_period(self) -> float:
        """Give no feedback."""
        return 1e6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"active": False}, "is not active: activate it first"),
        ({"now": 0}, "the clock stands at 0"),
    ],
)
def test_goals_are_refused_in_one_line(probe: Probe, change: dict[str, Any], words: str) -> None:
    seat: Any = Seat()
    for name, value in change.items():
        setattr(seat, name, value)
    server = TaskServer(probe.node, seat)
    client = ActionClient(probe.node, ExecuteTask, "execute_task")
    probe.wait(client.server_is_ready)
    sent = client.send_goal_async(ExecuteTask.Goal(instruction="go", time_limit=1.0))
    probe.wait(sent.done)
    asked = sent.result().get_result_async()
    probe.wait(asked.done)
    result = asked.result().result
    assert result.error_code == ExecuteTask.Result.NOT_ACTIVE
    assert words in result.error_msg
    client.destroy()
    server.destroy()


@pytest.fixture
def early(probe: Probe) -> Iterator[ActionClient]:
    """A client of a server that has not heard its simulation's clock yet."""
    probe.node.set_parameters([Parameter("use_sim_time", value=True)])
    seat: Any = Seat()
    seat.now_ns = lambda: nanoseconds(probe.node.get_clock())
    server = TaskServer(probe.node, seat)
    client = ActionClient(probe.node, ExecuteTask, "execute_task")
    probe.wait(client.server_is_ready)
    yield client
    client.destroy()
    server.destroy()


def accepted(probe: Probe, client: ActionClient, instruction: str) -> Any:
    """Send a goal; return its handle."""
    sent = client.send_goal_async(ExecuteTask.Goal(instruction=instruction, time_limit=1.0))
    probe.wait(sent.done)
    return sent.result()


def tick_until(probe: Probe, asked: Any) -> Any:
    """Publish a simulation's clock until the result is there; return it."""
    clock = probe.node.create_publisher(Clock, "/clock", 10)

    def tick() -> bool:
        clock.publish(Clock(clock=Time(seconds=3).to_msg()))
        return bool(asked.done())

    probe.wait(tick)
    return asked.result()


def test_a_goal_before_the_first_tick_of_a_simulation_waits_for_it(
    probe: Probe, early: ActionClient
) -> None:
    asked = accepted(probe, early, "").get_result_async()
    probe.spin(0.2)
    assert not asked.done()
    # Then the clock is no obstacle any more; the next one is that nothing is asked for.
    found = tick_until(probe, asked)
    assert found.result.error_code == ExecuteTask.Result.INVALID_GOAL


def test_a_goal_canceled_before_the_first_tick_never_begins(
    probe: Probe, early: ActionClient
) -> None:
    goal = accepted(probe, early, "go")
    probe.wait(goal.cancel_goal_async().done)
    found = tick_until(probe, goal.get_result_async())
    assert found.status == GoalStatus.STATUS_CANCELED
    assert found.result.error_code == ExecuteTask.Result.CANCELED


S = 1_000_000_000
JOINTS = ("fr3_joint1", "fr3_joint2")
SUSPENDED_SEC = 3.0


class Suspended:
    """A task that runs, and a process that does not get round to it for a while.

    Attributes:
        server: Its server.
        task: The task.
        seat: What tells the node's time.
    """

    def __init__(self, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
        """Start the task and look after it once."""
        self._moment = 100.0
        monkeypatch.setattr(task_server.time, "monotonic", lambda: self._moment)
        self.seat: Any = Seat()
        self.seat.now = 10 * S
        self.server = TaskServer(probe.node, self.seat)
        limits = Limits(5 * S, S, S, S, 60 * S)
        now = {"time_limit": 60.0, "now_ns": self.seat.now}
        self.task = Task("one", "go", joint_names=JOINTS, limits=limits, **now)
        self.task.starting()
        self.task.running(self.seat.now)
        self.server.task = self.task
        self.hear(Mode.RUNNING)
        self.watch()

    def hear(self, mode: Mode) -> None:
        """Let features, joint states and the executor's state come in now."""
        now = self.seat.now
        status = self.server.status
        status.features_ns = status.states_ns = status.client_ns = now
        status.executor = ExecutorView(now, mode, "no valid chunk for 2 s", "one", JOINTS)

    def wait(self, seconds: float, *, clock: bool = True) -> None:
        """Let time pass; the node's clock may not have heard of it yet."""
        self._moment += seconds
        if clock:
            self.seat.now += int(seconds * S)

    def watch(self) -> Code | None:
        """Let the server look after the task; return how it ended, if it did."""
        self.server.watch()
        return self.task.verdict.code if self.task.verdict else None


@pytest.fixture
def suspended(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Suspended]:
    """A task whose process has just been suspended, before any message was heard."""
    made = Suspended(probe, monkeypatch)
    made.wait(SUSPENDED_SEC, clock=False)
    assert made.watch() is None
    yield made
    made.server.destroy()


def test_a_clock_that_was_late_is_no_silence_of_others(suspended: Suspended) -> None:
    suspended.wait(0.05)
    suspended.seat.now += int(SUSPENDED_SEC * S)
    assert suspended.watch() is None
    suspended.hear(Mode.STOPPED)
    assert suspended.watch() == Code.EXECUTOR_STOPPED


def test_a_stop_that_was_heard_counts_at_once(suspended: Suspended) -> None:
    suspended.hear(Mode.STOPPED)
    assert suspended.watch() == Code.EXECUTOR_STOPPED


def test_who_is_silent_after_that_ends_the_task(suspended: Suspended) -> None:
    suspended.seat.now += int(SUSPENDED_SEC * S)
    ends = None
    waited = 0.0
    while ends is None and waited < 10:
        suspended.wait(0.05)
        waited += 0.05
        ends = suspended.watch()
    assert ends in (Code.EXECUTOR_UNAVAILABLE, Code.NO_JOINT_STATES)
    assert waited == pytest.approx(1.5, abs=0.2)


def test_who_goes_on_after_that_goes_on(suspended: Suspended) -> None:
    suspended.seat.now += int(SUSPENDED_SEC * S)
    for _ in range(100):
        suspended.wait(0.05)
        suspended.hear(Mode.RUNNING)
        assert suspended.watch() is None
