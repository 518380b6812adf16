"""Camera messages and an instruction to VLM features."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from dust_perception.images import Picture, to_rgb
from dust_perception.readers import Reader


class Transform(Protocol):
    """Crop, resize and normalisation, as the model was trained with."""

    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Crop and resize uint8 [height, width, channels] to [S, S, channels]."""

    def normalise(self, image: NDArray[np.uint8]) -> torch.Tensor:
        """Scale uint8 RGB [S, S, 3] to float [3, S, S]."""


class Backbone(Protocol):
    """The vision-language part of a checkpoint."""

    @property
    def transform(self) -> Transform:
        """Preprocessing of this checkpoint."""

    def encode(self, pixels: torch.Tensor, instruction: str) -> Any:
        """Turn pixels [views, 3, S, S] into features, mask and embedding."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Result of one encoding, ready to travel.

    Attributes:
        features: VLM features [tokens, width], float16 or float32.
        mask: True for real tokens, False for padding, [tokens].
        embedding: Pooled vision tokens of the primary view [world_tokens, vision_width].
        start_ns: When preprocessing began, by the node clock.
        encode_ns: When the network began.
        end_ns: When the result was there.
    """

    features: NDArray[Any]
    mask: NDArray[np.bool_]
    embedding: NDArray[Any]
    start_ns: int
    encode_ns: int
    end_ns: int


class Encoder:
    """Decode, crop, resize, normalise, encode.

    Images are resized before the colour conversion, which then touches few pixels; both orders give
    the same result because each channel is resized by itself.
    """

    def __init__(
        self,
        backbone: Backbone,
        views: Sequence[str],
        read: Reader,
        *,
        feature_dtype: str,
        clock: Callable[[], int],
    ) -> None:
        """Set up for one checkpoint.

        Args:
            backbone: Vision-language part of the checkpoint.
            views: Names of the views in the order in which the model sees them.
            read: Turns a camera message into a picture.
            feature_dtype: "float16" or "float32": element type of features and embedding.
            clock: Returns the node clock's time. Unit: ns.
        """
        self._backbone = backbone
        self._views = tuple(views)
        self._read = read
        self._dtype = {"float16": torch.float16, "float32": torch.float32}[feature_dtype]
        self._clock = clock

    def encode(self, messages: Mapping[str, Any], instruction: str) -> Encoding:
        """Encode one message per view.

        Raises:
            ValueError: A message cannot be read; the text names the view.
        """
        start_ns = self._clock()
        pixels = torch.stack([self._prepare(view, messages[view]) for view in self._views])
        encode_ns = self._clock()
        encoded = self._backbone.encode(pixels, instruction)
        features, embedding = self._to_numpy(encoded.features), self._to_numpy(encoded.embedding)
        mask = torch.as_tensor(encoded.mask).to("cpu", torch.bool).numpy()
        return Encoding(features, mask, embedding, start_ns, encode_ns, self._clock())

    def warm_up(self, instruction: str) -> None:
        """Encode black images once: the first inference allocates and is slow."""
        black = np.zeros((64, 64, 3), dtype=np.uint8)
        frame = self._backbone.transform.normalise(self._backbone.transform.resize(black))
        pixels = torch.stack([torch.as_tensor(frame)] * len(self._views))
        self._backbone.encode(pixels, instruction)

    def _prepare(self, view: str, message: Any) -> torch.Tensor:
        """Return the view's pixels as the network wants them, float [3, S, S]."""
        try:
            picture = self._read(message)
        except ValueError as error:
            raise ValueError(f"view {view}: {error}") from error
        small = Picture(self._backbone.transform.resize(picture.pixels), picture.encoding)
        return torch.as_tensor(self._backbone.transform.normalise(to_rgb(small)))

    def _to_numpy(self, tensor: Any) -> NDArray[Any]:
        return torch.as_tensor(tensor).to("cpu", self._dtype).numpy()
