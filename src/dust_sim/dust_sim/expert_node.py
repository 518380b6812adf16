"""Node dust_expert: the scripted expert in the policy's seat. Takes tasks, sends action chunks."""

from typing import Any

import numpy as np
import rclpy.action
from rclpy.action import CancelResponse
from rclpy.clock import Clock, ClockType
from rclpy.task import Future
from sensor_msgs.msg import JointState

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ActionChunk, CellState, ExecutorState, StageTiming
from dust_node.clock import beat, even, nanoseconds, told
from dust_node.diagnostics import OK, Level, Monitor
from dust_node.executor_link import ExecutorLink
from dust_node.lifecycle import DustNode
from dust_node.qos import RELIABLE, SENSOR
from dust_node.run import run
from dust_node.verdict import Code, Verdict
from dust_sim.expert_session import (
    ExecutorView,
    ExpertSession,
    Robot,
    Scene,
    SessionLimits,
    World,
    check_goal,
)
from dust_sim.fr3 import ARM_JOINTS, FINGER_JOINTS
from dust_sim.messages import from_pose
from dust_sim.parameters import EXPERT_PARAMETERS
from dust_sim.trajectory import Array

_CANCELED = "the client canceled the task"


class ExpertNode(DustNode):
    """Serves `execute_task` like the policy; what it needs is the cell's ground truth."""

    parameters = EXPERT_PARAMETERS
    values: dict[str, Any]

    def __init__(self) -> None:
        self._session: ExpertSession | None = None
        self._goal: Any = None
        self._wake: Future = Future()
        self._world = World()
        self._entities: list[Any] = []
        super().__init__("dust_expert")
        # Limits and ages go by it; the node's own clock stamps messages.
        self._even = even(self)
        # Lives as long as the node, so that every goal gets an answer.
        self._server = rclpy.action.ActionServer(
            self, ExecuteTask, "execute_task", self._execute, cancel_callback=self._cancel
        )

    def setup(self) -> None:
        """Make topics, services and the chunk timer."""
        self._entities = [
            self.create_subscription(CellState, "dust_sim/cell_state", self._see, SENSOR),
            self.create_subscription(JointState, "joint_states", self._feel, SENSOR),
            self.create_subscription(ExecutorState, "executor_state", self._hear, SENSOR),
        ]
        self._publisher = self.create_publisher(ActionChunk, "action_chunk", RELIABLE)
        self._link = ExecutorLink(self)
        self.monitor = Monitor(self, self._assess)
        self._timer = beat(self, 1 / self.values["chunk_rate"], self._tick)

    def stop(self) -> None:
        """End the task that runs."""
        self._end(Code.NOT_ACTIVE, f"{self.get_name()} was deactivated")

    def wind_down(self) -> bool:
        """End the task that runs, and tell the executor and the client."""
        self._end(Code.NOT_ACTIVE, f"{self.get_name()} is being shut down")
        return self._session is None

    def teardown(self) -> None:
        """Release what `setup` made."""
        if not self._entities:
            return
        for entity in self._entities:
            self.destroy_subscription(entity)
        self._entities = []
        self.destroy_timer(self._timer)
        self.destroy_publisher(self._publisher)
        self._link.close()
        self.monitor.close()

    def destroy_node(self) -> None:
        """Take the action away with the node."""
        self._server.destroy()
        super().destroy_node()

    def _assess(self) -> Level:
        if self._session is None:
            return OK, "waiting for a task"
        return OK, f"at work: {self._session.instruction}"

    def _see(self, message: CellState) -> None:
        poses = {
            name: from_pose(pose) for name, pose in zip(message.names, message.poses, strict=True)
        }
        self._world.scene = Scene(
            self._now_ns(),
            message.task,
            message.object_name,
            message.instruction,
            message.seed,
            poses,
        )

    def _feel(self, message: JointState) -> None:
        values = dict(zip(message.name, message.position, strict=False))
        if all(name in values for name in (*ARM_JOINTS, *FINGER_JOINTS)):
            joints = np.array([values[name] for name in ARM_JOINTS])
            width = sum(values[name] for name in FINGER_JOINTS)
            self._world.robot = Robot(self._now_ns(), joints, width)

    def _hear(self, message: ExecutorState) -> None:
        self._world.executor = ExecutorView(
            self._now_ns(),
            message.mode == ExecutorState.STOPPED,
            message.reason,
            message.task_id,
            message.buffer,
        )

    async def _execute(self, goal: Any) -> ExecuteTask.Result:
        """Carry out one goal; every way out gives a result with code and text."""
        await told(self)
        if goal.is_cancel_requested:
            goal.canceled()
            return ExecuteTask.Result(error_code=Code.CANCELED, error_msg=_CANCELED)
        refusal = self._refuse(goal.request)
        if refusal is not None:
            goal.abort()
            return ExecuteTask.Result(error_code=refusal[0], error_msg=refusal[1])
        session = self._session = self._new_session(goal)
        self._goal = goal
        try:
            await self._perform(session)
        except Exception as error:
            session.end(Code.UNKNOWN, f"internal error: {error!r}")
            self.get_logger().error(f"task failed: {error!r}")
        return await self._conclude(session, goal)

    def _refuse(self, request: ExecuteTask.Goal) -> tuple[Code, str] | None:
        if not self.active:
            return Code.NOT_ACTIVE, f"{self.get_name()} is not active: activate it first"
        if not self._now_ns():
            return Code.NOT_ACTIVE, "the clock stands at 0: does anybody publish /clock?"
        problem = check_goal(request.instruction, request.time_limit)
        if problem:
            return Code.INVALID_GOAL, problem
        if self._session is not None:
            text = f"'{self._session.instruction}' is under way: cancel it or wait for its end"
            return Code.BUSY, text
        return None

    def _new_session(self, goal: Any) -> ExpertSession:
        # What came in before may tell of a scene that has been reset since.
        self._world.scene = None
        return ExpertSession(
            task_id=bytes(goal.goal_id.uuid).hex(),
            instruction=goal.request.instruction,
            time_limit=goal.request.time_limit,
            begun_ns=self._now_ns(),
            perturbation=self.values["perturbation"],
            horizon=self.values["horizon"],
            period=self.values["period"],
            limits=SessionLimits(
                round(self.values["start_timeout"] * 1e9), round(self.values["state_timeout"] * 1e9)
            ),
        )

    async def _perform(self, session: ExpertSession) -> None:
        """Wait for the scene, ask the executor, run until a verdict."""
        await self._woken()
        if session.verdict:
            return
        session.start()
        try:
            problem = await self._link.start_task(
                session.task_id, self.get_name(), timeout_sec=self.values["service_timeout"]
            )
        except (ConnectionError, TimeoutError) as error:
            session.end(Code.EXECUTOR_UNAVAILABLE, f"{error}: is the executor active?")
            return
        if problem:
            session.engaged = False
            self._end_refused(session, problem)
            return
        session.run(self._now_ns())
        self._tick()
        await self._woken()

    def _end_refused(self, session: ExpertSession, problem: str) -> None:
        executor = self._world.executor
        if executor is not None and executor.is_stopped:
            session.end(
                Code.EXECUTOR_STOPPED,
                f"the executor is stopped: {executor.reason}; call dust_executor/rearm",
            )
        else:
            session.end(Code.EXECUTOR_UNAVAILABLE, f"the executor refused: {problem}")

    async def _conclude(self, session: ExpertSession, goal: Any) -> ExecuteTask.Result:
        """End the task at the executor, give the result, be free for the next one."""
        verdict = session.verdict
        assert verdict is not None
        result = ExecuteTask.Result(
            error_code=verdict.code,
            error_msg=verdict.text,
            elapsed_time=session.elapsed(self._now_ns()),
            chunks=session.chunks,
        )
        try:
            if session.engaged:
                await self._release_executor(session.task_id, verdict)
            if verdict.code == Code.NONE:
                goal.succeed()
            elif goal.is_cancel_requested and verdict.code == Code.CANCELED:
                goal.canceled()
            else:
                goal.abort()
        finally:
            # Else every later goal would be refused as busy.
            self._session = self._goal = None
        return result

    async def _release_executor(self, task_id: str, verdict: Verdict) -> None:
        link = self._link
        problem = await self._end_task(link, task_id, verdict)
        if problem and link.closed:
            # Cleaned up meanwhile: the executor is to hear of it all the same.
            spare = ExecutorLink(self)
            try:
                problem = await self._end_task(spare, task_id, verdict)
            finally:
                spare.close()
        if problem:
            self.get_logger().warning(f"end of the task: {problem}")

    async def _end_task(self, link: ExecutorLink, task_id: str, verdict: Verdict) -> str:
        return await link.end_task(
            task_id,
            verdict.text or "done",
            timeout_sec=self.values["service_timeout"],
            silent=verdict.code == Code.EXECUTOR_UNAVAILABLE,
        )

    def _cancel(self, goal: Any) -> CancelResponse:
        if self._session is not None and bytes(goal.goal_id.uuid).hex() == self._session.task_id:
            self._end(Code.CANCELED, _CANCELED)
        return CancelResponse.ACCEPT

    def _end(self, code: Code, text: str) -> None:
        if self._session is not None:
            self._session.end(code, text)
            self._rouse()

    async def _woken(self) -> None:
        """Wait until the session is ready to start or over."""
        self._wake = Future(executor=self.executor)
        self._rouse()
        await self._wake

    def _rouse(self) -> None:
        session = self._session
        if session is None or self._wake.done():
            return
        if session.verdict or session.is_ready(self._world):
            self._wake.set_result(None)

    def _tick(self) -> None:
        """Look after the session: publish the next chunk, report, end what is over."""
        session = self._session
        if session is None or session.verdict:
            return
        now_ns = self._now_ns()
        session.watch(self._world, now_ns)
        if session.phase == "running":
            self._publish_chunk(session, now_ns)
        self._feed_back(session, now_ns)
        self._rouse()

    def _publish_chunk(self, session: ExpertSession, now_ns: int) -> None:
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        stamp, began = self.get_clock().now().to_msg(), clock.now()
        actions = session.actions(self._world, now_ns)
        if actions is None:
            return
        took = (clock.now() - began).nanoseconds * 1e-9
        timing = StageTiming(stage="plan", stamp=stamp, duration=took)
        self._publisher.publish(self._to_chunk(session, actions, timing))
        self.monitor.tick("chunks")
        self.monitor.observe("plan", took)

    def _to_chunk(self, session: ExpertSession, actions: Array, timing: StageTiming) -> ActionChunk:
        chunk = ActionChunk(
            source=self.get_name(),
            task_id=session.task_id,
            sequence=session.chunks,
            period=session.period,
            joint_names=list(ARM_JOINTS),
            positions=actions[:, :7].ravel().tolist(),
            gripper=actions[:, 7].tolist(),
            timings=[timing],
        )
        chunk.header.stamp = timing.stamp
        return chunk

    def _feed_back(self, session: ExpertSession, now_ns: int) -> None:
        executor = self._world.executor
        self._goal.publish_feedback(
            ExecuteTask.Feedback(
                elapsed_time=session.elapsed(now_ns),
                chunks=session.chunks,
                buffer=executor.buffer if executor else 0.0,
                surprise=float("nan"),
            )
        )

    def _now_ns(self) -> int:
        """Return the time that limits and ages are measured with. Unit: ns."""
        return nanoseconds(self._even)


def main() -> int:
    """Run the node as a program."""
    return run(ExpertNode)


if __name__ == "__main__":
    raise SystemExit(main())
