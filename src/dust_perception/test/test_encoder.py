"""Messages to features, with a stand-in for the network."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from sensor_msgs.msg import Image

from dust_perception.encoder import Encoder
from dust_perception.images import read_raw


@dataclass
class FakeEncoded:
    """What the network gives back."""

    features: torch.Tensor
    mask: torch.Tensor
    embedding: torch.Tensor


class FakeTransform:
    """Takes the middle 4x4 pixels and scales to 0..1."""

    def resize(self, image: np.ndarray) -> np.ndarray:
        """Crop."""
        return image[:4, :4]

    def normalise(self, image: np.ndarray) -> torch.Tensor:
        """Scale."""
        return torch.from_numpy(image.transpose(2, 0, 1) / np.float32(255))


class FakeBackbone:
    """Hands its input back as features: one token per view and channel."""

    def __init__(self) -> None:
        self.transform = FakeTransform()
        self.calls: list[tuple[torch.Tensor, str]] = []

    def encode(self, pixels: torch.Tensor, instruction: str) -> Any:
        """Remember the input."""
        self.calls.append((pixels, instruction))
        tokens = pixels.reshape(-1, 16)
        return FakeEncoded(tokens, torch.ones(len(tokens), dtype=torch.bool), tokens[:2])


def image(value: int, encoding: str = "bgr8") -> Image:
    """Make an image of one colour, blue = value, green = 0, red = 2 * value."""
    pixels = np.tile(np.array([value, 0, 2 * value], dtype=np.uint8), (6, 8, 1))
    return Image(height=6, width=8, encoding=encoding, step=24, data=pixels.tobytes())


def make_encoder(backbone: FakeBackbone, feature_dtype: str = "float16") -> Encoder:
    """Make an encoder whose clock counts calls."""
    ticks = count(100)
    return Encoder(
        backbone,
        ("wrist", "side"),
        read_raw,
        feature_dtype=feature_dtype,
        clock=lambda: next(ticks),
    )


def test_views_are_stacked_in_the_model_s_order_as_rgb() -> None:
    backbone = FakeBackbone()
    make_encoder(backbone).encode({"side": image(50), "wrist": image(10)}, "put it there")
    pixels, instruction = backbone.calls[0]
    assert instruction == "put it there"
    assert pixels.shape == (2, 3, 4, 4)
    colours = (pixels[:, :, 0, 0] * 255).round().to(int).tolist()
    assert colours == [[20, 0, 10], [100, 0, 50]]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_results_have_the_asked_element_type(dtype: str) -> None:
    encoding = make_encoder(FakeBackbone(), dtype).encode(
        {"wrist": image(10), "side": image(50)}, "go"
    )
    assert encoding.features.dtype == encoding.embedding.dtype == np.dtype(dtype)
    assert encoding.mask.dtype == np.bool_
    assert encoding.features.shape == (6, 16)


def test_stages_follow_each_other() -> None:
    encoding = make_encoder(FakeBackbone()).encode({"wrist": image(1), "side": image(2)}, "go")
    assert (encoding.start_ns, encoding.encode_ns, encoding.end_ns) == (100, 101, 102)


def test_an_unreadable_image_is_named_by_its_view() -> None:
    with pytest.raises(ValueError, match="view side: image encoding '16UC1'"):
        make_encoder(FakeBackbone()).encode({"wrist": image(1), "side": image(2, "16UC1")}, "go")


def test_warming_up_runs_the_network_once_with_all_views() -> None:
    backbone = FakeBackbone()
    make_encoder(backbone).warm_up("wait")
    assert [(tuple(pixels.shape), text) for pixels, text in backbone.calls] == [
        ((2, 3, 4, 4), "wait")
    ]
