"""Video files: one clip for each camera of an episode, and clips joined without encoding anew.

Every second frame is a key frame, so that a single frame is found fast, and no frame refers to a
later one. Encoders run in one thread: the same pictures give the same bytes, and the cores work
on several episodes instead.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from dust_demos.conversion.pictures import Pixels
from dust_start.scheduling import kept_scheduling

GOP = 2
_MUXER = {"movflags": "+faststart", "fflags": "+bitexact"}
_BT601, _LIMITED = 6, 1  # FFmpeg's numbers of the colour matrix and range
_TO_YUV: Any = {
    "format": "yuv420p",
    "dst_colorspace": Colorspace.ITU601,
    "dst_color_range": ColorRange.MPEG,
    "threads": 1,
    "interpolation": Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
}


class Codec(StrEnum):
    """How videos are encoded."""

    H264 = "h264"
    """libx264; fast, decodes everywhere."""
    AV1 = "av1"
    """libsvtav1, LeRobot's default; smaller, slower to make and to decode."""


_ENCODERS: dict[Codec, tuple[str, dict[str, str]]] = {
    # Without cpu-independent, code for certain CPUs rounds otherwise, and not always alike.
    Codec.H264: (
        "libx264",
        {"preset": "veryfast", "bf": "0", "x264-params": "cpu-independent=1"},
    ),
    Codec.AV1: ("libsvtav1", {"preset": "10", "svtav1-params": "lp=1:pred-struct=1"}),
}
DEFAULT_QUALITY = {Codec.H264: 20, Codec.AV1: 30}
"""Constant rate factors; lower is better and larger."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Codec and quality (constant rate factor; lower is better)."""

    codec: Codec = Codec.H264
    quality: int = DEFAULT_QUALITY[Codec.H264]


def require_encoder(codec: Codec) -> None:
    """Raise ValueError if the installed PyAV can't encode `codec`."""
    name = _ENCODERS[codec][0]
    if name not in av.codecs_available:
        raise ValueError(f"--codec {codec}: PyAV has no {name} here: install it by pip")


class ClipWriter:
    """Writes one clip; a context manager. The first picture fixes its size.

    Args:
        path: file to write.
        fps: frames per second.
        encoding: codec and quality.
    """

    def __init__(self, path: Path, fps: float, encoding: Encoding) -> None:
        self.frames = 0
        self.size: tuple[int, int] | None = None
        self._fps = Fraction(fps).limit_denominator(1001)
        self._encoding = encoding
        self._container = av.open(str(path), "w", format="mp4", options=_MUXER)
        self._reformatter = VideoReformatter()
        self._stream: Any = None

    def write(self, pixels: Pixels) -> None:
        """Append a picture, BGR uint8 [H, W, 3].

        Raises:
            ValueError: its size is odd, or not that of the first.
        """
        size = (pixels.shape[1], pixels.shape[0])
        if self.size is None:
            self._start(size)
        elif size != self.size:
            raise ValueError(f"an image is {_text(size)}, the ones before it {_text(self.size)}")
        frame = VideoFrame.from_ndarray(pixels, format="bgr24")
        frame = self._reformatter.reformat(frame, **_TO_YUV)
        frame.pts = self.frames
        frame.time_base = 1 / self._fps
        self._mux(self._stream.encode(frame))
        self.frames += 1

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._stream is not None and kind is None:
                self._mux(self._stream.encode())
        finally:
            self._container.close()

    def _start(self, size: tuple[int, int]) -> None:
        if size[0] % 2 or size[1] % 2:
            raise ValueError(f"images of {_text(size)} have an odd side: give an even --size")
        os.environ.setdefault("SVT_LOG", "1")  # or libsvtav1 tells its settings for every clip
        name, options = _ENCODERS[self._encoding.codec]
        stream: Any = self._container.add_stream(name, rate=self._fps)
        stream.width, stream.height = self.size = size
        stream.pix_fmt = "yuv420p"
        stream.options = {**options, "g": str(GOP), "crf": str(self._encoding.quality)}
        stream.codec_context.thread_count = 1
        stream.codec_context.colorspace = _BT601
        stream.codec_context.color_range = _LIMITED
        with kept_scheduling():
            stream.codec_context.open()
        self._stream = stream

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            self._container.mux(packet)


def join(clips: Sequence[tuple[Path, int]], path: Path, fps: float) -> None:
    """Write clips one after the other into one file, frame by frame as they are.

    Args:
        clips: files of one camera, made alike, and how many frames each has.
        path: file to write.
        fps: frames per second.
    """
    rate = Fraction(fps).limit_denominator(1001)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4", options=_MUXER) as target:
        stream: Any = None
        written = 0
        for clip, frames in clips:
            with av.open(str(clip)) as source:
                template = source.streams.video[0]
                if stream is None:
                    stream = target.add_stream_from_template(template, opaque=True)
                    stream.time_base = template.time_base
                _copy(source, target, stream, round(written / rate / stream.time_base))
            written += frames


def _copy(source: Any, target: Any, stream: Any, offset: int) -> None:
    for packet in source.demux(source.streams.video[0]):
        if packet.dts is None:
            continue
        packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
        packet.stream = stream
        target.mux(packet)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
