"""Frames out of video files, by PyAV: one seek, then in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from dust_model.data.faults import DataError


def end_of(path: Path) -> float:
    """Return when the video at `path` ends, in s of its own clock, without decoding it.

    Raises:
        DataError: the file is missing or no video.
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        if stream.duration is not None and stream.time_base is not None:
            return float((stream.duration + (stream.start_time or 0)) * stream.time_base)
        return (container.duration or 0) / av.time_base


def read_frames(
    path: Path, seconds: Sequence[float], *, tolerance: float
) -> list[NDArray[np.uint8]]:
    """Return the frames nearest to the times `seconds`, RGB uint8 [H, W, 3].

    Args:
        path: a video file that PyAV can decode.
        seconds: times in the file, rising.
        tolerance: how far a frame may lie from the time it is taken for, in s.

    Raises:
        DataError: the file is missing or broken, or has no frame near enough; one line.
    """
    if not seconds:
        return []
    frames: list[NDArray[np.uint8]] = []
    with _opened(path) as container:
        before: VideoFrame | None = None
        for frame in _from(container, seconds[0]):
            while len(frames) < len(seconds) and _at(frame) >= seconds[len(frames)]:
                frames.append(_nearest(path, before, frame, seconds[len(frames)], tolerance))
            if len(frames) == len(seconds):
                return frames
            before = frame
        for wanted in seconds[len(frames) :]:
            frames.append(_nearest(path, before, None, wanted, tolerance))
    return frames


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """Open a video; turn whatever FFmpeg says, now or while reading, into one clear line."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError(f"{path} holds no video")
            yield container
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{path} is missing") from None
    except (av.FFmpegError, OSError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise DataError(f"{path} can't be decoded: {reason}") from None


def _from(container: InputContainer, second: float) -> Iterator[VideoFrame]:
    """Return frames in order, from the key frame at or before `second` on."""
    stream = container.streams.video[0]
    # One thread: the data loader's workers are the parallelism, and short seeks gain nothing.
    stream.thread_count = 1
    base = float(stream.time_base or 1)
    # Seeking goes by decode time: where frames are stored out of order it may land too late.
    for start in (second, second - 1.0):
        if start <= 0:
            break
        container.seek(int(start / base), stream=stream)
        frames = _timed(container)
        first = next(frames, None)
        if first is not None and _at(first) <= second + base:
            return chain((first,), frames)
    container.seek(0, stream=stream)
    return _timed(container)


def _timed(container: InputContainer) -> Iterator[VideoFrame]:
    return (frame for frame in container.decode(video=0) if frame.time is not None)


def _at(frame: VideoFrame) -> float:
    assert frame.time is not None, "_timed lets no such frame through"
    return frame.time


def _nearest(
    path: Path, before: VideoFrame | None, after: VideoFrame | None, wanted: float, tolerance: float
) -> NDArray[np.uint8]:
    known = [frame for frame in (before, after) if frame is not None]
    best = min(known, key=lambda frame: abs(_at(frame) - wanted), default=None)
    if best is None or abs(_at(best) - wanted) > tolerance:
        last = "no frame at all" if best is None else f"the nearest frame is at {_at(best):.3f} s"
        raise DataError(f"{path} has no frame at {wanted:.3f} s: {last}")
    if best.is_corrupt:
        raise DataError(f"{path} is damaged at {wanted:.3f} s")
    return np.asarray(best.to_ndarray(format="rgb24"), np.uint8)
