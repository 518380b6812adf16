"""Tests of dust_eval.film: what was published is on the film."""

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from dust_eval.film import STILLS, Film, write_still, write_strip
from dust_node.qos import RELIABLE


def image(shade):
    pixels = np.full((36, 70, 4), shade, np.uint8)
    padded = np.zeros((36, 300), np.uint8)
    padded[:, :280] = pixels.reshape(36, 280)
    return Image(height=36, width=70, step=300, encoding="bgra8", data=padded.tobytes())


def jpeg(shade):
    return cv2.imencode(".jpg", np.full((36, 64, 3), shade, np.uint8))[1]


def test_frames_reach_the_file(probe, tmp_path):
    publisher = probe.node.create_publisher(Image, "image", RELIABLE)
    film = Film(probe.node, "image", rate=15.0)
    sent = 0

    def twenty_on_film():
        nonlocal sent
        if sent == film.frames:
            publisher.publish(image(sent * 10))
            sent += 1
        return film.frames >= 20

    probe.wait(twenty_on_film, timeout_sec=10.0)
    path = tmp_path / "films" / "trial.mp4"
    film.close(path)
    video = cv2.VideoCapture(str(path))
    shades = []
    while True:
        ok, frame = video.read()
        if not ok:
            break
        shades.append(float(frame.mean()))
    assert len(shades) >= 20
    np.testing.assert_allclose(shades[:20], np.arange(20) * 10, atol=8)
    strip = cv2.imread(str(path.with_suffix(".png")))
    assert strip.shape == (2 * 180, STILLS // 2 * 320, 3)


def test_frames_in_between_are_left_out(probe):
    publisher = probe.node.create_publisher(Image, "image", RELIABLE)
    film = Film(probe.node, "image", rate=2.0, interval_sec=0.4)
    begun = probe.node.get_clock().now().nanoseconds

    def three_on_film():
        publisher.publish(image(0))
        return film.frames >= 3

    probe.wait(three_on_film, timeout_sec=10.0)
    assert (probe.node.get_clock().now().nanoseconds - begun) * 1e-9 >= 0.8
    assert len(film.take()) == 3


def test_nothing_recorded_writes_nothing(probe, tmp_path):
    film = Film(probe.node, "image", rate=15.0)
    film.close(tmp_path / "trial.mp4")
    write_strip(tmp_path / "strip.png", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cameras", [1, 2, 3])
def test_a_strip_shows_each_camera_from_begin_to_end(tmp_path, cameras):
    films = [[jpeg(shade) for shade in range(0, 250, 5)] for _ in range(cameras)]
    write_strip(tmp_path / "deep" / "strip.png", *films)
    strip = cv2.imread(str(tmp_path / "deep" / "strip.png"))
    shape = (2 * 180, 4 * 320) if cameras == 1 else (cameras * 135, STILLS * 240)
    assert strip.shape[:2] == shape
    assert strip[0, 0].mean() < 8
    assert strip[-1, -1].mean() > 240


def test_a_caption_stands_above_a_strip(tmp_path):
    film = [jpeg(0)] * 3
    write_strip(tmp_path / "plain.png", film)
    write_strip(tmp_path / "told.png", film, caption="box_to_bowl: success")
    plain, told = (cv2.imread(str(tmp_path / f"{n}.png")) for n in ("plain", "told"))
    line = told[: len(told) - len(plain)]
    np.testing.assert_array_equal(told[len(line) :], plain)
    assert 0.01 < (line < 128).mean() < 0.2


def test_a_still_is_written_as_it_was_recorded(tmp_path):
    write_still(tmp_path / "starts" / "a.jpg", jpeg(100))
    assert cv2.imread(str(tmp_path / "starts" / "a.jpg")).mean() == pytest.approx(100, abs=2)
