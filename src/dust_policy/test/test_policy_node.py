"""The node over real DDS: a goal, features and joint states in, chunks and a result out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from rclpy.time import Time
from std_srvs.srv import Trigger

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ActionChunk, ExecutorState
from support.policy_world import ARM, HOME, WORDS, World
from support.probe import Probe
from support.program import Program

NODE = "dust_policy.policy_node"
R = ExecuteTask.Result
# Long enough for a machine that is busy with other things.
USUAL = (
    "continuation:=none",
    "max_feature_age:=5.0",
    "max_state_age:=5.0",
    "start_timeout:=4.0",
    "feature_timeout:=3.0",
    "state_timeout:=3.0",
    "executor_timeout:=3.0",
    "client_timeout:=3.0",
    "seed:=3",
)


class Seat:
    """The policy's seat: one node at a time."""

    def __init__(self, start_program: Callable[..., Program], checkpoint: Path) -> None:
        self._start, self._checkpoint = start_program, checkpoint
        self._words: tuple[str, ...] = ()
        self._program: Program | None = None

    def take(self, *words: str) -> Program:
        """Have a node with these parameters in it."""
        program = self._program
        if program is None or not program.running or words != self._words:
            if program is not None:
                program.stop()
            program = self._start(NODE, f"checkpoint:={self._checkpoint}", *words)
        self._program, self._words = program, words
        return program


@pytest.fixture(scope="module")
def seat(start_program: Callable[..., Program], tiny_checkpoint: Path) -> Seat:
    """Start a node only where a test needs another one."""
    return Seat(start_program, tiny_checkpoint)


@pytest.fixture
def policy(seat: Seat) -> Program:
    """Have the usual node in the seat."""
    return seat.take(*USUAL)


@pytest.fixture
def world(policy: Program, probe: Probe, tiny_checkpoint: Path) -> Iterator[World]:
    """Give the world around the policy."""
    world = World(probe, tiny_checkpoint)
    yield world
    world.leave()


def test_a_task_gives_chunks_until_it_is_canceled(world: World, policy: Program) -> None:
    goal = world.run(5)
    assert world.instruction == WORDS
    check_chunk(world, world.chunks[-1])
    assert [chunk.sequence for chunk in world.chunks[:5]] == [1, 2, 3, 4, 5]
    assert world.probe.spin_until(lambda: any(f.chunks > 2 for f in world.feedback))
    assert world.feedback[-1].buffer == 0.5
    assert (world.feedback[-1].action_steps, world.feedback[-1].vision_steps) == (4, 4)
    assert not world.feedback[-1].paused
    result = world.cancel(goal)
    assert result.error_code == R.CANCELED
    assert result.chunks >= 5
    check_ending(world)
    stages = [row.stage for row in result.latency]
    way = ["encode", "transport", "queue", "sample", "image to chunk"]
    assert stages == [*way, "chunk to arm", "image to arm"]
    assert result.latency[-1].p95 > 0.04
    assert "image to chunk" in policy.output


def check_chunk(world: World, chunk: ActionChunk) -> None:
    """Check what the executor will check."""
    assert (chunk.source, chunk.task_id) == ("dust_policy", world.started[-1].task_id)
    assert world.started[-1].source == "dust_policy"
    assert chunk.joint_names == ARM
    assert chunk.period == pytest.approx(1 / 15)
    positions = np.array(chunk.positions).reshape(16, 7)
    assert np.abs(positions - HOME).max() <= 0.1 + 1e-6
    assert all(0 <= opening <= 1 for opening in chunk.gripper)
    assert len(chunk.gripper) == 16
    assert (chunk.action_steps, chunk.vision_steps, chunk.prefix) == (4, 4, 0)
    assert chunk.conditioning == ActionChunk.FREE
    names = [timing.stage for timing in chunk.timings]
    assert names == ["encode", "transport", "queue", "sample"]


def check_ending(world: World) -> None:
    """Check that everyone was told that the task is over, and that no chunk follows."""
    assert [request.task_id for request in world.ended] == [world.started[-1].task_id]
    assert world.probe.spin_until(lambda: world.instruction == "")
    known = len(world.chunks)
    world.instruction = WORDS
    assert not world.probe.spin_until(lambda: len(world.chunks) > known, timeout_sec=0.5)


