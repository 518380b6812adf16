"""Qualities of service, one name per kind of topic."""

from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSProfile,
    QoSReliabilityPolicy,
)


def _profile(
    depth: int,
    *,
    reliable: bool,
    latched: bool = False,
) -> QoSProfile:
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=(
            QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT
        ),
        durability=(
            QoSDurabilityPolicy.TRANSIENT_LOCAL if latched else QoSDurabilityPolicy.VOLATILE
        ),
    )


SENSOR = _profile(5, reliable=False)
"""For subscribers of images and states: the newest counts, a lost one is not sent again."""

RELIABLE = _profile(10, reliable=True)
"""For commands, chunks, features, and for publishers of images (as the ZED wrapper does)."""

LATCHED = _profile(1, reliable=True, latched=True)
"""For what a late joiner must learn: the instruction, the episode."""
