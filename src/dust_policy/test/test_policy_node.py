"""The node over real DDS: a goal, features and joint states in, chunks and a result out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from rclpy.time import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from dust_model.checkpoint import Checkpoint
from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ActionChunk, ExecutorState, Features, StageTiming
from dust_msgs.srv import EndTask, StartTask
from dust_node import qos
from dust_node.tensors import to_tensor
from support.probe import Probe
from support.program import Program

NODE = "dust_policy.policy_node"
R = ExecuteTask.Result
ARM = [f"fr3_joint{i}" for i in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
HOME = [0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4]
WORDS = "put the blue cube into the bowl"


class World:
    """Perception, robot and executor, as far as the policy sees them."""

    def __init__(self, probe: Probe, checkpoint: Path) -> None:
        self.probe, self.node = probe, probe.node
        opened = Checkpoint.load(checkpoint)
        self.fingerprint, self.width = opened.fingerprint, opened.config.head.width
        self.instruction = ""
        self.sees, self.feels, self.executor_speaks = True, True, True
        self.joint_names = ARM + FINGERS
        self.mode, self.reason, self.task_id = ExecutorState.IDLE, "", ""
        self.refusal = ""
        self.started: list[StartTask.Request] = []
        self.ended: list[EndTask.Request] = []
        self.chunks = probe.listen(ActionChunk, "action_chunk", qos.RELIABLE)
        self.feedback: list[Any] = []
        self._connect()
        self.client = ActionClient(self.node, ExecuteTask, "execute_task")
        assert probe.spin_until(self.client.server_is_ready, timeout_sec=60)

    def _connect(self) -> None:
        node = self.node
        self._features = node.create_publisher(Features, "features", qos.RELIABLE)
        self._joints = node.create_publisher(JointState, "joint_states", qos.RELIABLE)
        self._states = node.create_publisher(ExecutorState, "executor_state", qos.RELIABLE)
        node.create_subscription(String, "instruction", self._on_instruction, qos.LATCHED)
        node.create_timer(1 / 30, self._feel)
        node.create_timer(1 / 15, self._see)
        self.services = [
            node.create_service(StartTask, "dust_executor/start_task", self._start),
            node.create_service(EndTask, "dust_executor/end_task", self._end),
        ]

    def _on_instruction(self, message: String) -> None:
        self.instruction = message.data

    def _see(self) -> None:
        if not (self.sees and self.instruction):
            return
        now = self.node.get_clock().now()
        message = Features(instruction=self.instruction, views=["wrist", "side"])
        message.header.stamp = Time(nanoseconds=now.nanoseconds - 40_000_000).to_msg()
        message.checkpoint = self.fingerprint
        values = np.random.default_rng(0).standard_normal((60, self.width))
        message.features = to_tensor(values.astype(np.float16))
        message.mask = to_tensor(np.ones(60, np.bool_))
        message.timings = [StageTiming(stage="encode", stamp=message.header.stamp, duration=0.04)]
        self._features.publish(message)

    def _feel(self) -> None:
        now = self.node.get_clock().now().to_msg()
        if self.feels:
            joints = JointState(name=self.joint_names)
            joints.header.stamp = now
            joints.position = [*HOME, 0.04, 0.04][: len(self.joint_names)]
            self._joints.publish(joints)
        if self.executor_speaks:
            state = ExecutorState(mode=self.mode, reason=self.reason, task_id=self.task_id)
            state.header.stamp = now
            state.joint_names, state.period, state.buffer = ARM, 0.02, 0.5
            state.positions, state.gripper = HOME * 40, [1.0] * 40
            self._states.publish(state)

    def _start(self, request: StartTask.Request, response: StartTask.Response) -> Any:
        self.started.append(request)
        response.success, response.message = not self.refusal, self.refusal
        if response.success:
            self.task_id, self.mode = request.task_id, ExecutorState.RUNNING
        return response

    def _end(self, request: EndTask.Request, response: EndTask.Response) -> Any:
        self.ended.append(request)
        response.success = request.task_id == self.task_id
        if response.success:
            self.task_id, self.mode = "", ExecutorState.IDLE
        return response

    def send(self, instruction: str = WORDS, time_limit: float = 60.0) -> Any:
        """Send a goal; return its handle."""
        goal = ExecuteTask.Goal(instruction=instruction, time_limit=time_limit)
        sent = self.client.send_goal_async(
            goal, feedback_callback=lambda message: self.feedback.append(message.feedback)
        )
        assert self.probe.spin_until(sent.done)
        assert sent.result().accepted
        return sent.result()

    def result(self, goal: Any) -> Any:
        """Wait for a goal's result."""
        asked = goal.get_result_async()
        assert self.probe.spin_until(asked.done), "no result"
        return asked.result().result

    def run(self, goal_chunks: int = 3) -> Any:
        """Send a goal and wait for chunks of it."""
        self.chunks.clear()
        goal = self.send()
        self.wait_chunks(goal_chunks)
        return goal

    def wait_chunks(self, count: int) -> None:
        """Wait until that many chunks have arrived."""
        assert self.probe.spin_until(lambda: len(self.chunks) >= count), "no chunks"

    def leave(self) -> None:
        """Vanish as a client."""
        if self.client is not None:
            self.client.destroy()
            self.client = None

    def cancel(self, goal: Any) -> Any:
        """Cancel a goal and return its result."""
        canceled = goal.cancel_goal_async()
        assert self.probe.spin_until(canceled.done)
        return self.result(goal)

    def change_state(self, transition: int) -> None:
        """Ask for a lifecycle transition."""
        request = {"transition": Transition(id=transition)}
        assert self.probe.call(ChangeState, "dust_policy/change_state", **request).success

    def set_parameter(self, name: str, value: object) -> Any:
        """Set a parameter of the node; return whether it was accepted and why not."""
        request = {"parameters": [Parameter(name, value=value).to_parameter_msg()]}
        return self.probe.call(SetParameters, "dust_policy/set_parameters", **request).results[0]