def test_the_same_seed_gives_the_same_first_chunk(world: World) -> None:
    firsts = []
    for _ in range(2):
        world.cancel(world.run(1))
        firsts.append(list(world.chunks[0].positions))
    assert firsts[0] == firsts[1]


def test_time_limit_ends_the_task(world: World) -> None:
    result = world.result(world.send(time_limit=2.0))
    assert result.error_code == R.TIMEOUT
    assert result.elapsed_time == pytest.approx(2.0, abs=1.5)
    check_ending(world)


def test_a_second_task_is_refused_and_the_first_goes_on(world: World) -> None:
    goal = world.run(1)
    result = world.result(world.send("something else"))
    assert result.error_code == R.BUSY
    assert WORDS in result.error_msg
    world.wait_chunks(len(world.chunks) + 2)
    assert world.cancel(goal).error_code == R.CANCELED


@pytest.mark.parametrize(("instruction", "time_limit"), [("", 5.0), ("go", 0.0), ("go", 1e9)])
def test_goals_out_of_range_are_refused(world: World, instruction: str, time_limit: float) -> None:
    assert world.result(world.send(instruction, time_limit)).error_code == R.INVALID_GOAL
    assert not world.started


def test_another_checkpoint_in_perception_is_refused(world: World) -> None:
    world.fingerprint = "0123456789abcdef"
    result = world.result(world.send())
    assert result.error_code == R.NO_FEATURES
    assert "perception runs checkpoint 0123456789abcdef" in result.error_msg
    assert not world.started


def test_missing_joints_are_named(world: World) -> None:
    world.joint_names = ARM
    result = world.result(world.send())
    assert result.error_code == R.NO_JOINT_STATES
    assert "lack fr3_finger_joint1, fr3_finger_joint2" in result.error_msg
    assert not world.started


def test_silent_perception_is_told(world: World) -> None:
    world.sees = False
    assert world.result(world.send()).error_code == R.NO_FEATURES
    assert not world.ended


def test_a_stopped_executor_refuses_with_its_reason(world: World) -> None:
    world.mode, world.reason, world.refusal = ExecutorState.STOPPED, "a reflex", "rearm first"
    result = world.result(world.send())
    assert result.error_code == R.EXECUTOR_STOPPED
    assert "a reflex" in result.error_msg
    assert not world.ended


def test_a_missing_executor_is_told(world: World) -> None:
    for service in world.services:
        world.node.destroy_service(service)
    result = world.result(world.send())
    assert result.error_code == R.EXECUTOR_UNAVAILABLE
    assert "dust_executor/start_task" in result.error_msg


def test_an_executor_that_stops_ends_the_task(world: World) -> None:
    goal = world.run()
    world.mode, world.reason = ExecutorState.STOPPED, "joint states are stale"
    result = world.result(goal)
    assert result.error_code == R.EXECUTOR_STOPPED
    assert "joint states are stale" in result.error_msg
    check_ending(world)


@pytest.mark.parametrize(
    ("sense", "code"),
    [
        ("sees", R.NO_FEATURES),
        pytest.param("feels", R.NO_JOINT_STATES, marks=pytest.mark.slow),
        ("executor_speaks", R.EXECUTOR_UNAVAILABLE),
    ],
)
def test_what_stays_away_ends_the_task(world: World, sense: str, code: int) -> None:
    goal = world.run()
    setattr(world, sense, False)
    assert world.result(goal).error_code == code
    check_ending(world)


def test_a_client_that_vanishes_ends_its_task(world: World) -> None:
    world.run()
    world.leave()
    assert world.probe.spin_until(lambda: len(world.ended) == 1)
    assert "client" in world.ended[0].reason


def test_steps_can_be_changed_while_running(world: World) -> None:
    goal = world.run()
    assert world.set_parameter("vision_steps", 16).successful
    assert world.probe.spin_until(lambda: world.chunks[-1].vision_steps == 16)
    refused = world.set_parameter("vision_steps", 6)
    assert not refused.successful
    assert "must be a multiple of action_steps (4)" in refused.reason
    assert not world.set_parameter("action_steps", 0).successful
    assert world.set_parameter("vision_steps", 4).successful
    world.cancel(goal)


