"""NumPy and cv_bridge give the same pixels."""

import importlib.util
import sys
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from dust_perception.images import read_compressed, read_raw
from dust_perception.readers import BridgeUnavailableError, bridge_reader, make_reader

HAS_BRIDGE = importlib.util.find_spec("cv_bridge") is not None
SHAPES = {"bgra8": 4, "bgr8": 3, "rgba8": 4, "rgb8": 3, "mono8": 1}


def raw_message(encoding: str) -> Image:
    """Make a message with random pixels and padded rows."""
    channels = SHAPES[encoding]
    step = 6 * channels + 8
    data = np.random.default_rng(1).integers(0, 256, 4 * step, dtype=np.uint8).tobytes()
    return Image(height=4, width=6, encoding=encoding, step=step, data=data)


def png_message() -> CompressedImage:
    """Make a compressed message without loss."""
    pixels = np.random.default_rng(2).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return CompressedImage(format="png", data=cv2.imencode(".png", pixels)[1].tobytes())


def fake_bridge(monkeypatch: pytest.MonkeyPatch, bridge: Any) -> None:
    """Put a module named cv_bridge in place."""
    module = ModuleType("cv_bridge")
    module.CvBridge = bridge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv_bridge", module)


class WorkingBridge:
    """Behaves as cv_bridge documents: grey images lose their channel axis."""

    def imgmsg_to_cv2(self, message: Image, desired_encoding: str) -> np.ndarray:
        """Return pixels as they are."""
        assert desired_encoding == "passthrough"
        return read_raw(message).pixels.squeeze()

    def compressed_imgmsg_to_cv2(self, message: CompressedImage, desired_encoding: str) -> Any:
        """Return bgr8."""
        assert desired_encoding == "bgr8"
        return read_compressed(message).pixels


def test_numpy_is_chosen_where_cv_bridge_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    assert make_reader("raw") == (read_raw, "numpy")
    assert make_reader("compressed") == (read_compressed, "numpy")


def test_cv_bridge_that_is_asked_for_and_absent_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    with pytest.raises(BridgeUnavailableError, match=r"apt install .*image_reader to numpy"):
        make_reader("raw", "cv_bridge")


def test_cv_bridge_that_is_broken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise AttributeError("_ARRAY_API not found")

    fake_bridge(monkeypatch, broken)
    assert make_reader("raw")[1] == "numpy"
    with pytest.raises(BridgeUnavailableError, match="_ARRAY_API not found"):
        make_reader("raw", "cv_bridge")


def test_a_working_cv_bridge_is_chosen_unless_numpy_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_bridge(monkeypatch, WorkingBridge)
    assert make_reader("raw")[1] == "cv_bridge"
    assert make_reader("raw", "numpy")[1] == "numpy"


@pytest.mark.parametrize("encoding", SHAPES)
def test_adapter_keeps_shape_and_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    fake_bridge(monkeypatch, WorkingBridge)
    check_same_raw(encoding)


def test_adapter_refuses_the_same_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_bridge(monkeypatch, WorkingBridge)
    with pytest.raises(ValueError, match="'16UC1' is not supported"):
        bridge_reader("raw")(Image(height=1, width=1, encoding="16UC1", step=2, data=bytes(2)))


@pytest.mark.skipif(
    not HAS_BRIDGE, reason="cv_bridge is not installed (it comes with ROS from apt)"
)
@pytest.mark.parametrize("encoding", SHAPES)
def test_real_cv_bridge_gives_the_same_pixels(encoding: str) -> None:
    check_same_raw(encoding)


@pytest.mark.skipif(
    not HAS_BRIDGE, reason="cv_bridge is not installed (it comes with ROS from apt)"
)
def test_real_cv_bridge_decompresses_to_the_same_pixels() -> None:
    check_same_compressed()


def test_adapter_decompresses_to_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_bridge(monkeypatch, WorkingBridge)
    check_same_compressed()


def check_same_raw(encoding: str) -> None:
    """Compare both readers on one raw message."""
    message = raw_message(encoding)
    through_bridge, by_numpy = bridge_reader("raw")(message), read_raw(message)
    assert through_bridge.encoding == by_numpy.encoding == encoding
    np.testing.assert_array_equal(through_bridge.pixels, by_numpy.pixels)


def check_same_compressed() -> None:
    """Compare both readers on one compressed message."""
    message = png_message()
    through_bridge, by_numpy = bridge_reader("compressed")(message), read_compressed(message)
    assert through_bridge.encoding == by_numpy.encoding
    np.testing.assert_array_equal(through_bridge.pixels, by_numpy.pixels)
