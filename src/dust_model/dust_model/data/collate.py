"""Samples -> Batch: the image transform and the normalisation that inference uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dust_model.actions import ActionNormaliser
from dust_model.config import require
from dust_model.data.augment import Augmentation, Draw
from dust_model.data.sample import Sample
from dust_model.robot import RobotSpec
from dust_model.statistics import ColumnStatistics, Normaliser
from dust_model.transform import ImageTransform


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """B samples as the network takes them.

    Attributes:
        views_pixels: float32 [B, V, 3, S, S] in [-1, 1], views in the robot's order; None if the
            samples come encoded.
        instructions: B texts.
        state: float32 [B, state_dim], normalised; 0 in columns that the robot does not fill.
        actions: float32 [B, horizon, action_dim], normalised; 0 in such columns.
        action_mask: bool [B, horizon, action_dim], True where the loss counts.
        future_pixels: float32 [B, 3, S, S] in [-1, 1], the primary view in the future, with the
            same crop and colours as that view now; None if the samples have none.
        embodiment: int64 [B], slot of the encoders and decoders.
        keys: B names of the samples within their dataset.
        hidden: B token rows [T_i, text_width] of samples that come encoded, else None.
        future_embedding: their raw future embeddings, [B, world_tokens, vision_width], else None.
    """

    views_pixels: Tensor | None
    instructions: list[str]
    state: Tensor
    actions: Tensor
    action_mask: Tensor
    future_pixels: Tensor | None
    embodiment: Tensor
    keys: list[str]
    hidden: list[Tensor] | None = None
    future_embedding: Tensor | None = None

    def __len__(self) -> int:
        return len(self.instructions)

    def to(self, device: str | torch.device, *, non_blocking: bool = False) -> Batch:
        """Return the batch with every tensor on `device`."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Return the batch in pinned memory; a DataLoader with pin_memory=True calls this."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        return Batch(**values | {name: change(tensor) for name, tensor in tensors.items()})


def interleave(parts: Sequence[Batch]) -> Batch:
    """Return one batch out of equally large ones, row i from part i % len(parts)."""
    sizes = [len(part) for part in parts]
    require(len(set(sizes)) == 1, f"parts must be equally large, got {sizes}")
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, Any] = {}
    for field in fields(Batch):
        values = [getattr(part, field.name) for part in parts]
        if isinstance(values[0], Tensor):
            joined[field.name] = torch.stack(values, dim=1).flatten(0, 1)
        elif values[0] is not None:
            joined[field.name] = [item for row in zip(*values, strict=True) for item in row]
        else:
            joined[field.name] = None
    return Batch(**joined)


class Collator:
    """Makes batches; the `collate_fn` of a DataLoader, picklable for its workers.

    Args:
        robot: its views, horizon and columns are what every sample must have.
        state: statistics that normalise states.
        action: statistics that normalise actions.
        image_size: pixels along a side of the model's images, S.
        augmentation: random crop and colours of training; None is inference's transform.
        state_columns: columns of Batch.state, the rest 0; None takes the robot's.
        action_columns: columns of Batch.actions, the rest 0 and masked; None takes the robot's.
    """

    def __init__(
        self,
        robot: RobotSpec,
        *,
        state: ColumnStatistics,
        action: ColumnStatistics,
        image_size: int,
        augmentation: Augmentation | None = None,
        state_columns: int | None = None,
        action_columns: int | None = None,
    ) -> None:
        self._robot = robot
        self._state, self._action = Normaliser(state), ActionNormaliser(action)
        self._transform = ImageTransform(image_size)
        self._augmentation = augmentation
        self._state_pad = _room(self._state, robot.state_dim, state_columns, "state")
        self._action_pad = _room(self._action, robot.action_dim, action_columns, "action")

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Return the batch of `samples`.

        Raises:
            ValueError: there is no sample, or one does not fit the robot; it is named.
        """
        require(bool(samples), "a batch needs at least one sample")
        for sample in samples:
            self._check(sample)
        pad = (0, self._action_pad)
        masks = np.stack([sample.action_mask for sample in samples])
        return Batch(
            instructions=[sample.instruction for sample in samples],
            state=F.pad(self._states(samples), (0, self._state_pad)),
            actions=F.pad(self._actions(samples), pad),
            action_mask=F.pad(torch.from_numpy(masks), pad, value=False),
            embodiment=torch.tensor([sample.embodiment for sample in samples]),
            keys=[sample.key for sample in samples],
            **self._seen(samples),
        )

    def _seen(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """Return what the samples show: pixels, or what was made of them."""
        encoded = [sample.encoded for sample in samples if sample.encoded is not None]
        if len(encoded) == len(samples):
            return {
                "views_pixels": None,
                "future_pixels": None,
                # Copies: a worker would send the whole run that a row is cut from.
                "hidden": [moment.hidden.clone() for moment in encoded],
                "future_embedding": torch.stack([moment.future for moment in encoded]),
            }
        images = [self._images(sample) for sample in samples]
        views = len(self._robot.views)
        complete = all(sample.future is not None for sample in samples)
        return {
            "views_pixels": torch.stack([image[:views] for image in images]),
            "future_pixels": torch.stack([image[views] for image in images]) if complete else None,
        }

    def _states(self, samples: Sequence[Sample]) -> Tensor:
        return torch.from_numpy(self._state.normalise(np.stack([s.state for s in samples])))

    def _actions(self, samples: Sequence[Sample]) -> Tensor:
        actions = np.stack([sample.actions for sample in samples])
        states = np.stack([sample.state for sample in samples])
        return torch.from_numpy(self._action.normalise(actions, states))

    def _images(self, sample: Sample) -> Tensor:
        """Return the sample's views and then its future view if it has one, [V or V+1, 3, S, S]."""
        draw = self._augmentation.draw(sample.seed) if self._augmentation else None
        images = [sample.views[name] for name in self._robot.views]
        if sample.future is not None:
            images.append(sample.future)
        return torch.stack([self._pixels(image, draw) for image in images])

    def _pixels(self, image: NDArray[np.uint8], draw: Draw | None) -> Tensor:
        if draw is None:
            return self._transform.normalise(self._transform.resize(image))
        resized = self._transform.resize(image, place=draw.place)
        return self._transform.normalise(draw.colour(resized))

    def _check(self, sample: Sample) -> None:
        where = f"sample {sample.key or '(unnamed)'}"
        robot = self._robot
        seen = robot.views if sample.encoded is None else ()
        missing = [name for name in seen if name not in sample.views]
        require(not missing, f"{where} lacks the view {', '.join(missing)}")
        expected = (robot.horizon, robot.action_dim)
        require(
            sample.actions.shape == expected,
            f"{where}: actions must be {list(expected)}, got {list(sample.actions.shape)}",
        )
        require(
            sample.state.shape == (robot.state_dim,),
            f"{where}: state must be [{robot.state_dim}], got {list(sample.state.shape)}",
        )
        finite = np.isfinite(sample.state).all() and np.isfinite(sample.actions).all()
        require(bool(finite), f"{where}: state or actions are not finite")


def _room(
    normaliser: Normaliser | ActionNormaliser, measured: int, columns: int | None, kind: str
) -> int:
    """Return how many columns of padding bring the robot's to `columns`."""
    require(
        normaliser.columns == measured,
        f"statistics have {normaliser.columns} {kind} columns, the robot {measured}",
    )
    padding = 0 if columns is None else columns - measured
    require(padding >= 0, f"the robot has {measured} {kind} columns, the head only {columns}")
    return padding
