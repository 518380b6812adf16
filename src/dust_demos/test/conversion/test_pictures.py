import cv2
import numpy as np
import pytest

from dust_demos.conversion.pictures import read_picture, scaled
from dust_perception.images import Picture, read_compressed, read_raw, to_rgb

random = np.random.default_rng(0)


def live_rgb(message):
    read = read_raw if hasattr(message, "encoding") else read_compressed
    picture: Picture = read(message)
    return to_rgb(picture)


def raw(make, encoding, channels, *, padding=0):
    height, width = 6, 8
    step = width * channels + padding
    return make.message(
        "sensor_msgs/msg/Image",
        header=make.header(1),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=step,
        data=random.integers(0, 256, height * step, dtype=np.uint8),
    )


@pytest.mark.parametrize(
    ("encoding", "channels"), [("bgra8", 4), ("bgr8", 3), ("rgba8", 4), ("rgb8", 3), ("mono8", 1)]
)
@pytest.mark.parametrize("padding", [0, 5])
def test_raw_images_are_what_perception_sees(make, encoding, channels, padding):
    message = raw(make, encoding, channels, padding=padding)
    np.testing.assert_array_equal(read_picture(message)[..., ::-1], live_rgb(message))


@pytest.mark.parametrize("form", [".jpg", ".png"])
def test_compressed_images_are_what_perception_sees(make, form):
    pixels = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    data = cv2.imencode(form, pixels)[1].ravel()
    message = make.message(
        "sensor_msgs/msg/CompressedImage", header=make.header(1), format=form, data=data
    )
    np.testing.assert_array_equal(read_picture(message)[..., ::-1], live_rgb(message))


def test_images_that_do_not_decode(make):
    broken = make.message(
        "sensor_msgs/msg/CompressedImage",
        header=make.header(1),
        format="jpeg",
        data=np.arange(9, dtype=np.uint8),
    )
    with pytest.raises(ValueError, match=r"^an image of 9 bytes, 'jpeg', does not decode$"):
        read_picture(broken)
    strange = raw(make, "bgr8", 3)
    strange.encoding = "32FC1"
    with pytest.raises(ValueError, match=r"^image encoding '32FC1' is not one of bgr8"):
        read_picture(strange)
    short = raw(make, "bgr8", 3)
    short.height = 99
    with pytest.raises(ValueError, match=r"^an image of 8x99 bgr8 has 144 bytes in rows of 24$"):
        read_picture(short)


def test_scaling():
    pixels = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert scaled(pixels, None) is pixels
    assert scaled(pixels, (30, 20)) is pixels
    half = scaled(pixels, (15, 10))
    mean = pixels.reshape(10, 2, 15, 2, 3).mean((1, 3))
    assert np.abs(half - mean).max() <= 1