@pytest.fixture(scope="module")
def policy(start_program: Callable[..., Program], tiny_checkpoint: Path) -> Program:
    """Start one node for the tests of this module."""
    return start_program(
        NODE,
        f"checkpoint:={tiny_checkpoint}",
        # Long enough for a machine that is busy with other things.
        "max_feature_age:=5.0",
        "max_state_age:=5.0",
        "start_timeout:=4.0",
        "feature_timeout:=3.0",
        "state_timeout:=3.0",
        "executor_timeout:=3.0",
        "client_timeout:=3.0",
        "seed:=3",
    )


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
    result = world.cancel(goal)
    assert result.error_code == R.CANCELED
    assert result.chunks >= 5
    check_ending(world)
    stages = [row.stage for row in result.latency]
    assert stages == ["encode", "transport", "queue", "sample", "image to chunk"]
    assert result.latency[-1].duration > 0.04
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
        ("feels", R.NO_JOINT_STATES),
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


def test_interruption_during_a_task_is_clean(world: World, policy: Program) -> None:
    world.run(1)
    output = policy.end()
    assert "error" not in output.lower(), output


def test_committed_actions_are_repeated(
    start_program: Callable[..., Program], policy: Program, probe: Probe, tiny_checkpoint: Path
) -> None:
    policy.stop()
    start_program(NODE, f"checkpoint:={tiny_checkpoint}", "prefix:=committed", "prefix_limit:=2")
    world = World(probe, tiny_checkpoint)
    goal = world.send()
    assert world.probe.spin_until(lambda: any(chunk.prefix == 2 for chunk in world.chunks))
    chunk = next(chunk for chunk in world.chunks if chunk.prefix == 2)
    np.testing.assert_allclose(list(chunk.positions[:14]), HOME * 2)
    assert list(chunk.gripper[:2]) == [1.0, 1.0]
    assert not np.allclose(list(chunk.positions[14:21]), HOME)
    world.cancel(goal)
    world.leave()
