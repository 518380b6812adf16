"""A film of a camera topic: an MP4 file and a strip of stills."""

import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from dust_node.qos import SENSOR

STILLS = 8
"""Pictures in a strip."""

_STILL = (320, 180)
_CAPTION = 28  # px: height of the line of text above a strip

Jpeg = NDArray[np.uint8]


class Film:
    """Record an image topic while it is open.

    Frames are kept small in memory (JPEG) and written when the film is closed, so that recording
    costs the running graph little.

    Args:
        node: Node that subscribes.
        topic: Image topic, bgra8 or bgr8.
        rate: Frames per second of the file. Unit: Hz.
        interval_sec: Least time between two frames that are kept, by the node's clock. Frames in
            between are not even unpacked.
    """

    def __init__(self, node: Node, topic: str, *, rate: float, interval_sec: float = 0.0) -> None:
        self._node = node
        self._rate = rate
        self._interval_ns = round(interval_sec * 1e9)
        self._due_ns = 0
        self._lock = threading.Lock()
        self._frames: list[Jpeg] = []
        self._subscription = node.create_subscription(
            Image, topic, self._on_image, SENSOR, raw=True
        )

    @property
    def frames(self) -> int:
        """How many frames were recorded."""
        with self._lock:
            return len(self._frames)

    def take(self) -> list[Jpeg]:
        """Stop recording; return the frames, each as JPEG."""
        self._node.destroy_subscription(self._subscription)
        with self._lock:
            frames, self._frames = self._frames, []
        return frames

    def close(self, path: Path) -> None:
        """Stop recording; write `path` (.mp4) and the stills beside it (.png)."""
        frames = self.take()
        if not frames:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write_film(path, frames)
        write_strip(path.with_suffix(".png"), frames)

    def _write_film(self, path: Path, frames: Sequence[Jpeg]) -> None:
        height, width = _decode(frames[0]).shape[:2]
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(path), codec, self._rate, (width, height))
        for frame in frames:
            writer.write(_decode(frame))
        writer.release()

    def _on_image(self, packed: bytes) -> None:
        now_ns = self._node.get_clock().now().nanoseconds
        # A clock that was set back must not stop the film.
        if 0 < self._due_ns - now_ns <= self._interval_ns:
            return
        self._due_ns = now_ns + self._interval_ns
        jpeg = _encode(deserialize_message(packed, Image))
        with self._lock:
            self._frames.append(jpeg)


def write_strip(path: Path, *rows: Sequence[Jpeg], caption: str = "") -> None:
    """Write stills spread over each film, as one picture.

    Args:
        path: PNG or JPEG file; its folder is made.
        rows: Frames of each camera; one camera takes two rows of four stills, several take a row
            of eight smaller ones each.
        caption: A line of text above them.
    """
    films = [row for row in rows if row]
    if not films:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    alone = len(films) == 1
    size = _STILL if alone else (_STILL[0] * 3 // 4, _STILL[1] * 3 // 4)
    lines = []
    for film in films:
        picks = np.linspace(0, len(film) - 1, STILLS).astype(int)
        stills = [cv2.resize(_decode(film[pick]), size) for pick in picks]
        width = STILLS // 2 if alone else STILLS
        lines += [cv2.hconcat(stills[i : i + width]) for i in range(0, STILLS, width)]
    picture = np.asarray(cv2.vconcat(lines), np.uint8)
    cv2.imwrite(str(path), _with_caption(picture, caption) if caption else picture)


def write_still(path: Path, frame: Jpeg) -> None:
    """Write one frame as it was recorded (.jpg); its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(frame.tobytes())


def _with_caption(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    line = np.full((_CAPTION, picture.shape[1], 3), 255, np.uint8)
    place, font = (6, _CAPTION - 9), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(line, text, place, font, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(np.vstack([line, picture]))


def _encode(message: Image) -> Jpeg:
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    channels = 4 if message.encoding.endswith("a8") else 3
    pixels = rows[:, : message.width * channels].reshape(message.height, message.width, channels)
    _, jpeg = cv2.imencode(".jpg", pixels[:, :, :3], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.asarray(jpeg)


def _decode(jpeg: Jpeg) -> NDArray[np.uint8]:
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)  # type: ignore[return-value]
