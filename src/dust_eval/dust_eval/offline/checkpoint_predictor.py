"""A checkpoint as what is checked: preprocessing and sampling as the nodes do them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dust_eval.offline.predictor import Views
from dust_model.checkpoint import Checkpoint

Array = NDArray[np.float64]


class CheckpointPredictor:
    """Images, state and instruction through a checkpoint's networks; see Predictor.

    Args:
        checkpoint: What is checked.
        action_steps: Denoising steps of the actions, N_A.
        vision_steps: Denoising steps of the vision, N_o.
        device: Device of the networks.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        action_steps: int = 4,
        vision_steps: int = 4,
        device: str = "cpu",
    ) -> None:
        self._names = checkpoint.robot.views
        self._backbone = checkpoint.backbone(device=device)
        self._policy = checkpoint.policy(device=device)
        self._action_steps, self._vision_steps = action_steps, vision_steps

    def predict(
        self, views: Views, state: Array, instruction: str, *, seeds: Sequence[int]
    ) -> Array:
        """Return a chunk per seed [seeds, K, A], raw units."""
        transform = self._backbone.transform
        pixels = [transform.normalise(transform.resize(views[name])) for name in self._names]
        encoded = self._backbone.encode(torch.stack(pixels), instruction)
        samples = self._policy.sample_batch(
            encoded.features,
            encoded.mask,
            state,
            seeds=seeds,
            action_steps=self._action_steps,
            vision_steps=self._vision_steps,
        )
        return np.stack([sample.actions for sample in samples])
