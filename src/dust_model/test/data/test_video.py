import re

import av
import numpy as np
import pytest

from dust_model.data.faults import DataError
from dust_model.data.video import end_of, read_frames

CODECS = {
    "lossless": ("libx264rgb", "rgb24", {"qp": "0", "g": "5"}),
    "h264 out of order": ("libx264", "yuv420p", {"crf": "18", "g": "12", "bf": "3"}),
    "h264 open gop": (
        "libx264",
        "yuv420p",
        {"crf": "18", "x264-params": "open-gop=1:keyint=8:bframes=3:scenecut=0"},
    ),
    "av1 as lerobot": ("libsvtav1", "yuv420p", {"crf": "15", "g": "2", "preset": "8"}),
}
COUNT, FPS = 40, 15
TOLERANCE = 1 / 45


@pytest.fixture(scope="module", params=CODECS)
def video(request, tmp_path_factory, encode):
    """A video, and its frames as a plain decode from the start gives them."""
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    ramp = np.linspace(0, 60, 64).astype(np.uint8)
    frames = [np.dstack([ramp + 4 * i] * 3) * np.ones((48, 1, 1), np.uint8) for i in range(COUNT)]
    encode(path, frames, codec=CODECS[request.param], fps=FPS)
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(decoded) == COUNT
    brightness = np.array([frame.mean() for frame in frames])
    for index, frame in enumerate(decoded):
        assert np.argmin(np.abs(brightness - frame.mean())) == index
    return path, decoded


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("start", [0, 1, 7, 8, 9, 23, 39])
def test_any_run_of_frames_is_the_right_one(video, start, step):
    path, decoded = video
    wanted = range(start, min(start + 12, COUNT), step)
    seconds = [float(np.float32(i / FPS)) for i in wanted]
    found = read_frames(path, seconds, tolerance=TOLERANCE)
    assert len(found) == len(wanted)
    for frame, index in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(frame, decoded[index])


def test_the_end_is_known_without_decoding(video):
    assert end_of(video[0]) == pytest.approx(COUNT / FPS, abs=1e-3)


def test_no_times_no_frames(video):
    assert read_frames(video[0], [], tolerance=TOLERANCE) == []


def test_a_time_between_two_frames_is_refused(video):
    with pytest.raises(DataError, match=r"has no frame at 0\.233 s: the nearest frame is at 0\.2"):
        read_frames(video[0], [3.5 / FPS], tolerance=TOLERANCE)


def test_a_time_behind_the_end_is_refused(video):
    with pytest.raises(DataError, match=r"no frame at 2\.733 s: the nearest frame is at 2\.600 s"):
        read_frames(video[0], [39 / FPS, 41 / FPS], tolerance=TOLERANCE)


def test_missing_and_broken_files_are_one_line(tmp_path, encode):
    path = tmp_path / "video.mp4"
    with pytest.raises(DataError, match=f"^{re.escape(str(path))} is missing$"):
        end_of(path)
    path.write_bytes(b"this is no video at all" * 20)
    with pytest.raises(DataError, match="can't be decoded: Invalid data") as caught:
        read_frames(path, [0.0], tolerance=TOLERANCE)
    assert "\n" not in str(caught.value)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"video\.mp4"):
        end_of(path)


def test_a_damaged_frame_is_not_given_out(tmp_path, encode):
    path = tmp_path / "video.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    frames = [np.roll(noise, 3 * i, axis=1) for i in range(COUNT)]
    encode(path, frames, codec=("libx264", "yuv420p", {"crf": "23", "g": "12"}), fps=FPS)
    bits = bytearray(path.read_bytes())
    start = bits.index(b"mdat") + 8
    middle = start + (bits.rindex(b"moov") - start) // 2
    bits[middle : middle + 2000] = bytes(2000)
    path.write_bytes(bits)
    assert len(read_frames(path, [0.0, 1 / FPS], tolerance=TOLERANCE)) == 2  # before the damage
    with pytest.raises(DataError, match=r"video\.mp4 (is damaged at|can't be decoded)"):
        read_frames(path, [i / FPS for i in range(COUNT)], tolerance=TOLERANCE)
