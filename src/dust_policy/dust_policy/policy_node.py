"""Node `dust_policy`: features and joint states -> action chunks, while a task runs."""

import sys
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from dust_msgs.msg import ExecutorState, Features, StageSummary
from dust_node import qos
from dust_node.diagnostics import OK, WARN, Level, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.run import run
from dust_node.verdict import Code
from dust_policy import messages
from dust_policy.conditions import Conditioner
from dust_policy.continuation import Continuation, Kind, choose_way
from dust_policy.history import StateHistory, StateReader
from dust_policy.opening import open_model
from dust_policy.pace import Pace, Powers
from dust_policy.parameters import PARAMETERS
from dust_policy.pausing import Pausing
from dust_policy.prefix import CommittedPlan
from dust_policy.sampler import Observation, Steps
from dust_policy.sampling_loop import SamplingLoop
from dust_policy.session import Session
from dust_policy.settings import Settings
from dust_policy.steps import check_steps
from dust_policy.surprise import Action, FutureWatch
from dust_policy.surprise_topic import SurpriseTopic, read_thresholds
from dust_policy.task import Mode, Phase, Task
from dust_policy.task_server import Progress, TaskServer

_WARN_EVERY_SEC = 5.0
_STATE_SPACING_NS = 5_000_000
"""Joint states that come faster are thinned out: an arm moves in a straight line meanwhile."""


