"""Stamps and durations of messages as one number. No ROS: messages out of a bag have them too."""

from typing import Any

SECOND_NS = 1_000_000_000
"""Nanoseconds in a second."""


def nanoseconds_of(stamp: Any) -> int:
    """Return a Time or Duration message in ns.

    A stamp that makes no sense is below 0, where rclpy's Time raises.
    """
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)
