"""Action chunks, checked field by field. The executor trusts nothing.

Whatever does not pass ends in a `ChunkError` with one reason; sizes are compared before anything of
that size is made.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_executor.quintic import NS, Times

PERIODS = (0.005, 0.5)
"""Smallest and largest period between two actions, s."""


class Conditioning(IntEnum):
    """Values of ActionChunk.conditioning."""

    FREE = 0
    PREFIX = 1
    GUIDED = 2
    BLENDED = 3


class ChunkError(ValueError):
    """A chunk that must not be executed; the message is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A checked chunk; its joints are in the executor's order.

    Attributes:
        stamp: When the observation was taken, ns.
        sequence: Its number within the task.
        period: Time between two actions, ns.
        positions: Commanded positions [k, J], rad.
        grips: Gripper commands [k]. Range: 0 (closed) to 1 (open).
        prefix: How many first actions repeat the committed plan.
        conditioning: How it goes on from the plan.
        times: Due times of the actions [k], ns.
    """

    stamp: int
    sequence: int
    period: int
    positions: NDArray[np.float64]
    grips: NDArray[np.float64]
    prefix: int
    conditioning: Conditioning = Conditioning.FREE
    times: Times = field(init=False)

    def __post_init__(self) -> None:
        times = self.stamp + self.period * np.arange(len(self.positions), dtype=np.int64)
        object.__setattr__(self, "times", times)

    def leading(self, count: int) -> "Chunk":
        """Return its first `count` actions."""
        if count == len(self.positions):
            return self
        return replace(
            self,
            positions=self.positions[:count],
            grips=self.grips[:count],
            prefix=min(self.prefix, count),
        )


@dataclass(frozen=True, slots=True)
class ChunkRules:
    """What a chunk has to keep to.

    Attributes:
        joint_names: Arm joints in the executor's order.
        max_horizon: Most actions in a chunk.
        max_span: Longest time from first to last action, s.
        max_age: Oldest stamp, s.
        max_lead: How far a stamp may lie in the future (clocks that disagree), s.
    """

    joint_names: tuple[str, ...]
    max_horizon: int = 64
    max_span: float = 5.0
    max_age: float = 1.0
    max_lead: float = 0.05


@dataclass(frozen=True, slots=True)
class Expected:
    """What the running task lets through.

    Attributes:
        task_id: The running task.
        source: Who may send its chunks.
        last_sequence: Number of the newest accepted chunk; 0 when there is none.
        last_stamp: Its stamp, ns.
    """

    task_id: str
    source: str
    last_sequence: int = 0
    last_stamp: int = 0


def check_chunk(message: Any, rules: ChunkRules, expected: Expected, now: int) -> Chunk:
    """Check every field of an ActionChunk.

    Args:
        message: dust_msgs/ActionChunk, or anything with its fields.
        rules: What every chunk has to keep to.
        expected: What the running task lets through.
        now: Time, ns.

    Raises:
        ChunkError: The first defect that was found.
    """
    _check_origin(message, expected)
    stamp = _check_stamp(message, rules, expected, now)
    period = _check_period(message.period)
    horizon = _check_horizon(message, rules, period)
    order = _joint_order(message.joint_names, rules.joint_names)
    positions = _finite(message.positions, "positions").reshape(horizon, -1)
    if order is not None:
        positions = positions[:, order]
    grips = _check_grips(message.gripper)
    conditioning = _check_conditioning(message)
    prefix = int(message.prefix)
    return Chunk(stamp, int(message.sequence), period, positions, grips, prefix, conditioning)


def _check_origin(message: Any, expected: Expected) -> None:
    if message.task_id != expected.task_id:
        raise ChunkError(
            f"task_id is '{_short(message.task_id)}', but '{expected.task_id}' is running"
        )
    if message.source != expected.source:
        raise ChunkError(
            f"source is '{_short(message.source)}', but '{expected.source}' started the task"
        )
    if message.sequence <= expected.last_sequence:
        raise ChunkError(
            f"sequence {message.sequence} does not follow {expected.last_sequence}; "
            "it must be at least 1 and increase"
        )


def _check_stamp(message: Any, rules: ChunkRules, expected: Expected, now: int) -> int:
    stamp = int(message.header.stamp.sec) * NS + int(message.header.stamp.nanosec)
    age = (now - stamp) / NS
    if age > rules.max_age:
        raise ChunkError(f"stamp is {age:.3f} s old; at most {rules.max_age:g} s are allowed")
    if -age > rules.max_lead:
        raise ChunkError(
            f"stamp is {-age:.3f} s in the future; are the clocks of all machines in step?"
        )
    if stamp < expected.last_stamp:
        behind = (expected.last_stamp - stamp) / NS
        raise ChunkError(f"observation is {behind:.3f} s older than the last accepted chunk's")
    return stamp


def _check_period(period: float) -> int:
    low, high = PERIODS
    if not (math.isfinite(period) and low <= period <= high):
        raise ChunkError(f"period is {period:g} s; it must be between {low:g} and {high:g}")
    return round(period * NS)


def _check_horizon(message: Any, rules: ChunkRules, period: int) -> int:
    horizon, joints = len(message.gripper), len(rules.joint_names)
    if not 1 <= horizon <= rules.max_horizon:
        raise ChunkError(f"has {horizon} gripper commands; 1 to {rules.max_horizon} are allowed")
    if len(message.positions) != horizon * joints:
        raise ChunkError(
            f"has {len(message.positions)} positions; "
            f"{horizon} actions of {joints} joints need {horizon * joints}"
        )
    if (horizon - 1) * period > rules.max_span * NS:
        span = (horizon - 1) * period / NS
        raise ChunkError(f"spans {span:.2f} s; at most {rules.max_span:g} s are allowed")
    if not 0 <= message.prefix <= horizon:
        raise ChunkError(f"prefix is {message.prefix}, beyond the {horizon} actions")
    return horizon


def _check_conditioning(message: Any) -> Conditioning:
    try:
        return Conditioning(message.conditioning)
    except ValueError:
        known = ", ".join(f"{kind.value} ({kind.name})" for kind in Conditioning)
        raise ChunkError(
            f"conditioning is {message.conditioning}; must be one of {known}"
        ) from None


def _joint_order(names: Sequence[str], wanted: tuple[str, ...]) -> list[int] | None:
    if tuple(names) == wanted:
        return None
    if len(names) != len(wanted):
        raise ChunkError(f"names {len(names)} joints; needs the {len(wanted)} of the arm")
    places = {name: place for place, name in enumerate(names)}
    missing = [name for name in wanted if name not in places]
    if missing:
        given = ", ".join(_short(name) for name in names)
        raise ChunkError(f"joint {missing[0]} is missing among: {given}")
    return [places[name] for name in wanted]


def _check_grips(grips: Sequence[float]) -> NDArray[np.float64]:
    values = _finite(grips, "gripper")
    outside = (values < 0.0) | (values > 1.0)
    if np.any(outside):
        index = int(np.argmax(outside))
        raise ChunkError(f"gripper command {index} is {values[index]:g}; it must be in [0, 1]")
    return values


def _finite(numbers: Sequence[float], field: str) -> NDArray[np.float64]:
    values = np.array(numbers, dtype=float)
    bad = ~np.isfinite(values)
    if np.any(bad):
        index = int(np.argmax(bad))
        raise ChunkError(f"{field}[{index}] is {values[index]}")
    return values


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
