"""What only a simulated cell offers: ground truth, reset, judge, faults, audit, recovery."""

from collections.abc import Callable
from typing import Any

from std_srvs.srv import Trigger

from dust_msgs.msg import CellState
from dust_msgs.srv import AuditCommands, InjectFault, JudgeCell, ResetCell
from dust_node.qos import RELIABLE
from dust_sim.astray import Astray
from dust_sim.faults import FaultRequest
from dust_sim.messages import to_pose, to_time
from dust_sim.placement import place
from dust_sim.schedule import Schedule
from dust_sim.simulation import Simulation

BASE_FRAME = "fr3_link0"


class CellServices:
    """Publishes the ground truth and serves the cell's own services.

    Args:
        node: Node that owns them; has checked parameter values in `values`.
        simulation: The cell.
        astray: Leads the arm astray, as often as `start_astray` wants.
        on_reset: Called after a reset.
    """

    def __init__(
        self, node: Any, simulation: Simulation, astray: Astray, on_reset: Callable[[], None]
    ) -> None:
        self._node = node
        self._simulation = simulation
        self._astray = astray
        self._on_reset = on_reset
        self._schedule = Schedule(node.values["cell_state_rate"])
        self._state = node.create_publisher(CellState, "~/cell_state", RELIABLE)
        self._services = [
            node.create_service(kind, f"~/{name}", callback)
            for kind, name, callback in (
                (ResetCell, "reset", self._reset),
                (JudgeCell, "judge", self._judge),
                (InjectFault, "inject_fault", self._inject),
                (AuditCommands, "audit", self._audit),
                (Trigger, "recover", self._recover),
            )
        ]

    def publish(self) -> None:
        """Publish what is due. Called after every block, in the physics thread."""
        if not self._schedule.due(self._simulation.now_ns):
            return
        self._state.publish(self._cell_state())

    def close(self) -> None:
        """Release topic and services."""
        for service in self._services:
            self._node.destroy_service(service)
        self._node.destroy_publisher(self._state)

    def _cell_state(self) -> CellState:
        placement = self._simulation.placement
        stamp_ns, poses = self._simulation.poses()
        message = CellState(
            task=placement.task.name,
            object_name=placement.object_name,
            instruction=placement.instruction,
            source=placement.task.source,
            target=placement.task.target,
            seed=placement.seed,
            names=list(poses),
            poses=[to_pose(pose) for pose in poses.values()],
            real_time_factor=self._simulation.clock.real_time_factor,
        )
        message.header.stamp = to_time(stamp_ns)
        message.header.frame_id = BASE_FRAME
        return message

    def _reset(self, request: ResetCell.Request, response: ResetCell.Response) -> Any:
        try:
            placement = place(
                request.task,
                request.object_name,
                request.seed,
                distractors=tuple(request.distractors),
                start_spread=self._node.values["start_spread"],
            )
            placement = self._astray.lead(placement, self._node.values["start_astray"])
        except ValueError as error:
            response.message = str(error)
            return response
        self._simulation.reset(placement)
        self._on_reset()
        response.success = True
        response.instruction = placement.instruction
        return response

    def _judge(self, _: JudgeCell.Request, response: JudgeCell.Response) -> Any:
        verdict = self._simulation.judge()
        response.outcome = int(verdict.outcome)
        response.score = verdict.outcome.score
        response.reason = verdict.reason
        return response

    def _inject(self, request: InjectFault.Request, response: InjectFault.Response) -> Any:
        fault = FaultRequest(request.fault, request.target, request.value, request.duration)
        try:
            self._simulation.inject(fault)
        except ValueError as error:
            response.message = str(error)
            return response
        self._node.get_logger().warning(f"fault injected: {request.fault} {request.target}".strip())
        response.success = True
        return response

    def _audit(self, request: AuditCommands.Request, response: AuditCommands.Response) -> Any:
        counts = self._simulation.take_audit(reset=request.reset)
        response.samples = counts.samples
        for name, count in counts.outside.items():
            setattr(response, f"outside_{name}", count)
        response.peak = list(counts.peak.values())
        return response

    def _recover(self, _: Trigger.Request, response: Trigger.Response) -> Any:
        try:
            self._simulation.recover()
        except ValueError as error:
            response.message = str(error)
            return response
        response.success = True
        return response
