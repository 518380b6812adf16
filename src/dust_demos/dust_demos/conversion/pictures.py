"""Pixels out of image messages, decoded as dust_perception decodes them, without ROS."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_TO_BGR: dict[str, int | None] = {
    "bgr8": None,
    "bgra8": cv2.COLOR_BGRA2BGR,
    "rgb8": cv2.COLOR_RGB2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "mono8": cv2.COLOR_GRAY2BGR,
}
_CHANNELS = {"bgr8": 3, "bgra8": 4, "rgb8": 3, "rgba8": 4, "mono8": 1}


def read_picture(message: Any) -> Pixels:
    """Return the pixels of a sensor_msgs/Image or CompressedImage, BGR uint8 [H, W, 3].

    Raises:
        ValueError: they can't be decoded; one line.
    """
    return _raw(message) if hasattr(message, "encoding") else _compressed(message)


def scaled(pixels: Pixels, size: tuple[int, int] | None) -> Pixels:
    """Return the picture at another size (width, height); None keeps it."""
    if size is None or pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _compressed(message: Any) -> Pixels:
    data = np.frombuffer(message.data, np.uint8)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(data, flags) if data.size else None
    if pixels is None:
        raise ValueError(f"an image of {data.size} bytes, '{message.format}', does not decode")
    return np.asarray(pixels, np.uint8)


def _raw(message: Any) -> Pixels:
    encoding, height, width, step = (
        *(message.encoding, message.height, message.width),
        message.step,
    )
    if encoding not in _TO_BGR:
        raise ValueError(f"image encoding '{encoding}' is not one of {', '.join(_TO_BGR)}")
    data, row = np.frombuffer(message.data, np.uint8), width * _CHANNELS[encoding]
    if not height or not width or step < row or data.size < height * step:
        raise ValueError(
            f"an image of {width}x{height} {encoding} has {data.size} bytes in rows of {step}"
        )
    rows = data[: height * step].reshape(height, step)[:, :row]
    pixels = rows.reshape(height, width, _CHANNELS[encoding])
    code = _TO_BGR[encoding]
    return pixels if code is None else np.asarray(cv2.cvtColor(pixels, code), np.uint8)