def test_deactivation_ends_the_task_and_refuses_others(world: World) -> None:
    goal = world.run()
    world.change_state(Transition.TRANSITION_DEACTIVATE)
    assert world.result(goal).error_code == R.NOT_ACTIVE
    check_ending(world)
    assert world.result(world.send()).error_code == R.NOT_ACTIVE
    world.change_state(Transition.TRANSITION_CLEANUP)
    assert world.result(world.send()).error_code == R.NOT_ACTIVE
    world.change_state(Transition.TRANSITION_CONFIGURE)
    world.change_state(Transition.TRANSITION_ACTIVATE)
    world.cancel(world.run(1))


def test_a_task_can_be_paused_and_goes_on_when_asked(world: World) -> None:
    assert not world.probe.call(Trigger, "dust_policy/pause").success
    goal = world.run()
    assert world.probe.call(Trigger, "dust_policy/pause").success
    assert world.paused == [True]
    world.probe.wait(lambda: world.feedback[-1].paused)
    known = len(world.chunks)
    assert not world.probe.spin_until(lambda: len(world.chunks) > known, timeout_sec=0.5)
    refused = world.probe.call(Trigger, "dust_policy/pause")
    assert (refused.success, refused.message) == (False, "the task is paused already")
    assert world.probe.call(Trigger, "dust_policy/resume").success
    assert world.paused == [True, False]
    world.wait_chunks(known + 2)
    assert not world.probe.call(Trigger, "dust_policy/resume").success
    assert world.cancel(goal).error_code == R.CANCELED


def test_scores_tell_which_chunk_they_belong_to(world: World) -> None:
    goal = world.run()
    world.probe.wait(lambda: len(world.surprises) > 2)
    score = world.surprises[-1]
    chunk = next(chunk for chunk in world.chunks if chunk.sequence == score.sequence)
    assert (score.header.frame_id, score.task_id) == ("side", chunk.task_id)
    assert score.predicted == chunk.header.stamp
    ahead = Time.from_msg(score.header.stamp) - Time.from_msg(score.predicted)
    assert ahead.nanoseconds * 1e-9 == pytest.approx(16 / 15, abs=0.5 / 15)
    assert score.score > 0
    assert (score.vision_steps, np.isnan(score.threshold), score.surprised) == (4, True, False)
    world.probe.wait(lambda: world.feedback[-1].surprise > 0)
    world.cancel(goal)


def test_interruption_during_a_task_is_clean(world: World, policy: Program) -> None:
    world.run(1)
    output = policy.end()
    assert "error" not in output.lower(), output


def test_committed_actions_are_repeated(seat: Seat, probe: Probe, tiny_checkpoint: Path) -> None:
    seat.take("continuation:=prefix", "prefix_limit:=12", "max_feature_age:=5.0")
    world = World(probe, tiny_checkpoint)
    goal = world.send()
    chunk = world.probe.wait(lambda: next((c for c in world.chunks if c.prefix), None))
    assert chunk.conditioning == ActionChunk.PREFIX
    np.testing.assert_allclose(list(chunk.positions[: 7 * chunk.prefix]), HOME * chunk.prefix)
    assert list(chunk.gripper[: chunk.prefix]) == [1.0] * chunk.prefix
    rest = np.array(chunk.positions[7 * chunk.prefix :]).reshape(-1, 7)
    assert not np.allclose(rest, HOME)
    world.cancel(goal)
    world.leave()


def test_it_blends_takes_the_steps_that_fit_and_pauses_when_surprised(
    seat: Seat, probe: Probe, tiny_checkpoint: Path
) -> None:
    words = ("continuation:=blend", "schedule:=auto", "vision_steps:=16", "surprise.action:=pause")
    words += ("max_feature_age:=5.0", "surprise.threshold:=0.001", "surprise.debounce:=2")
    seat.take(*words)
    world = World(probe, tiny_checkpoint)
    goal = world.send()
    chunk = world.probe.wait(lambda: next((c for c in world.chunks if c.prefix), None))
    assert chunk.conditioning == ActionChunk.BLENDED
    np.testing.assert_allclose(list(chunk.positions[:7]), HOME)
    assert {chunk.vision_steps for chunk in world.chunks} <= {0, 4, 8, 16}
    world.probe.wait(lambda: world.paused == [True])
    assert world.surprises[-1].surprised
    assert world.probe.call(Trigger, "dust_policy/resume").success
    world.mode = ExecutorState.RUNNING
    world.probe.wait(lambda: world.paused == [True, False, True])
    world.cancel(goal)
    world.leave()
