"""A JointTrajectory as the bytes that go over the wire: rclpy would visit each of its points.

    header | stamp, frame, joint names | number of points | point | point | ...

ROS 2 sends CDR: every number lies at a multiple of its own size, counted from the end of the four
bytes that name the encoding. The doubles of a point therefore lie as in each other point, except
that the first one may need four bytes more after its first length.
"""

import struct
from collections.abc import Sequence

import numpy as np

from dust_executor.quintic import NS, States, Times

_LITTLE_ENDIAN = b"\x00\x01\x00\x00"
_ROWS = ("positions", "velocities", "accelerations")


class TrajectoryBytes:
    """Writes trajectories with absolute stamps, velocities and accelerations in every point.

    Args:
        joint_names: Arm joints [J].
    """

    def __init__(self, joint_names: Sequence[str]) -> None:
        self._point = _point(len(joint_names))
        self._joints = struct.pack("<I", len(joint_names))
        self._names = b"".join([_text(""), self._joints, *(_text(name) for name in joint_names)])

    def write(self, times: Times, states: States) -> bytes:
        """Return a serialised message.

        Args:
            times: Knot times [K], ns; the first becomes the stamp.
            states: Knots [K, 3, J].
        """
        points = np.zeros(len(times), self._point)
        for row, name in enumerate(_ROWS):
            points[f"{name} length"] = states.shape[2]
            points[name] = states[:, row]
        points["sec"], points["nanosec"] = np.divmod(times - times[0], NS)
        begin = int(times[0])
        head = struct.pack("<iI", begin // NS, begin % NS) + self._names
        head += struct.pack("<I", len(times))
        if len(head) % 8 == 0:
            # The first length is out of line: what its record has instead is a gap.
            head += self._joints
        return _LITTLE_ENDIAN + head + points.tobytes()


def _point(joints: int) -> np.dtype:
    """Return the layout of a point that begins four bytes after a multiple of eight."""
    numbers = ("<f8", (joints,))
    return np.dtype(
        [
            ("positions length", "<u4"),
            ("positions", *numbers),
            ("velocities length", "<u4"),
            ("gap", "<u4"),
            ("velocities", *numbers),
            ("accelerations length", "<u4"),
            ("another gap", "<u4"),
            ("accelerations", *numbers),
            ("effort length", "<u4"),
            ("sec", "<i4"),
            ("nanosec", "<u4"),
        ]
    )


def _text(text: str) -> bytes:
    """Return a string with its length before it; the next length may follow."""
    encoded = text.encode() + b"\0"
    return struct.pack("<I", len(encoded)) + encoded + bytes(-len(encoded) % 4)
