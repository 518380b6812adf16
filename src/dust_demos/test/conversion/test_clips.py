import os
from itertools import pairwise

import av
import numpy as np
import pytest

from dust_demos.conversion import clips
from dust_demos.conversion.clips import ClipWriter, Codec, Encoding, join, require_encoder
from dust_model.data.video import end_of, read_frames

ENCODINGS = [Encoding(), Encoding(Codec.AV1, 30)]


def write(path, numbers, truth, encoding=ENCODINGS[0], fps=15):
    with ClipWriter(path, fps, encoding) as clip:
        for number in numbers:
            clip.write(truth.picture("side", number))
    return path, clip.frames


def policies():
    return {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")}


def packets(path):
    with av.open(str(path)) as container:
        return [p for p in container.demux(video=0) if p.dts is not None]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.codec)
def test_frames_come_back_in_order_and_look_the_same(tmp_path, truth, encoding):
    path, _ = write(tmp_path / "a.mp4", range(20), truth, encoding)
    frames = read_frames(path, [i / 15 for i in range(20)], tolerance=1e-4)
    for number, frame in enumerate(frames):
        assert truth.number_in(frame) == number
        assert np.abs(frame.astype(int) - truth.picture("side", number)[..., ::-1]).mean() < 6


def test_colours_are_kept(tmp_path):
    colours = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (128, 128, 128), (255, 255, 255)]
    with ClipWriter(tmp_path / "a.mp4", 15, Encoding(Codec.H264, 10)) as clip:
        for colour in colours:
            clip.write(np.full((32, 48, 3), colour[::-1], np.uint8))
    frames = read_frames(tmp_path / "a.mp4", [i / 15 for i in range(5)], tolerance=1e-4)
    for colour, frame in zip(colours, frames, strict=True):
        assert np.abs(frame.reshape(-1, 3).mean(0) - colour).max() < 6


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.codec)
def test_no_thread_becomes_a_real_time_thread(tmp_path, truth, encoding):
    """As root, SVT-AV1 makes its own and the calling one such; so were all nodes started later."""
    # Another module's threads may live here, too, with a policy of their own.
    before = policies()
    with ClipWriter(tmp_path / "a.mp4", 15, encoding) as clip:
        for number in range(3):
            clip.write(truth.picture("side", number))
        assert policies() == before


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.codec)
def test_every_second_frame_is_a_key_frame_and_none_refers_ahead(tmp_path, truth, encoding):
    path, _ = write(tmp_path / "a.mp4", range(9), truth, encoding)
    found = packets(path)
    keys = [i for i, packet in enumerate(found) if packet.is_keyframe]
    assert keys[0] == 0
    assert all(b - a <= 2 for a, b in pairwise(keys))
    assert all(packet.pts == packet.dts for packet in found)
    assert [float(p.pts * p.time_base) for p in found] == pytest.approx([i / 15 for i in range(9)])


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.codec)
def test_the_same_pictures_give_the_same_bytes(tmp_path, truth, encoding):
    first, _ = write(tmp_path / "a.mp4", range(9), truth, encoding)
    second, _ = write(tmp_path / "b.mp4", range(9), truth, encoding)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("fps", [15, 30, 12.5])
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.codec)
def test_joined_clips_are_frame_for_frame_what_they_were(tmp_path, truth, encoding, fps):
    clips = [
        write(tmp_path / f"{start}.mp4", range(start, stop), truth, encoding, fps)
        for start, stop in ((0, 7), (40, 48), (100, 101), (200, 210))
    ]
    join(clips, tmp_path / "out" / "all.mp4", fps)
    apart = [
        frame
        for path, count in clips
        for frame in read_frames(path, [i / fps for i in range(count)], tolerance=1e-4)
    ]
    times = [i / fps for i in range(len(apart))]
    together = read_frames(tmp_path / "out" / "all.mp4", times, tolerance=1e-4)
    np.testing.assert_array_equal(together, apart)
    assert end_of(tmp_path / "out" / "all.mp4") == pytest.approx(len(apart) / fps, abs=1e-3)


def test_an_encoder_that_is_not_there_is_named(monkeypatch):
    require_encoder(Codec.AV1)
    monkeypatch.setattr(av, "codecs_available", {"libx264"})
    with pytest.raises(ValueError, match=r"^--codec av1: PyAV has no libsvtav1 here"):
        require_encoder(Codec.AV1)


def test_what_the_processor_can_do_changes_no_byte(tmp_path, truth, monkeypatch):
    first, _ = write(tmp_path / "a.mp4", range(9), truth)
    name, options = clips._ENCODERS[Codec.H264]
    plain = options | {"x264-params": f"asm=0:{options['x264-params']}"}
    monkeypatch.setitem(clips._ENCODERS, Codec.H264, (name, plain))
    second, _ = write(tmp_path / "b.mp4", range(9), truth)
    assert first.read_bytes() == second.read_bytes()


def test_sizes_that_can_not_be_stored(tmp_path):
    def attempt(name, *sizes):
        with ClipWriter(tmp_path / name, 15, Encoding()) as clip:
            for width, height in sizes:
                clip.write(np.zeros((height, width, 3), np.uint8))

    with pytest.raises(ValueError, match=r"^images of 31x20 have an odd side: give an even"):
        attempt("a.mp4", (31, 20))
    with pytest.raises(ValueError, match=r"^an image is 40x20, the ones before it 32x20$"):
        attempt("b.mp4", (32, 20), (40, 20))
