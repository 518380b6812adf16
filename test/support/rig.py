"""A running cell with somebody who watches every command: what the tests of faults stand on.

Time is simulated, and the cell waits for the executor and for chunks: on a busy machine everything
gets slower, and nothing gets late. The 1 kHz commands are counted against the robot's limits by the
cell; here they are seen at 50 Hz.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.action import ActionClient
from std_srvs.srv import Trigger

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import CellState, ExecutorState
from dust_msgs.srv import AuditCommands, InjectFault, ResetCell
from dust_node.qos import RELIABLE
from dust_sim.control_adapter import State
from support.graph import Graph
from support.program import Program

T = TypeVar("T")

TRIAL = {"task": "box_to_bowl", "object_name": "blue_cube", "seed": 0}
"""Scene of all tests."""

CELL = {
    "publish_clock": "true",
    "real_time_factor": 2.0,
    "max_lead": 0.06,
    "max_chunk_lead": 0.6,
    "patience": 3.0,
    "block": 20,
    "joint_state_rate": 1.0,
    "cell_state_rate": 10.0,
}
"""Parameters of every cell here, besides those that a test gives: what costs little."""

EXECUTOR = {
    "use_sim_time": "true",
    "plan.lead": 0.2,
    "plan.lead_max": 0.2,
    "plan.transport": 0.15,
}
"""Parameters of every executor here: on a busy machine messages may take a while."""

MODES = ("IDLE", "RUNNING", "HOLDING", "STOPPED", "PAUSED")

CHUNK_SEC = 0.2
"""Time between two chunks of the expert and of the tests."""

REST_SEC = 0.5
"""How long after its last action the arm may still move."""

_SLACK_SEC = 0.1  # two messages at 30 Hz, a block, and the way of a trajectory
_ENOUGH_SEC = 20.0  # of simulated time, within which everything that is waited for comes
_SAME_RAD = 5e-3
_HISTORY = 3000


@dataclass(frozen=True, slots=True)
class Command:
    """What the controller commanded at one instant. Unit: s, rad, rad/s."""

    time: float
    positions: np.ndarray
    speed: float


class Rig(Graph):
    """Starts the parts of a graph, breaks them, and says what the arm was told.

    Args:
        domain_id: ROS domain; os.environ must name the same one for the programs.
        logs: Folder for what the programs print.

    Attributes:
        parts: Programs by name: cell, executor, expert, perception, policy.
        states: What the executor said, oldest first.
        commands: What the controller commanded, at 50 Hz.
        seen: Newest level and message of each node on /diagnostics.
        listeners: Called after each command that came in.
    """

    patience_sec = 60.0

    def __init__(self, domain_id: int, *, logs: Path) -> None:
        super().__init__(domain_id, logs=logs)
        self.parts: dict[str, Program] = {}
        self._recipes: dict[str, tuple[str, dict[str, Any]]] = {}
        self.states: deque[ExecutorState] = deque(maxlen=_HISTORY)
        self.commands: deque[Command] = deque(maxlen=_HISTORY)
        self.seen: dict[str, tuple[bytes, str]] = {}
        self.listeners: list[Callable[[], None]] = []
        self._instruction = ""
        self._now = 0.0
        subscribe = self.node.create_subscription
        subscribe(ExecutorState, "executor_state", self._on_state, RELIABLE)
        subscribe(State, "fr3_arm_controller/controller_state", self._on_command, RELIABLE)
        subscribe(DiagnosticArray, "/diagnostics", self._on_diagnostics, RELIABLE)
        subscribe(CellState, "dust_sim/cell_state", self._on_cell, RELIABLE)
        self._client: ActionClient | None = None

    # -- parts

    def start_cell(self, **options: Any) -> None:
        """Start the simulated cell, without cameras unless they are asked for."""
        given = {"cameras": "false", **CELL, **TRIAL_PARAMETERS, **options}
        self._start_part("cell", "dust_sim.cell_node", given)

    def start_executor(self, **options: Any) -> None:
        """Start the executor."""
        self._start_part("executor", "dust_executor.executor_node", {**EXECUTOR, **options})

    def start_expert(self, **options: Any) -> None:
        """Start the scripted expert."""
        waits = {"start_timeout": 30.0, "service_timeout": 30.0}
        given = {"use_sim_time": "true", **waits, **options}
        self._start_part("expert", "dust_sim.expert_node", given)

    def start_perception(self, checkpoint: Path, **options: Any) -> None:
        """Start perception with a checkpoint."""
        given = {"use_sim_time": "true", "checkpoint": checkpoint, **options}
        self._start_part("perception", "dust_perception.perception_node", given)

    def start_policy(self, checkpoint: Path, **options: Any) -> None:
        """Start the policy with a checkpoint."""
        given = {"use_sim_time": "true", "start_timeout": 30.0, "checkpoint": checkpoint, **options}
        self._start_part("policy", "dust_policy.policy_node", given)

    def crash(self, name: str) -> None:
        """Kill a part."""
        self.kill(self.parts[name])

    def restart(self, name: str) -> None:
        """Start a part that has crashed once more; forget what it has said."""
        self.seen.pop(f"dust_{name}", None)
        self._start_part(name, *self._recipes[name])

    def _start_part(self, name: str, module: str, options: dict[str, Any]) -> None:
        self._recipes[name] = module, options
        self.parts[name] = self.start(module, **options)

    # -- what is going on

    @property
    def now(self) -> float:
        """Time of the newest command; 0 before the first. Unit: s."""
        return self._now

    @property
    def mode(self) -> str:
        """The executor's mode."""
        return MODES[self.states[-1].mode] if self.states else ""

    @property
    def reason(self) -> str:
        """Why the executor is in its mode."""
        return self.states[-1].reason if self.states else ""

    def spin_until(self, condition: Callable[[], T], *, timeout_sec: float | None = None) -> T:
        """Spin until the condition holds; give up when enough simulated time has passed, too."""
        begun = self.now
        while not (value := super().spin_until(condition, timeout_sec=timeout_sec)):
            # On a machine that is busy with other things a minute may be no time at all.
            if timeout_sec is not None or not begun < self.now < begun + _ENOUGH_SEC:
                break
        return value

    def rejections(self) -> str:
        """Return why chunks of the present task were rejected, each reason once, in lines."""
        task = self.states[-1].task_id
        reasons = (state.last_rejection for state in self.states if state.task_id == task)
        return "\n".join(dict.fromkeys(reasons))

    def situation(self) -> str:
        """Say what helps to understand a failure."""
        state = self.states[-1] if self.states else None
        said = f"executor {self.mode}: {self.reason}" if state else "executor silent"
        rejected = self.rejections() if state else ""
        logs = "\n".join(program.output[-1500:] for program in self.programs)
        return f"{said}; rejected: {rejected}; diagnostics: {self.seen}\n{logs}"

    def wait_mode(self, mode: str, reason: str = "") -> ExecutorState:
        """Wait until the executor says that it is in a mode, for a reason that contains a text."""
        self.wait(lambda: self.mode == mode and reason in self.reason)
        return self.states[-1]

    def wait_time(self, seconds: float) -> None:
        """Let simulated time pass."""
        until = self.now + seconds
        self.wait(lambda: self.now >= until)

    def wait_motion(self, speed: float = 0.05) -> None:
        """Wait until the arm is told to move. Unit: rad/s."""
        self.wait(lambda: self.commands and self.commands[-1].speed > speed)

    def wait_told(
        self,
        node: str,
        text: str,
        level: bytes | None = None,
        *,
        timeout_sec: float | None = None,
    ) -> None:
        """Wait until a node says a text on /diagnostics."""
        self.wait(
            lambda: (
                text in self.seen.get(node, (b"", ""))[1] and level in (None, self.seen[node][0])
            ),
            timeout_sec=timeout_sec,
        )

    # -- tasks and faults

    def ready(self) -> None:
        """Bring the graph into the state in which every test begins: whole, at rest, idle."""
        # A test that failed leaves what it has begun.
        self.listeners.clear()
        self.leave()
        self.wait(lambda: self.commands and self.states)
        self.mend()
        self.rearm()
        self.reset()
        self.states.clear()
        self.wait(lambda: self.states)
        self.call(AuditCommands, "dust_sim/audit", reset=True)

    def reset(self) -> None:
        """Put scene and arm back; wait until the executor has seen it."""
        assert self.call(ResetCell, "dust_sim/reset", **TRIAL).success
        self.commands.clear()
        self.wait(lambda: self.commands)
        self.wait(self._agree)

    def break_(self, fault: str, **fields: Any) -> None:
        """Bring a fault about; see dust_msgs/srv/InjectFault."""
        answer = self.call(InjectFault, "dust_sim/inject_fault", fault=fault, **fields)
        assert answer.success, answer.message

    def mend(self) -> None:
        """End every fault of the cell."""
        self.break_("clear")
        assert self.call(Trigger, "dust_sim/recover").success

    def rearm(self) -> None:
        """Rearm the executor as often as it takes until it is idle."""
        self.wait(self._rearmed)

    def begin_task(self, *, time_limit: float = 120.0) -> Any:
        """Send a goal to `execute_task`; return the future of its result."""
        self.leave()
        self._client = ActionClient(self.node, ExecuteTask, "execute_task")
        self.wait(self._client.server_is_ready)
        self.meet_server("execute_task/_action/send_goal")
        self.wait(lambda: self._instruction)
        goal = ExecuteTask.Goal(instruction=self._instruction, time_limit=time_limit)
        sent = self._client.send_goal_async(goal)
        self.wait(sent.done)
        handle = sent.result()
        assert handle.accepted
        return handle.get_result_async()

    def begin_motion(self) -> Any:
        """Send a goal and wait until the arm moves; return the future of its result."""
        result = self.begin_task()
        self.wait(lambda: result.done() or self.mode == "RUNNING")
        assert not result.done(), result.result().result.error_msg
        self.wait_motion()
        return result

    def leave(self) -> None:
        """Vanish as a client, without a word."""
        if self._client is not None:
            self._client.destroy()
            self._client = None

    def end_of(self, result: Any) -> ExecuteTask.Result:
        """Wait for the end of a task."""
        self.wait(result.done)
        return result.result().result

    # -- what the arm was told

    def wait_rest(self) -> float:
        """Wait until the controller commands rest; return since when. Unit: s."""
        self.wait(lambda: self.commands and self._resting() >= 0.1)
        return self.now - self._resting()

    def last_action(self) -> float:
        """Return until when actions were committed, at most, by what the executor has said."""
        return max(_stamp(state) + state.buffer for state in self.states)

    def since(self, mode: str) -> float:
        """Return since when the executor has been in its present mode. Unit: s."""
        assert self.mode == mode
        run = itertools.takewhile(lambda state: MODES[state.mode] == mode, reversed(self.states))
        return _stamp(list(run)[-1])

    def check_rest_after(self, moment: float) -> None:
        """Wait for rest and check that it came in time after a moment. Unit: s."""
        rest = self.wait_rest()
        assert rest <= moment + REST_SEC + _SLACK_SEC, f"rest {rest - moment:.3f} s after"

    def check_brakes(self, mode: str) -> None:
        """Wait for rest and check that the arm braked when the executor came into its mode."""
        self.check_rest_after(self.since(mode) + EXECUTOR["plan.lead"])

    def check_stays_stopped(self, seconds: float = 0.5) -> None:
        """Check that nothing moves or is rearmed for a while."""
        self.wait_rest()
        where = self.commands[-1].positions
        self.states.clear()
        self.commands.clear()
        self.wait(lambda: self.states and self.commands)
        until = self.now + seconds
        self.wait(lambda: self.now >= until)
        assert {state.mode for state in self.states} == {ExecutorState.STOPPED}
        assert not any(command.speed for command in self.commands)
        # Brakes that let go hand the arm over where it is.
        gaps = [np.max(np.abs(command.positions - where)) for command in self.commands]
        assert max(gaps) < _SAME_RAD

    def check_limits(self) -> None:
        """Check that every command since the test began was inside the robot's limits, at 1 kHz."""
        counts = self.call(AuditCommands, "dust_sim/audit", reset=False)
        outside = {
            name: getattr(counts, f"outside_{name}")
            for name in ("position", "velocity", "acceleration", "jerk")
        }
        found = f"{outside} of {counts.samples}, peaks {counts.peak}"
        assert not any(outside.values()), f"{found}; {self.situation()}"
        assert counts.samples > 0

    def close(self) -> None:
        """End what runs, and leave."""
        self.leave()
        super().close()

    def _on_state(self, message: ExecutorState) -> None:
        # A node that has not heard the clock yet lives in the year 1970.
        if _stamp(message) > 0:
            self.states.append(message)

    def _on_command(self, message: Any) -> None:
        reference = message.reference
        speed = float(np.max(np.abs(reference.velocities)))
        self._now = _stamp(message)
        self.commands.append(Command(self._now, np.array(reference.positions), speed))
        for listener in self.listeners:
            listener()

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        self.seen.update({row.name: (row.level, row.message) for row in array.status})

    def _on_cell(self, state: CellState) -> None:
        self._instruction = state.instruction

    def _resting(self) -> float:
        """Return for how long rest has been commanded. Unit: s."""
        moving = next((row.time for row in reversed(self.commands) if row.speed > 0), None)
        return self.now - (self.commands[0].time if moving is None else moving)

    def _agree(self) -> bool:
        state = self.states[-1]
        near = np.array(state.positions[: len(state.joint_names)])
        return bool(len(near)) and bool(np.allclose(near, self.commands[-1].positions, atol=0.02))

    def _rearmed(self) -> bool:
        if self.mode != "IDLE":
            service = "rearm" if self.mode == "STOPPED" else "stop"
            self.call(Trigger, f"dust_executor/{service}")
            self.states.clear()
            self.wait(lambda: self.states)
        return self.mode == "IDLE"


TRIAL_PARAMETERS = {"task": TRIAL["task"], "object": TRIAL["object_name"], "seed": TRIAL["seed"]}


@contextmanager
def running_rig(domain_id: int, logs: Path) -> Iterator[Rig]:
    """Give a rig; at the end its programs must end cleanly."""
    rig = Rig(domain_id, logs=logs)
    try:
        yield rig
        rig.end()
    finally:
        rig.close()


def _stamp(message: Any) -> float:
    return float(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9)
