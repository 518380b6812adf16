"""One trial without a graph."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from dust_eval.bare.arm import BareArm
from dust_eval.bare.policy import BarePolicy
from dust_eval.bare.settings import BareSettings
from dust_eval.failure import Failure, diagnose
from dust_eval.trace import Moment, Trace, join_moments
from dust_eval.trial import TrialResult, TrialSpec, broken_result
from dust_executor.quintic import NS
from dust_node.fr3_kinematics import hand_position
from dust_sim.cameras import Renderer
from dust_sim.cell import Cell
from dust_sim.oracle import Outcome
from dust_sim.placement import place
from dust_sim.variation import Variation

JUDGE_NS = NS // 2
"""How often the oracle is asked, as in a graph (runner.POLL_SEC)."""

_TRACE_NS = NS // 20


class BareCell:
    """The cell, its cameras and one driver; make one per process and use it for many trials.

    Args:
        settings: Of cell, executor, perception and policy.

    Raises:
        ValueError: The checkpoint can't be read, or rendering does not work here.
    """

    def __init__(self, settings: BareSettings) -> None:
        self._settings = settings
        self._policy = BarePolicy(settings.perception, settings.policy)
        values = settings.cell
        self._cell = Cell()
        self._renderer = Renderer(
            self._cell.model,
            width=values["width"],
            height=values["height"],
            shadows=values["shadows"],
        )

    def run(self, spec: TrialSpec, *, time_limit_sec: float) -> tuple[TrialResult, Trace]:
        """Carry out a trial; the same arguments give the same result.

        Args:
            spec: What is tried.
            time_limit_sec: Longest time. Unit: s of simulated time.
        """
        values = self._settings.cell
        placement = place(
            spec.task,
            spec.object_name,
            spec.seed,
            distractors=spec.distractors,
            start_spread=values["start_spread"],
        )
        self._renderer.wear(Variation.of(placement, values["variation"]))
        arm = BareArm(
            self._cell,
            placement,
            cell_values=values,
            executor_values=self._settings.executor,
        )
        self._policy.begin(zlib.crc32(spec.name.encode()))
        trial = _Trial(arm, self._policy, self._renderer, self._settings)
        try:
            trial.run(placement.instruction, round(time_limit_sec * NS))
        except RuntimeError as error:
            return broken_result(spec, str(error)), trial.trace(placement.task.target)
        return trial.result(spec), trial.trace(placement.task.target)

    def close(self) -> None:
        """Free the graphics memory."""
        self._renderer.close()


class _Trial:
    """What happens between start and end of one trial."""

    def __init__(
        self, arm: BareArm, policy: BarePolicy, renderer: Renderer, settings: BareSettings
    ) -> None:
        self._arm, self._policy, self._renderer = arm, policy, renderer
        self._frame_ns = round(NS / settings.cell["camera_rate"])
        self._latency_ns = round(settings.latency * NS)
        self._begun_ns = arm.now_ns
        self._looked_ns = self._judged_ns = arm.now_ns
        self._placed = self._chunks = 0
        self._moments: list[Moment] = []

    def run(self, instruction: str, limit_ns: int) -> None:
        """Let the policy drive until the oracle is content, the arm stops or the time is up."""
        self._arm.begin()
        self._begun_ns = self._looked_ns = self._judged_ns = self._arm.now_ns
        until_ns = self._begun_ns + limit_ns
        image_ns = self._begun_ns
        while image_ns < until_ns and not self._over():
            self._pass_time(image_ns)
            arrival_ns = image_ns + self._latency_ns
            # One chunk after the other: what an executor would pass over is not even sampled.
            if self._arm.executor.takes_free_chunk(arrival_ns):
                chunk = self._chunk(instruction, image_ns)
                self._pass_time(arrival_ns)
                self._chunks += 1
                self._arm.take(chunk)
            behind = self._arm.now_ns - image_ns
            image_ns += max(1, -(-behind // self._frame_ns)) * self._frame_ns
        self._arm.end()

    def result(self, spec: TrialSpec) -> TrialResult:
        """Ask oracle and audit."""
        simulation = self._arm.simulation
        verdict, audit = simulation.judge(), simulation.take_audit(reset=True)
        score = verdict.outcome.score
        seen = diagnose(self.trace(""), spec.object_name, spec.objects, score=score)
        stopped = self._arm.stopped_by if score < 1 else ""
        said = [verdict.reason, seen.detail, stopped and f"the executor stopped: {stopped}"]
        peak: Any = tuple(float(share) for share in audit.peak.values())
        return TrialResult(
            spec=spec,
            score=score,
            reason="; ".join(text for text in said if text),
            elapsed_sec=(self._arm.now_ns - self._begun_ns) / NS,
            chunks=self._chunks,
            samples=audit.samples,
            outside=sum(audit.outside.values()),
            peak=peak,
            failure=Failure.STOPPED if stopped else seen.failure,
            attempted=seen.attempted,
            picked=seen.picked,
        )

    def trace(self, target: str) -> Trace:
        """Return what moved."""
        trace = join_moments(self._moments, target=target or self._target)
        assert trace is not None
        return trace

    def _chunk(self, instruction: str, stamp_ns: int) -> Any:
        _, qpos, _ = self._arm.simulation.snapshot()
        pictures: Mapping[str, Any] = {
            view: self._renderer.render(qpos, view) for view in self._policy.views
        }
        return self._policy.chunk(pictures, self._arm.state(), instruction, stamp_ns=stamp_ns)

    def _pass_time(self, until_ns: int) -> None:
        """Let time pass, and look at the scene now and then."""
        while self._arm.now_ns < until_ns and not self._over():
            self._arm.pass_time(min(until_ns, self._looked_ns, self._judged_ns + JUDGE_NS))
            if self._arm.now_ns >= self._looked_ns:
                self._look()
                self._looked_ns += _TRACE_NS
            if self._arm.now_ns >= self._judged_ns + JUDGE_NS:
                self._judged_ns += JUDGE_NS
                full = self._arm.simulation.judge().outcome is Outcome.FULL
                self._placed = self._placed + 1 if full else 0

    def _over(self) -> bool:
        # Twice in a row, so that an object that bounces out again does not count.
        return self._placed >= 2 or bool(self._arm.stopped_by)

    @property
    def _target(self) -> str:
        return self._arm.simulation.placement.task.target

    def _look(self) -> None:
        state = self._arm.state()
        x, y, z = hand_position(state[:7])
        _, poses = self._arm.simulation.poses()
        self._moments.append(
            Moment(
                time=self._arm.now_ns * 1e-9,
                hand=(float(x), float(y), float(z)),
                opening=float(state[7]),
                command=self._arm.command,
                poses={
                    name: (*map(float, pose.position), *map(float, pose.quaternion))
                    for name, pose in poses.items()
                },
            )
        )
