"""All that a policy node sees of the world: perception, joint states, executor and a client."""

from pathlib import Path
from typing import Any

import numpy as np
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from rclpy.time import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool

from dust_model.checkpoint import Checkpoint
from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ActionChunk, ExecutorState, Features, StageTiming, Surprise
from dust_msgs.srv import EndTask, StartTask
from dust_node import qos
from dust_node.tensors import to_tensor
from support.probe import Probe

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
        language = opened.config.vision_language
        self.embedding = np.zeros((language.world_tokens, language.vision_width), np.float16)
        self.instruction = ""
        self.sees, self.feels, self.executor_speaks = True, True, True
        self.joint_names = ARM + FINGERS
        self.mode, self.reason, self.task_id = ExecutorState.IDLE, "", ""
        self.refusal = ""
        self.started: list[StartTask.Request] = []
        self.ended: list[EndTask.Request] = []
        self.paused: list[bool] = []
        self.chunks = probe.listen(ActionChunk, "action_chunk", qos.RELIABLE)
        self.surprises = probe.listen(Surprise, "surprise", qos.RELIABLE)
        self.feedback: list[Any] = []
        self._connect()
        self.client = ActionClient(self.node, ExecuteTask, "execute_task")
        assert probe.spin_until(self.client.server_is_ready, timeout_sec=60)
        probe.meet_server("execute_task/_action/send_goal")

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
            node.create_service(SetBool, "dust_executor/pause", self._pause),
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
        message.embedding = to_tensor(self.embedding)
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
            if self.chunks:
                state.last_sequence = self.chunks[-1].sequence
                state.last_stamp = self.chunks[-1].header.stamp
                state.last_splice = now
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

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        self.paused.append(request.data)
        self.mode = ExecutorState.PAUSED if request.data else ExecutorState.HOLDING
        response.success = True
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
