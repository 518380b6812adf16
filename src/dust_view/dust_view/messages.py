"""Between dust_msgs and the plain data of the core."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dust_node.stamps import nanoseconds_of
from dust_view.ledger import Stage
from dust_view.scene import Array, Committed
from dust_view.trajectory import NS

_LONGEST_SEC = 3600.0  # no plan is longer; more than a few centuries would not fit into ns


def read_stages(timings: Sequence[Any]) -> list[Stage]:
    """Read StageTimings, from rclpy or out of a bag; rows that are not finite are left out."""
    return [
        Stage(row.stage, nanoseconds_of(row.stamp) + round(row.duration * NS), row.duration)
        for row in timings
        if math.isfinite(row.duration * NS)
    ]


def read_committed(message: Any, joint_names: Sequence[str]) -> Committed | None:
    """Read an ExecutorState; None where it does not fit, or is not finite."""
    positions = read_chunk(message, joint_names)
    # A period below 1 ns would be none.
    if positions is None or not 1 / NS <= message.period <= _LONGEST_SEC:
        return None
    if not abs(message.buffer) <= _LONGEST_SEC:
        return None
    return Committed(
        stamp_ns=nanoseconds_of(message.header.stamp),
        period_ns=round(message.period * NS),
        positions=positions,
        buffer_ns=round(message.buffer * NS),
        sequence=int(message.last_sequence),
        splice_ns=nanoseconds_of(message.last_splice),
    )


def read_chunk(message: Any, joint_names: Sequence[str]) -> Array | None:
    """Read the positions [k, J] of an ActionChunk, or of what has its fields, in rad.

    None where they do not fit or are not finite: the executor is who rejects chunks with a
    reason; here they are not shown.
    """
    positions = _rows(message, joint_names)
    if positions is None or not np.isfinite(positions).all():
        return None
    return positions


def _rows(message: Any, joint_names: Sequence[str]) -> Array | None:
    names = list(message.joint_names)
    if any(name not in names for name in joint_names) or len(message.positions) % len(names):
        return None
    columns = [names.index(name) for name in joint_names]
    return np.array(message.positions, dtype=np.float64).reshape(-1, len(names))[:, columns]