class PolicyNode(DustNode):
    """Serve `execute_task`; sample in a thread of its own; publish chunks."""

    parameters = PARAMETERS

    def __init__(self) -> None:
        """Declare the parameters and offer the action; the rest is made in `setup`."""
        self._loop: SamplingLoop | None = None
        self._monitor: Monitor | None = None
        self._instruction: Any = None
        self._entities: list[tuple[Any, Any]] = []
        self._session: Session | None = None
        self._powers = Powers()
        super().__init__("dust_policy")
        self._check_start_steps()
        self.add_on_set_parameters_callback(self._check_new_steps)
        self._server = TaskServer(self, self)
        self._pausing = Pausing(
            self, self._server, timeout_sec=self.executor_timeout, on_resume=self._go_on
        )

    def setup(self) -> None:
        """Load the checkpoint, warm it up, make publishers, subscriptions and worker."""
        try:
            settings = self._settings = Settings.from_values(self.values)
            self._model = open_model(settings, clock=self.now_ns)
            thresholds = read_thresholds(settings, self._model.fingerprint)
        except ValueError as error:
            raise UserError(str(error)) from error
        robot, self._powers = self._model.robot, self._model.powers
        self._robot = robot
        self.get_logger().info(f"checkpoint {self._model.fingerprint} on {settings.device}")
        self._make_conditioner()
        self._monitor = Monitor(self, self._assess)
        self._surprise = SurpriseTopic(self, thresholds, view=robot.primary_view)
        self._instruction = self._keep(
            self.destroy_publisher, self.create_publisher(String, "instruction", qos.LATCHED)
        )
        self._listen(Features, "features", self._on_features, qos.RELIABLE)
        self._listen(JointState, "joint_states", self._on_joint_states, qos.SENSOR)
        self._listen(ExecutorState, "executor_state", self._on_executor_state, qos.SENSOR)
        self._loop = SamplingLoop(
            self,
            self._model.sampler,
            self._conditioner,
            self._make_pace(),
            self._monitor,
            joint_names=robot.joint_names,
            is_stale=lambda observation: bool(self._age_problem(observation)),
            executor=lambda: self._server.status.executor,
            on_failure=self._on_failure,
        )

    def start(self) -> None:
        """Accept tasks; perception has nothing to do until one comes."""
        self._states.clear()
        self._plan.clear()
        self._tell_perception("")

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
        self._instruction = None
        while self._entities:
            destroy, entity = self._entities.pop()
            destroy(entity)
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
            self._surprise.close()

    def destroy_node(self) -> None:
        """Take the action away, then the node."""
        self._pausing.destroy()
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
        settings, period_ns = self._settings, self._conditioner.period_ns
        watch = FutureWatch(self._model.deviation, tolerance_ns=period_ns // 2)
        self._session = Session(
            task, lead=settings.splice_lead, watch=watch, debounce=settings.surprise_debounce
        )
        self._tell_perception(task.instruction)
        self.get_logger().info(f"task '{task.instruction}' begins")

    def run(self, task: Task) -> None:
        """Sample from the observation at hand, then from each new one."""
        assert self._session is not None
        assert self._loop is not None
        self._loop.start(self._session)

    def finish(self, task: Task) -> None:
        """Publish nothing more for the task and let perception rest.

        A task whose node is cleaned up or shut down finishes when all that is gone already.
        """
        assert self._session is not None
        if self._loop is not None:
            self._loop.stop(self._session)
        self._tell_perception("")
        assert task.verdict is not None
        self.get_logger().info(
            f"task '{task.instruction}' ends after {task.elapsed(self.now_ns()):.1f} s: "
            f"{task.verdict.code.name}, {task.verdict.text}\n{self._session.ledger.table()}"
        )

    def progress(self) -> Progress:
        """Return how far the task is."""
        session = self._session
        assert session is not None
        steps = session.steps or Steps(0, 0)
        return Progress(session.sequence, steps.action, steps.vision, session.surprise)

    def latency(self) -> Sequence[StageSummary]:
        """Return the latency ledger of the task."""
        assert self._session is not None
        return [messages.summary_message(row) for row in self._session.ledger.rows()]

    def _tell_perception(self, instruction: str) -> None:
        """Tell perception what to look for, as long as there is a way to tell it."""
        if self._instruction is not None:
            self._instruction.publish(String(data=instruction))

    # Making.

    def _make_conditioner(self) -> None:
        settings = self._settings
        self._reader = StateReader(
            self._robot.joint_names, settings.gripper_joints, settings.gripper_width
        )
        # The oldest observation that is sampled from, and as far back as its state may be.
        span = settings.max_feature_age + settings.max_state_age
        self._states = StateHistory(span_ns=round(span * 1e9), spacing_ns=_STATE_SPACING_NS)
        self._plan = CommittedPlan()
        way = choose_way(
            Continuation(settings.continuation),
            learned=self._model.prefix_max,
            prefix_limit=settings.prefix_limit,
            horizon=self._robot.horizon,
        )
        if way.remark:
            self.get_logger().warning(way.remark)
        self._conditioner = Conditioner(
            self._states,
            self._plan,
            period_ns=round(self._robot.period * 1e9),
            horizon=self._robot.horizon,
            way=way,
            rolled_forward=settings.state_source == "rolled_forward",
            max_state_age_ns=round(settings.max_state_age * 1e9),
        )

    def _make_pace(self) -> Pace:
        way = self._conditioner.way
        # The executor needs two actions after the splice; a prefix has to reach beyond it.
        longest = max(1, self._robot.horizon - 3)
        comfort = max(1, way.limit - 1) if way.kind is Kind.PREFIX else longest
        reach = longest if way.otherwise is not None else comfort
        rules = self._settings.rules(self._robot, reach=reach, comfort=comfort)
        auto = self._settings.schedule == "auto"
        expected = self._settings.sampling_time
        return Pace(self._steps, rules, self._powers, auto=auto, expected=expected)

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
            check_steps(
                values["action_steps"],
                values["vision_steps"],
                joint_noise=self._powers.joint_noise,
            )
        except (ValueError, TypeError, ZeroDivisionError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    # What arrives.

    def _on_joint_states(self, message: JointState) -> None:
        status = self._server.status
        try:
            stamp_ns = messages.read_stamp(message.header.stamp, "joint states")
            state = self._reader.read(message.name, message.position)
        except ValueError as error:
            status.states_problem = str(error)
            return
        status.states_problem, status.states_ns = "", self.now_ns()
        self._states.add(stamp_ns, state)

    def _on_executor_state(self, message: ExecutorState) -> None:
        self._server.status.executor = messages.read_executor(message, self.now_ns())
        piece = messages.read_plan(message, self._robot.joint_names)
        if piece is not None:
            self._plan.add(piece)
        if self._session is not None and self._session.publishing:
            assert self._loop is not None
            assert self._server.status.executor is not None
            self._session.hear(self._server.status.executor)
            self._loop.hear(self._session)

    def _on_features(self, message: Features) -> None:
        session = self._session
        task = self._server.task
        if session is None or task is not session.task or message.instruction != task.instruction:
            return
        mismatch = messages.features_mismatch(message, self._model.fingerprint, self._robot.views)
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
            self._compare(session, observation)
        except ValueError as error:
            status.features_problem = str(error)
            return
        status.features_problem = self._age_problem(observation)
        if status.features_problem:
            self._monitor.tick("features too old")
            return
        status.features_ns = now_ns
        session.observation = observation
        self._loop.submit(session)
        if session.task.phase != Phase.RUNNING:
            self._server.watch()

    def _compare(self, session: Session, observation: Observation) -> None:
        """Score what was predicted for now, and do about it what is configured."""
        if session.task.phase != Phase.RUNNING or session.task.verdict:
            return
        executor = self._server.status.executor
        if session.task.paused or (executor is not None and executor.mode == Mode.PAUSED):
            session.forget_futures()
            return
        reason = self._surprise.see(session, observation)
        if not reason:
            return
        match Action(self._settings.surprise_action):
            case Action.FLAG:
                logger: Any = self.get_logger()
                logger.warning(reason, throttle_duration_sec=_WARN_EVERY_SEC)
            case Action.PAUSE:
                self._pausing.pause_or_end(reason)
            case Action.END:
                self._server.end(Code.SURPRISED, reason)

    def _go_on(self) -> None:
        """Sample again after a pause, unless the node was torn down while the executor answered."""
        if self._session is None or self._loop is None:
            return
        self._session.forget_futures()
        self._loop.submit(self._session)

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
