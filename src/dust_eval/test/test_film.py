"""Tests of dust_eval.film: what was published is on the film."""

import cv2
import numpy as np
from sensor_msgs.msg import Image

from dust_eval.film import STILLS, Film
from dust_node.qos import RELIABLE


def image(shade):
    pixels = np.full((36, 70, 4), shade, np.uint8)
    padded = np.zeros((36, 300), np.uint8)
    padded[:, :280] = pixels.reshape(36, 280)
    return Image(height=36, width=70, step=300, encoding="bgra8", data=padded.tobytes())


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


def test_nothing_recorded_writes_nothing(probe, tmp_path):
    film = Film(probe.node, "image", rate=15.0)
    film.close(tmp_path / "trial.mp4")
    assert list(tmp_path.iterdir()) == []
