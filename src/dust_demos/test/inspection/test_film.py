import base64

import cv2
import numpy as np

from dust_demos.inspection.film import strip, thumbnail


def test_a_strip_holds_the_pictures_side_by_side():
    colours = [(0, 0, 255), (0, 255, 0), (255, 0, 0)]
    pictures = [np.full((36, 64, 3), colour, np.uint8) for colour in colours]
    pictures[1] = pictures[1][:18]  # other shape: padded, not stretched
    kind, data = strip(pictures, width=50).split(";base64,")
    assert kind == "data:image/jpeg"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (28, 3 * 50 + 2 * 2, 3)
    for place, colour in enumerate(colours):
        np.testing.assert_allclose(shown[7, place * 52 + 25], colour, atol=8)
    assert shown[24, 52 + 25].min() > 240


def test_a_thumbnail_is_small_and_grey():
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[:, 80:] = 200
    small = thumbnail(picture)
    assert small.shape == (9, 16)
    np.testing.assert_allclose(small[:, :8], 0)
    np.testing.assert_allclose(small[:, 8:], 200)
