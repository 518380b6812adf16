"""One trial of the scripted expert in the bare cell, as fast as the processor allows.

For tests of physics and expert, and to see quickly whether a scene can be solved at all. The
references are cubic through the expert's actions, as the trajectory controller would make them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.detours import Detours
from dust_sim.expert import PERIOD, Expert, Observation
from dust_sim.oracle import Verdict
from dust_sim.placement import Placement
from dust_sim.scene import TIMESTEP

Array = NDArray[np.float64]

HAND_SPEED = 0.1
"""Of the width's reference, m/s."""

HAND_DELAY = 0.1
"""From a command to the fingers' first motion, s."""

_REST = 0.5
_PLAN_EVERY = 3

Watcher = Callable[[Cell, Expert], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial came to."""

    verdict: Verdict
    failure: str
    """Why the expert gave up; empty if it did not."""
    retries: int
    duration: float
    """Simulated time, s."""
    tracking_error: Array
    """Largest distance of each joint from its reference [7], rad."""
    tcp_error: float
    """Largest distance of the hand from where its reference would put it, m."""
    peak_velocity: Array
    """Of the references, per joint [7], rad/s."""
    peak_acceleration: Array
    """Of the references, per joint [7], rad/s^2."""
    low: Array
    """Smallest reference per joint [7], rad."""
    high: Array
    """Largest reference per joint [7], rad."""


def run_trial(
    cell: Cell,
    placement: Placement,
    *,
    detours: Detours | None = None,
    time_limit: float = 40.0,
    watch: Watcher | None = None,
) -> Trial:
    """Reset the cell and let the expert do the task.

    Args:
        cell: the cell to use.
        placement: start configuration.
        detours: of the expert; none when left out.
        time_limit: simulated time after which the trial is judged anyway, s.
        watch: called with the cell and the expert after every plan (5 Hz).
    """
    cell.reset(placement)
    expert = Expert(placement.task, placement.object_name, detours=detours)
    steps = round(PERIOD / TIMESTEP)
    hand = _Hand()
    record = _Record(expert)
    ticks = 0
    while cell.time < time_limit and not (expert.done or expert.failed):
        if ticks % _PLAN_EVERY == 0:
            observation = _observe(cell)
            expert.plan(observation)
            if watch is not None:
                watch(cell, expert)
        ticks += 1
        q, qd = _references(expert, cell.time, steps)
        grip = float(expert.actions(np.array([cell.time]))[0, 7])
        cell.step(q, qd, hand.follow(grip, steps))
        record.add(q, qd, cell.joint_positions)
    hold = np.tile(q[-1], (round(_REST / TIMESTEP), 1))
    cell.step(hold, np.zeros_like(hold), hand.follow(1.0, len(hold)))
    return record.trial(cell, expert)


def _observe(cell: Cell) -> Observation:
    return Observation(cell.time, cell.joint_positions, cell.width, cell.poses())


def _references(expert: Expert, time: float, steps: int) -> tuple[Array, Array]:
    """Answer positions and velocities [steps, 7] on the cubic through the actions."""
    span = steps * TIMESTEP
    times = time + span * np.arange(-1.0, 3.0, dtype=np.float64)
    knots = expert.actions(times)[:, :7]
    across = knots[2] - knots[1]
    leaving, arriving = (knots[2] - knots[0]) / 2, (knots[3] - knots[1]) / 2
    square, cube = 3 * across - 2 * leaving - arriving, leaving + arriving - 2 * across
    u = np.arange(1, steps + 1)[:, None] / steps
    q = knots[1] + u * (leaving + u * (square + u * cube))
    qd = leaving + u * (2 * square + u * 3 * cube)
    return q, qd / span


class _Hand:
    """Ramps the width's reference towards the commanded end after a delay."""

    def __init__(self) -> None:
        self._width = fr3.MAX_WIDTH
        self._command = 1.0
        self._wait = 0

    def follow(self, command: float, steps: int) -> Array:
        if command != self._command:
            self._command, self._wait = command, round(HAND_DELAY / TIMESTEP)
        moving = np.maximum(np.arange(1, steps + 1) - self._wait, 0) * HAND_SPEED * TIMESTEP
        self._wait = max(self._wait - steps, 0)
        sign = 1.0 if command > 0.5 else -1.0
        widths = np.clip(self._width + sign * moving, 0.0, fr3.MAX_WIDTH)
        self._width = float(widths[-1])
        return widths


class _Record:
    def __init__(self, expert: Expert) -> None:
        self._kinematics = expert.kinematics
        self._error = np.zeros(7)
        self._tcp = 0.0
        self._q: list[Array] = []
        self._qd: list[Array] = []

    def add(self, q: Array, qd: Array, measured: Array) -> None:
        self._q.append(q)
        self._qd.append(qd)
        self._error = np.maximum(self._error, np.abs(measured - q[-1]))
        wanted, _ = self._kinematics.forward(q[-1])
        reached, _ = self._kinematics.forward(measured)
        self._tcp = max(self._tcp, float(np.linalg.norm(wanted - reached)))

    def trial(self, cell: Cell, expert: Expert) -> Trial:
        q, qd = np.concatenate(self._q), np.concatenate(self._qd)
        acceleration = np.abs(np.diff(qd, axis=0)) / TIMESTEP
        return Trial(
            verdict=cell.judge(),
            failure=expert.failure,
            retries=expert.retries,
            duration=cell.time,
            tracking_error=self._error,
            tcp_error=self._tcp,
            peak_velocity=np.abs(qd).max(axis=0),
            peak_acceleration=acceleration.max(axis=0),
            low=q.min(axis=0),
            high=q.max(axis=0),
        )
