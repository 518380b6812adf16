"""Node `dust_policy`: features and joint states -> action chunks, while a task runs."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter
from rclpy.time import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from dust_model.checkpoint import Checkpoint
from dust_model.config import ModelConfig
from dust_msgs.msg import ExecutorState, Features, StageTiming
from dust_node import qos
from dust_node.diagnostics import OK, WARN, Level, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.run import run
from dust_node.verdict import Code
from dust_policy import messages
from dust_policy.conditions import Conditioner
from dust_policy.history import StateHistory, StateReader
from dust_policy.parameters import PARAMETERS
from dust_policy.prefix import CommittedPlan
from dust_policy.sampler import Observation, Sampler, Stage, Steps
from dust_policy.sampling_loop import SamplingLoop, Session
from dust_policy.settings import Settings
from dust_policy.steps import check_steps
from dust_policy.task import Phase, Task
from dust_policy.task_server import TaskServer

_WORDS_TOKENS = 48
"""About as many tokens as a prompt has besides those of the images."""


class PolicyNode(DustNode):
    """Serve `execute_task`; sample in a thread of its own; publish chunks."""

    parameters = PARAMETERS

    def __init__(self) -> None:
        """Declare the parameters and offer the action; the rest is made in `setup`."""
        self._loop: SamplingLoop | None = None
        self._monitor: Monitor | None = None
        self._entities: list[tuple[Any, Any]] = []
        self._session: Session | None = None
        super().__init__("dust_policy")
        self._check_start_steps()
        self.add_on_set_parameters_callback(self._check_new_steps)
        self._server = TaskServer(self, self)

    def setup(self) -> None:
        """Load the checkpoint, warm it up, make publishers, subscriptions and worker."""
        try:
            self._settings = Settings.from_values(self.values)
            self._load()
        except ValueError as error:
            raise UserError(str(error)) from error
        self._make_conditioner()
        self._monitor = Monitor(self, self._assess)
        self._instruction = self._keep(
            self.destroy_publisher, self.create_publisher(String, "instruction", qos.LATCHED)
        )
        self._listen(Features, "features", self._on_features, qos.RELIABLE)
        self._listen(JointState, "joint_states", self._on_joint_states, qos.SENSOR)
        self._listen(ExecutorState, "executor_state", self._on_executor_state, qos.SENSOR)
        self._loop = SamplingLoop(
            self,
            self._sampler,
            self._conditioner,
            self._monitor,
            period=self._robot.period,
            joint_names=self._robot.joint_names,
            steps=self._steps,
            is_stale=lambda observation: bool(self._age_problem(observation)),
            executor=lambda: self._server.status.executor,
            on_failure=self._on_failure,
        )

    def start(self) -> None:
        """Accept tasks; perception has nothing to do until one comes."""
        self._states.clear()
        self._plan.clear()
        self._instruction.publish(String())

    def stop(self) -> None:
        """End the task that runs; its result follows when the executor has answered."""
        self._server.end(Code.NOT_ACTIVE, "the policy node was deactivated")

    def wind_down(self) -> bool:
        """End the task that runs, and tell the executor and the client."""
        self._server.end(Code.NOT_ACTIVE, "the policy node is being shut down")
        return self._server.task is None

    def teardown(self) -> None:
        """End the worker, then release what it publishes to."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        while self._entities:
            destroy, entity = self._entities.pop()
            destroy(entity)
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def destroy_node(self) -> None:
        """Take the action away, then the node."""
        self._server.destroy()
        super().destroy_node()

    # What TaskServer asks of the one who sits in the policy's seat.

    def now_ns(self) -> int:
        """Return the node clock's time."""
        return int(self.get_clock().now().nanoseconds)

    def new_task(self, task_id: str, instruction: str, time_limit: float) -> Task:
        """Make a task with this node's limits."""
        return Task(
            task_id,
            instruction,
            time_limit=time_limit,
            now_ns=self.now_ns(),
            joint_names=self._robot.joint_names,
            limits=self._settings.limits,
        )

    def longest_task(self) -> float:
        """Return the longest time limit that is allowed. Unit: s."""
        return self._settings.max_time_limit

    def executor_timeout(self) -> float:
        """Return how long the executor may take to answer. Unit: s."""
        return self._settings.executor_timeout

    def feedback_period(self) -> float:
        """Return the time between two feedback messages. Unit: s."""
        return 1.0 / self._settings.feedback_rate

    def begin(self, task: Task) -> None:
        """Tell perception what to look for."""
        self._session = Session(task)
        self._instruction.publish(String(data=task.instruction))
        self.get_logger().info(f"task '{task.instruction}' begins")

    def run(self, task: Task) -> None:
        """Sample from the observation at hand, then from each new one."""
        assert self._session is not None
        assert self._loop is not None
        self._loop.start(self._session)

    def finish(self, task: Task) -> None:
        """Publish nothing more for the task and let perception rest."""
        assert self._session is not None
        assert self._loop is not None
        self._loop.stop(self._session)
        self._instruction.publish(String())
        assert task.verdict is not None
        self.get_logger().info(
            f"task '{task.instruction}' ends after {task.elapsed(self.now_ns()):.1f} s: "
            f"{task.verdict.code.name}, {task.verdict.text}\n{self._session.ledger.table()}"
        )

    def chunks(self) -> int:
        """Return how many chunks of the task were published."""
        return self._session.sequence if self._session else 0

    def latency(self) -> Sequence[StageTiming]:
        """Return the 95th percentile of each stage of the task."""
        assert self._session is not None
        begun_ns = self._session.task.begun_ns
        rows = self._session.ledger.rows()
        return [messages.timing_message(Stage(row.stage, begun_ns, row.p95)) for row in rows]

    # Making.

    def _load(self) -> None:
        settings = self._settings
        if settings.threads:
            torch.set_num_threads(settings.threads)
        checkpoint = Checkpoint.load(settings.checkpoint)
        self._require_robot(checkpoint)
        self._robot, self._fingerprint = checkpoint.robot, checkpoint.fingerprint
        shape = (self._robot.horizon, self._robot.action_dim)
        model = checkpoint.policy(
            device=settings.device, dtype=settings.dtype, recorded=settings.recorded
        )
        self._sampler = Sampler(model, shape, seed=settings.seed, clock=self.now_ns)
        self._warm_up(checkpoint.config)
        self.get_logger().info(f"checkpoint {self._fingerprint} on {settings.device}")

    def _require_robot(self, checkpoint: Checkpoint) -> None:
        try:
            checkpoint.require_robot(self._settings.robot(checkpoint.robot))
        except ValueError as error:
            remedy = "give another one, or correct the parameters joint_names and action_rate"
            raise ValueError(f"{error}: {remedy}") from error

    def _warm_up(self, config: ModelConfig) -> None:
        """Sample once without and with a prefix: the first time allocates, records and is slow."""
        images = len(self._robot.views) * config.vision_language.tokens_per_view
        tokens = images + _WORDS_TOKENS
        features = np.zeros((tokens, config.head.width), np.float16)
        nothing = Observation(0, 0, features, np.ones(tokens, np.bool_))
        state = np.zeros(self._robot.state_dim)
        for committed in range(2 if self._settings.prefix == "committed" else 1):
            prefix = np.zeros((committed, self._robot.action_dim))
            self._sampler.sample(nothing, state, steps=self._steps(), number=0, prefix=prefix)

    def _make_conditioner(self) -> None:
        settings = self._settings
        self._reader = StateReader(
            self._robot.joint_names, settings.gripper_joints, settings.gripper_width
        )
        self._states, self._plan = StateHistory(), CommittedPlan()
        self._conditioner = Conditioner(
            self._states,
            self._plan,
            period_ns=round(self._robot.period * 1e9),
            prefix_limit=settings.prefix_limit if settings.prefix == "committed" else 0,
            rolled_forward=settings.state_source == "rolled_forward",
            max_state_age_ns=round(settings.max_state_age * 1e9),
            lead=settings.splice_lead,
        )

    def _keep(self, destroy: Any, entity: Any) -> Any:
        self._entities.append((destroy, entity))
        return entity

    def _listen(self, kind: Any, topic: str, callback: Any, profile: Any) -> None:
        self._keep(
            self.destroy_subscription, self.create_subscription(kind, topic, callback, profile)
        )

    def _steps(self) -> Steps:
        values: dict[str, Any] = dict(self.values)
        return Steps(values["action_steps"], values["vision_steps"])

    def _check_start_steps(self) -> None:
        steps = self._steps()
        try:
            check_steps(steps.action, steps.vision)
        except ValueError as error:
            raise UserError(str(error)) from error

    def _check_new_steps(self, changes: list[Parameter]) -> SetParametersResult:
        values: dict[str, Any] = dict(self.values) | {
            change.name: change.value for change in changes
        }
        try:
            check_steps(values["action_steps"], values["vision_steps"])
        except (ValueError, TypeError, ZeroDivisionError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    # What arrives.

    def _on_joint_states(self, message: JointState) -> None:
        status = self._server.status
        try:
            state = self._reader.read(message.name, message.position)
        except ValueError as error:
            status.states_problem = str(error)
            return
        status.states_problem, status.states_ns = "", self.now_ns()
        self._states.add(Time.from_msg(message.header.stamp).nanoseconds, state)

    def _on_executor_state(self, message: ExecutorState) -> None:
        self._server.status.executor = messages.read_executor(message, self.now_ns())
        piece = messages.read_plan(message, self._robot.joint_names)
        if piece is not None:
            self._plan.add(piece)

    def _on_features(self, message: Features) -> None:
        session = self._session
        task = self._server.task
        if session is None or task is not session.task or message.instruction != task.instruction:
            return
        mismatch = messages.features_mismatch(message, self._fingerprint, self._robot.views)
        if mismatch:
            self._server.end(Code.NO_FEATURES, mismatch)
            return
        self._take_features(session, message)

    def _take_features(self, session: Session, message: Features) -> None:
        assert self._monitor is not None
        assert self._loop is not None
        self._monitor.tick("features")
        status, now_ns = self._server.status, self.now_ns()
        try:
            observation = messages.read_features(message, now_ns)
        except ValueError as error:
            status.features_problem = str(error)
            return
        status.features_problem = self._age_problem(observation)
        if status.features_problem:
            self._monitor.tick("features too old")
            return
        status.features_ns = now_ns
        session.observation = observation
        if session.task.phase == Phase.RUNNING:
            self._loop.submit(session)
        else:
            self._server.watch()

    def _age_problem(self, observation: Observation) -> str:
        age, limit = (self.now_ns() - observation.stamp_ns) * 1e-9, self._settings.max_feature_age
        if age <= limit:
            return ""
        return f"the newest are {age:.3f} s old, the limit is {limit:.3f} s"

    def _on_failure(self, error: Exception) -> None:
        self.get_logger().error(f"sampling failed: {error!r}")
        task = self._server.task
        if task is not None:
            task.end(Code.MODEL_FAILED, f"sampling failed: {error}")

    def _assess(self) -> Level:
        task = self._server.task
        if not self.active:
            return OK, "inactive"
        if task is None:
            return OK, "waiting for a task"
        problem = self._server.status.features_problem or self._server.status.states_problem
        return (WARN, problem) if problem else (OK, f"{task.phase}: '{task.instruction}'")


def main() -> int:
    """Run the node until it is interrupted."""
    return run(PolicyNode)


if __name__ == "__main__":
    sys.exit(main())
