"""The FR3's joints and its hand, by name and size."""

JOINTS = tuple(f"fr3_joint{i}" for i in range(1, 8))
FINGERS = ("fr3_finger_joint1", "fr3_finger_joint2")

WIDTH = 0.08
"""Opening of the open hand. Unit: m."""
