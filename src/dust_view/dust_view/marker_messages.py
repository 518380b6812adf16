"""Points to markers for RViz and Foxglove."""

from collections.abc import Iterable

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from dust_view.scene import Array, Path

_COLOURS = {
    "arm": (0.55, 0.57, 0.60, 1.0),
    "plan": (0.10, 0.62, 0.30, 1.0),
    "tail": (0.80, 0.15, 0.12, 1.0),
    "seam": (1.00, 0.80, 0.00, 1.0),
    "prefix": (0.95, 0.50, 0.05, 1.0),
    "actions": (0.10, 0.40, 0.85, 0.9),
}
"""Red, green, blue, opacity by namespace. Range: 0 to 1."""

_WIDTHS = {"arm": 0.03, "plan": 0.008, "tail": 0.008, "prefix": 0.014, "actions": 0.01}
"""Lines and, of prefix and actions, points. Unit: m."""

_SEAM = 0.025
"""Diameter. Unit: m."""


class MarkerWriter:
    """Writes all markers of one kind of thing at a time.

    Each has its namespace, so that it can be switched off in the viewer. What is not there is
    deleted.

    Args:
        frame: Frame of the points: the robot's base.
    """

    def __init__(self, frame: str) -> None:
        self._frame = frame

    def committed(self, path: Path, seam: Array | None, stamp: Time) -> MarkerArray:
        """Return plan, braking tail and seam."""
        there = np.empty((0, 3)) if seam is None else seam[None]
        return MarkerArray(
            markers=[
                self._line("plan", path.plan, stamp),
                self._line("tail", path.tail, stamp),
                self._spheres("seam", there, _SEAM, stamp),
            ]
        )

    def chunk(self, points: Array, prefix: int, stamp: Time) -> MarkerArray:
        """Return a chunk's raw actions [k, 3], the first `prefix` of them apart."""
        # A line through the prefix alone reaches to the first action that is free.
        return MarkerArray(
            markers=[
                self._line("prefix", points[: prefix + 1] if prefix else points[:0], stamp),
                self._spheres("actions", points[prefix:], _WIDTHS["actions"], stamp),
            ]
        )

    def arm(self, points: Array, stamp: Time) -> MarkerArray:
        """Return the measured arm [P, 3] as a stick figure."""
        return MarkerArray(markers=[self._line("arm", points, stamp)])

    def nothing(self, stamp: Time) -> MarkerArray:
        """Return what deletes chunk and seam: no task runs."""
        none = np.empty((0, 3))
        names = ("seam", "prefix", "actions")
        return MarkerArray(
            markers=[self._marker(name, none, Marker.POINTS, stamp) for name in names]
        )

    def _line(self, name: str, points: Array, stamp: Time) -> Marker:
        marker = self._marker(name, points if len(points) > 1 else points[:0], _LINE, stamp)
        marker.scale.x = _WIDTHS[name]
        return marker

    def _spheres(self, name: str, points: Array, diameter: float, stamp: Time) -> Marker:
        marker = self._marker(name, points, Marker.SPHERE_LIST, stamp)
        marker.scale.x = marker.scale.y = marker.scale.z = diameter
        return marker

    def _marker(self, name: str, points: Array, kind: int, stamp: Time) -> Marker:
        marker = Marker(ns=name, id=0, type=kind)
        marker.header.frame_id, marker.header.stamp = self._frame, stamp
        marker.action = Marker.ADD if len(points) else Marker.DELETE
        marker.pose.orientation.w = 1.0
        red, green, blue, opacity = _COLOURS[name]
        marker.color = ColorRGBA(r=red, g=green, b=blue, a=opacity)
        marker.points = list(_points(points))
        return marker


_LINE = Marker.LINE_STRIP


def _points(points: Array) -> Iterable[Point]:
    return (Point(x=float(x), y=float(y), z=float(z)) for x, y, z in points)
