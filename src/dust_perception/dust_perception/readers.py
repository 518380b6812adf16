"""Choice between NumPy and cv_bridge; both give the same pixels."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dust_perception.images import Picture, check_encoding, read_compressed, read_raw

Reader = Callable[[Any], Picture]

CHOICES = ("auto", "numpy", "cv_bridge")


class BridgeUnavailableError(ValueError):
    """cv_bridge was asked for and cannot be used; the message names the remedy."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            f"image_reader is cv_bridge, but it cannot be used ({cause}): install it with "
            "'sudo apt install ros-$ROS_DISTRO-cv-bridge' or set image_reader to numpy"
        )


def make_reader(transport: str, choice: str = "auto") -> tuple[Reader, str]:
    """Return the function that turns a message into a Picture, and its name.

    Args:
        transport: "raw" for sensor_msgs/Image, "compressed" for sensor_msgs/CompressedImage.
        choice: One of CHOICES; "auto" takes cv_bridge if it works here, else NumPy.

    Raises:
        BridgeUnavailableError: "cv_bridge" was chosen and does not work here.
    """
    if choice != "numpy":
        try:
            return bridge_reader(transport), "cv_bridge"
        # The binary part of cv_bridge fails in many ways beside another NumPy than its own.
        except Exception as error:
            if choice == "cv_bridge":
                raise BridgeUnavailableError(error) from error
    return (read_compressed if transport == "compressed" else read_raw), "numpy"


def bridge_reader(transport: str) -> Reader:
    """Return a reader on top of cv_bridge.

    Raises:
        ImportError: cv_bridge is not installed.
    """
    bridge = importlib.import_module("cv_bridge").CvBridge()

    def read(message: Any) -> Picture:
        check_encoding(message.encoding)
        pixels = bridge.imgmsg_to_cv2(message, desired_encoding="passthrough")
        return Picture(np.atleast_3d(np.asarray(pixels, dtype=np.uint8)), message.encoding)

    def decompress(message: Any) -> Picture:
        return Picture(bridge.compressed_imgmsg_to_cv2(message, desired_encoding="bgr8"), "bgr8")

    return decompress if transport == "compressed" else read
