"""Pixels out of camera messages."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_perception.images import CHANNELS, Picture, read_compressed, read_raw, to_rgb


@dataclass
class Raw:
    """Stand-in for sensor_msgs/Image."""

    height: int
    width: int
    encoding: str
    step: int
    data: bytes


@dataclass
class Compressed:
    """Stand-in for sensor_msgs/CompressedImage."""

    format: str
    data: bytes = field(repr=False)


def pack(pixels: np.ndarray, encoding: str, *, padding: int = 0) -> Raw:
    """Make a message whose rows end in bytes that belong to no pixel."""
    height, width, channels = pixels.shape
    rows = np.full((height, width * channels + padding), 0xAA, dtype=np.uint8)
    rows[:, : width * channels] = pixels.reshape(height, -1)
    return Raw(height, width, encoding, rows.shape[1], rows.tobytes())


RGB = np.random.default_rng(3).integers(0, 256, (5, 7, 3), dtype=np.uint8)
ALPHA = np.full((5, 7, 1), 255, dtype=np.uint8)
SAME_PICTURE = {
    "rgb8": RGB,
    "bgr8": RGB[..., ::-1],
    "rgba8": np.concatenate([RGB, ALPHA], axis=2),
    "bgra8": np.concatenate([RGB[..., ::-1], ALPHA], axis=2),
}


@pytest.mark.parametrize("padding", [0, 1, 12])
@pytest.mark.parametrize("encoding", SAME_PICTURE)
def test_every_colour_encoding_gives_the_same_rgb(encoding: str, padding: int) -> None:
    message = pack(SAME_PICTURE[encoding], encoding, padding=padding)
    np.testing.assert_array_equal(to_rgb(read_raw(message)), RGB)


def test_grey_is_repeated_in_all_channels() -> None:
    grey = RGB[..., :1]
    np.testing.assert_array_equal(to_rgb(read_raw(pack(grey, "mono8"))), np.repeat(grey, 3, axis=2))


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 5),
    encoding=st.sampled_from(sorted(CHANNELS)),
    seed=st.integers(0, 99),
)
def test_raw_pixels_survive_any_size_and_step(
    height: int, width: int, padding: int, encoding: str, seed: int
) -> None:
    shape = (height, width, CHANNELS[encoding])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(read_raw(pack(pixels, encoding, padding=padding)).pixels, pixels)


def test_raw_pixels_are_a_view_and_no_copy() -> None:
    data = bytearray(pack(RGB, "rgb8", padding=4).data)
    picture = read_raw(Raw(5, 7, "rgb8", 25, data))
    data[25] = 200
    assert picture.pixels[1, 0, 0] == 200


def test_resizing_before_colour_conversion_gives_the_same_as_after() -> None:
    rng = np.random.default_rng(0)
    bgra = rng.integers(0, 256, (360, 640, 4), dtype=np.uint8)
    first = to_rgb(Picture(cv2.resize(bgra, (112, 112), interpolation=cv2.INTER_AREA), "bgra8"))
    rgb = to_rgb(Picture(bgra, "bgra8"))
    np.testing.assert_array_equal(first, cv2.resize(rgb, (112, 112), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1", "bayer_rggb8", "yuv422", ""])
def test_other_encodings_are_refused_with_the_allowed_ones(encoding: str) -> None:
    with pytest.raises(ValueError, match=rf"encoding '{encoding}' is not supported.*bgra8"):
        read_raw(Raw(2, 2, encoding, 8, bytes(16)))


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (Raw(0, 2, "rgb8", 6, b""), "2x0"),
        (Raw(2, 2, "rgb8", 5, bytes(10)), "row of 5 bytes is too short.*need 6"),
        (Raw(2, 2, "rgb8", 6, bytes(11)), "11 bytes.*need 12"),
    ],
)
def test_messages_that_contradict_themselves_are_refused(message: Raw, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_raw(message)


def test_png_is_decoded_exactly() -> None:
    data = cv2.imencode(".png", RGB[..., ::-1])[1].tobytes()
    picture = read_compressed(Compressed("png", data))
    assert picture.encoding == "bgr8"
    np.testing.assert_array_equal(to_rgb(picture), RGB)


def test_jpeg_is_decoded_nearly() -> None:
    smooth = np.dstack(np.meshgrid(np.arange(0, 160, 2), np.arange(0, 120, 2))).astype(np.uint8)
    smooth = np.dstack([smooth, np.full_like(smooth[..., :1], 90)])
    data = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    picture = read_compressed(Compressed("bgra8; jpeg compressed bgr8", data))
    assert np.abs(picture.pixels.astype(int) - smooth).mean() < 3


@pytest.mark.parametrize("data", [b"", b"not an image", bytes(1000)])
def test_what_is_no_jpeg_or_png_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=f"{len(data)} bytes with format 'h264' does not decode"):
        read_compressed(Compressed("h264", data))
