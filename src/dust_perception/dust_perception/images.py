"""Camera messages to pixels, without cv_bridge and without a copy where none is needed."""

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

CHANNELS = {"bgra8": 4, "bgr8": 3, "rgba8": 4, "rgb8": 3, "mono8": 1}
_TO_RGB = {
    "bgra8": cv2.COLOR_BGRA2RGB,
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
}


class RawMessage(Protocol):
    """The part of sensor_msgs/Image that is read here."""

    height: int
    width: int
    encoding: str
    step: int
    data: Any


class CompressedMessage(Protocol):
    """The part of sensor_msgs/CompressedImage that is read here."""

    format: str
    data: Any


@dataclass(frozen=True, slots=True)
class Picture:
    """One image as it came from the camera.

    Attributes:
        pixels: uint8 [height, width, channels], range 0 to 255; may be a view into the message.
        encoding: One of the keys of CHANNELS.
    """

    pixels: Pixels
    encoding: str


def read_raw(message: RawMessage) -> Picture:
    """View the pixels of a sensor_msgs/Image, honouring `step`.

    Eight-bit encodings only, so `is_bigendian` does not matter.

    Raises:
        ValueError: The encoding is not one of CHANNELS, or size, step and data disagree.
    """
    channels = check_encoding(message.encoding)
    height, width, step = message.height, message.width, message.step
    if height < 1 or width < 1:
        raise ValueError(f"image is {width}x{height}: both sides must be at least 1 pixel")
    if step < width * channels:
        raise ValueError(
            f"image row of {step} bytes is too short: "
            f"{width} pixels of {message.encoding} need {width * channels}"
        )
    flat = np.frombuffer(message.data, dtype=np.uint8)
    if flat.size < height * step:
        raise ValueError(
            f"image data has {flat.size} bytes, but {height} rows of {step} bytes need "
            f"{height * step}"
        )
    rows = flat[: height * step].reshape(height, step)[:, : width * channels]
    return Picture(rows.reshape(height, width, channels), message.encoding)


def read_compressed(message: CompressedMessage) -> Picture:
    """Decode a JPEG or PNG of sensor_msgs/CompressedImage to bgr8.

    Raises:
        ValueError: The bytes are not an image that OpenCV can decode.
    """
    data = np.frombuffer(message.data, dtype=np.uint8)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(data, flags) if data.size else None
    if pixels is None:
        raise ValueError(
            f"compressed image of {data.size} bytes with format '{message.format}' does not "
            "decode: use jpeg or png"
        )
    return Picture(np.asarray(pixels, dtype=np.uint8), "bgr8")


def to_rgb(picture: Picture) -> Pixels:
    """Convert to uint8 RGB [height, width, 3]; grey is repeated, alpha is dropped."""
    if picture.encoding == "rgb8":
        return picture.pixels
    return np.asarray(cv2.cvtColor(picture.pixels, _TO_RGB[picture.encoding]), dtype=np.uint8)


def check_encoding(encoding: str) -> int:
    """Return the number of channels of an encoding.

    Raises:
        ValueError: The encoding is not one of CHANNELS.
    """
    if encoding not in CHANNELS:
        raise ValueError(
            f"image encoding '{encoding}' is not supported: use one of {', '.join(CHANNELS)}"
        )
    return CHANNELS[encoding]
