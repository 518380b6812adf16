"""Raw images become what image_transport would have published."""

from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore

from dust_demos.recording.pressing import COMPRESSED, RAW, Press

STORE = get_typestore(Stores.ROS2_JAZZY)
PIXELS = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (36, 64, 3), "uint8"), (9, 9), 5
)
CODES = {
    "bgr8": None,
    "rgb8": cv2.COLOR_BGR2RGB,
    "bgra8": cv2.COLOR_BGR2BGRA,
    "rgba8": cv2.COLOR_BGR2RGBA,
    "mono8": cv2.COLOR_BGR2GRAY,
}


def image(pixels: np.ndarray, encoding: str, *, padding: int = 0, **fields: Any) -> bytes:
    """Return an image in CDR, with bytes behind each row that are none of it."""
    rows = pixels.reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    types = STORE.types
    header = types["std_msgs/msg/Header"](
        types["builtin_interfaces/msg/Time"](5, 7), "camera_frame"
    )
    values = {
        "header": header,
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": encoding,
        "is_bigendian": 0,
        "step": rows.shape[1],
        "data": rows.reshape(-1),
    }
    return bytes(STORE.serialize_cdr(types[RAW](**{**values, **fields}), RAW))


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("encoding", list(CODES))
def test_png_gives_back_every_pixel(encoding: str, padding: int) -> None:
    code = CODES[encoding]
    pixels = PIXELS if code is None else cv2.cvtColor(PIXELS, code)
    data = Press(image_format="png").press(image(pixels, encoding, padding=padding))
    message: Any = STORE.deserialize_cdr(data, COMPRESSED)
    expected = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if encoding == "mono8" else PIXELS
    np.testing.assert_array_equal(cv2.imdecode(message.data, cv2.IMREAD_COLOR), expected)
    kind = "mono8" if encoding == "mono8" else "bgr8"
    assert message.format == f"{encoding}; png compressed {kind}"
    assert message.header.stamp.nanosec == 7
    assert message.header.frame_id == "camera_frame"


def test_jpeg_comes_close_and_quality_counts() -> None:
    good, poor = (Press(quality=quality).press(image(PIXELS, "bgr8")) for quality in (95, 20))
    assert len(poor) < len(good)
    message: Any = STORE.deserialize_cdr(good, COMPRESSED)
    found = cv2.imdecode(message.data, cv2.IMREAD_COLOR).astype(int)
    assert np.abs(found - PIXELS).mean() < 3


@pytest.mark.parametrize(
    ("encoding", "fields", "told"),
    [
        ("16UC1", {}, "image encoding '16UC1' cannot be compressed: use one of"),
        ("bgr8", {"step": 100}, "with rows of 100 bytes does not fit"),
        ("bgr8", {"height": 1000}, "does not fit its 6912 bytes of data"),
        ("bgr8", {"height": 0}, "image of 64x0"),
    ],
)
def test_images_that_are_none_are_told(encoding: str, fields: dict[str, int], told: str) -> None:
    press = Press()
    with pytest.raises(ValueError, match=r"cannot be compressed|does not fit") as error:
        press.submit(image(PIXELS, encoding, **fields)).result()
    assert told in str(error.value)
    press.close()
