"""What there is to see of a plan, as points in the robot's base frame; without ROS.

arm       the measured arm, a stick figure
plan      where the hand will go until the actions run out
tail      how it will brake then
seam      where the newest chunk took over
prefix    the chunk's first actions, which repeat what was promised
actions   the chunk's other actions, raw: before limits and blending
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_node.fr3_kinematics import DH, FLANGE, hand_position

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Committed:
    """What the executor has promised.

    Attributes:
        stamp_ns: Time of the first sample.
        period_ns: Between two samples.
        positions: Samples [N, 7], rad; N >= 0.
        buffer_ns: How long after `stamp_ns` the braking tail begins.
        sequence: Number of the newest accepted chunk; 0: none.
        splice_ns: When it took over; 0: not told.
    """

    stamp_ns: int
    period_ns: int
    positions: Array
    buffer_ns: int
    sequence: int
    splice_ns: int

    @property
    def times_ns(self) -> NDArray[np.int64]:
        """Times of the samples [N]."""
        return self.stamp_ns + np.arange(len(self.positions), dtype=np.int64) * self.period_ns

    def at(self, time_ns: int) -> Array | None:
        """Return the positions [7] at a time, None where the samples do not reach."""
        times = self.times_ns
        if not len(times) or not times[0] <= time_ns <= times[-1]:
            return None
        share = (time_ns - self.stamp_ns) / self.period_ns
        before = min(int(share), len(times) - 1)
        after = min(before + 1, len(times) - 1)
        left, right = self.positions[before], self.positions[after]
        return np.asarray(left + (share - before) * (right - left))


@dataclass(frozen=True, slots=True)
class Path:
    """The committed path of the hand, cut where the braking tail begins.

    Attributes:
        plan: Points [N, 3], m; N >= 0.
        tail: Points [M, 3], m; its first one is the plan's last; M >= 0.
    """

    plan: Array
    tail: Array


def committed_path(committed: Committed) -> Path:
    """Return where the hand will go."""
    nothing = np.empty((0, 3))
    if not len(committed.positions):
        return Path(nothing, nothing)
    points = hand_position(committed.positions)
    end_ns = committed.stamp_ns + committed.buffer_ns
    until = int(np.searchsorted(committed.times_ns, end_ns, side="right"))
    cut = committed.at(end_ns)
    if cut is None:
        return Path(points, nothing) if until else Path(nothing, points)
    corner = hand_position(cut)[None]
    return Path(np.concatenate([points[:until], corner]), np.concatenate([corner, points[until:]]))


class Seams:
    """Remembers where the newest chunk took over: the splice is over when the next state comes."""

    def __init__(self) -> None:
        self._sequence = 0
        self._point: Array | None = None

    def see(self, committed: Committed) -> Array | None:
        """Return the point [3] at which the newest accepted chunk took over; None: none yet."""
        if committed.sequence != self._sequence:
            self._sequence, self._point = committed.sequence, None
        if self._point is None and committed.splice_ns and len(committed.positions):
            there = committed.at(max(committed.splice_ns, committed.stamp_ns))
            self._point = None if there is None else hand_position(there)
        return self._point


def chunk_points(positions: Array) -> Array:
    """Return where the hand would be at a chunk's actions [k, 7] (rad); [k, 3], m."""
    return hand_position(positions) if len(positions) else np.empty((0, 3))


def arm_points(joints: Array) -> Array:
    """Return the corners of the arm at positions [7] (rad), base first, hand last; [P, 3], m."""
    points, pose = [np.zeros(3)], np.eye(4)
    for (a, d, alpha), angle in zip(DH, joints, strict=True):
        ca, sa, c, s = np.cos(alpha), np.sin(alpha), np.cos(angle), np.sin(angle)
        pose = pose @ np.array(
            [
                [c, -s, 0, a],
                [s * ca, c * ca, -sa, -d * sa],
                [s * sa, c * sa, ca, d * ca],
                [0, 0, 0, 1.0],
            ]
        )
        points.append(pose[:3, 3])
    points.append(pose[:3, 3] + FLANGE * pose[:3, 2])
    points.append(hand_position(joints))
    return np.stack(points)
