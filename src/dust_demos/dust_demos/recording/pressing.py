"""Raw images to compressed ones, for cameras that publish none."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore

RAW = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"

_CHANNELS = {"bgra8": 4, "bgr8": 3, "rgba8": 4, "rgb8": 3, "mono8": 1}


class Press:
    """Encodes images in threads of its own.

    Args:
        image_format: jpeg or png.
        quality: Quality of JPEG, 1 to 100.
        threads: How many images are encoded at a time.

    Raises:
        ValueError: OpenCV is not installed.
    """

    def __init__(self, *, image_format: str = "jpeg", quality: int = 90, threads: int = 2) -> None:
        try:
            import cv2
        except ImportError as error:
            raise ValueError(
                "images are encoded with OpenCV, which is not installed: install "
                "python3-opencv, let image_transport compress, or set compress to never"
            ) from error
        self._cv2: Any = cv2
        self._format = image_format
        flag = cv2.IMWRITE_JPEG_QUALITY if image_format == "jpeg" else cv2.IMWRITE_PNG_COMPRESSION
        self._options = [flag, quality if image_format == "jpeg" else 1]
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="press")

    def submit(self, data: bytes) -> "Future[bytes]":
        """Begin to encode an image; the result is a CompressedImage in CDR, or a ValueError.

        Args:
            data: A sensor_msgs/Image in CDR.
        """
        return self._pool.submit(self.press, data)

    def press(self, data: bytes) -> bytes:
        """Return a sensor_msgs/CompressedImage in CDR for a sensor_msgs/Image in CDR.

        Header as in the image; format as image_transport writes it.

        Raises:
            ValueError: The encoding is not one of 8 bits, or size and data disagree.
        """
        image: Any = self._store.deserialize_cdr(data, RAW)
        pixels = self._to_cv2(_pixels(image), image.encoding)
        suffix = "jpg" if self._format == "jpeg" else "png"
        done, encoded = self._cv2.imencode(f".{suffix}", pixels, self._options)
        if not done:
            raise ValueError(f"OpenCV does not encode {image.encoding} as {self._format}")
        kind = "mono8" if pixels.ndim == 2 else "bgr8"
        message = self._store.types[COMPRESSED](
            header=image.header,
            format=f"{image.encoding}; {self._format} compressed {kind}",
            data=encoded.reshape(-1),
        )
        return bytes(self._store.serialize_cdr(message, COMPRESSED))

    def close(self) -> None:
        """End the threads; images that wait are given up."""
        self._pool.shutdown(cancel_futures=True)

    def _to_cv2(self, pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
        """Return bgr or grey pixels without alpha."""
        cv2 = self._cv2
        codes = {
            "bgra8": cv2.COLOR_BGRA2BGR,
            "rgba8": cv2.COLOR_RGBA2BGR,
            "rgb8": cv2.COLOR_RGB2BGR,
        }
        return cv2.cvtColor(pixels, codes[encoding]) if encoding in codes else pixels


def _pixels(image: Any) -> NDArray[np.uint8]:
    """Return uint8 [height, width, channels], or [height, width] of grey; may be a view."""
    if image.encoding not in _CHANNELS:
        raise ValueError(
            f"image encoding '{image.encoding}' cannot be compressed: "
            f"use one of {', '.join(_CHANNELS)}, or set compress to never"
        )
    channels = _CHANNELS[image.encoding]
    needed = image.height * image.step
    if image.step < image.width * channels or image.data.size < needed or not needed:
        raise ValueError(
            f"image of {image.width}x{image.height} {image.encoding} with rows of {image.step} "
            f"bytes does not fit its {image.data.size} bytes of data"
        )
    rows = image.data[:needed].reshape(image.height, image.step)[:, : image.width * channels]
    shape = (image.height, image.width, channels)
    return rows if channels == 1 else rows.reshape(shape)
