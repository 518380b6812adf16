"""A film of a camera topic: an MP4 file and a strip of stills."""

import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import Image

from dust_node.qos import SENSOR

STILLS = 8
"""Pictures in a strip."""


class Film:
    """Record an image topic while it is open.

    Frames are kept small in memory (JPEG) and written when the film is closed, so that recording
    costs the running graph little.

    Args:
        node: Node that subscribes.
        topic: Image topic, bgra8 or bgr8.
        rate: Frames per second of the file. Unit: Hz.
    """

    def __init__(self, node: Node, topic: str, *, rate: float) -> None:
        self._node = node
        self._rate = rate
        self._lock = threading.Lock()
        self._frames: list[NDArray[np.uint8]] = []
        self._subscription = node.create_subscription(Image, topic, self._on_image, SENSOR)

    @property
    def frames(self) -> int:
        """How many frames were recorded."""
        with self._lock:
            return len(self._frames)

    def close(self, path: Path) -> None:
        """Stop recording; write `path` (.mp4) and the stills beside it (.png)."""
        self._node.destroy_subscription(self._subscription)
        with self._lock:
            frames, self._frames = self._frames, []
        if not frames:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write_film(path, frames)
        picks = np.linspace(0, len(frames) - 1, STILLS).astype(int)
        stills = [cv2.resize(_decode(frames[pick]), (320, 180)) for pick in picks]
        rows = [cv2.hconcat(stills[start : start + 4]) for start in range(0, STILLS, 4)]
        cv2.imwrite(str(path.with_suffix(".png")), cv2.vconcat(rows))

    def _write_film(self, path: Path, frames: list[NDArray[np.uint8]]) -> None:
        height, width = _decode(frames[0]).shape[:2]
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(path), codec, self._rate, (width, height))
        for frame in frames:
            writer.write(_decode(frame))
        writer.release()

    def _on_image(self, message: Image) -> None:
        rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        channels = 4 if message.encoding.endswith("a8") else 3
        pixels = rows[:, : message.width * channels].reshape(
            message.height, message.width, channels
        )
        _, jpeg = cv2.imencode(".jpg", pixels[:, :, :3], [cv2.IMWRITE_JPEG_QUALITY, 80])
        with self._lock:
            self._frames.append(jpeg)


def _decode(jpeg: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)  # type: ignore[return-value]
