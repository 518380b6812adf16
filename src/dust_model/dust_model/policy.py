"""The head ready to run: features and robot state in, raw actions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from dust_model.config import TargetScale, require
from dust_model.graphs import RecordedSampler
from dust_model.head import Head
from dust_model.layout import arrange_for_inference
from dust_model.robot import RobotSpec
from dust_model.sampler import Sampler, draw_noise
from dust_model.schedule import fitting_plan
from dust_model.statistics import ChannelStatistics, Normaliser, Statistics


class Sample(NamedTuple):
    """One drawn chunk.

    Attributes:
        actions: [horizon, action_dim], float64: joint positions in rad, gripper in [0, 1]. Action i
            is due i periods after the observation. Columns scaled by min_max or q99 lie inside the
            range of the statistics, whatever the network says.
        embedding: predicted future embedding of the primary view, float32 [world_tokens,
            vision_width], in the raw scale of the vision tower; None if it was not wanted, in
            policy mode, and from a head that predicts no vision.
    """

    actions: NDArray[np.float64]
    embedding: NDArray[np.float32] | None


class Policy:
    """A frozen head with the normalisation of its data.

    Args:
        head: the network; its weights must not change any more.
        statistics: of the data that it was trained on.
        robot: what it was trained for.
        recorded: sample from recordings (see graphs.py): CUDA graphs on a GPU. The first chunk
            with other step counts, or with features of another length, takes longer then.
    """

    def __init__(
        self, head: Head, statistics: Statistics, robot: RobotSpec, *, recorded: bool = True
    ) -> None:
        self._head = head.eval().requires_grad_(False)
        arrange_for_inference(head)
        self._robot = robot
        self._sampler = RecordedSampler(head) if recorded else Sampler(head)
        self._state = Normaliser(statistics.state)
        self._action = Normaliser(statistics.action)
        self._embedding = statistics.embedding

    def sample(
        self,
        features: Tensor | ArrayLike,
        mask: Tensor | ArrayLike,
        state: ArrayLike,
        *,
        action_steps: int = 4,
        vision_steps: int = 4,
        seed: int = 0,
        prefix: ArrayLike | None = None,
        future: bool = True,
    ) -> Sample:
        """Draw one chunk for one observation.

        Args:
            features: vision-language features [T, width], any float dtype.
            mask: True where a token is real, bool [T].
            state: joint positions in rad and gripper opening in [0, 1], shape [state_dim].
            action_steps: denoising steps of the actions, N_A, in 1..1024.
            vision_steps: denoising steps of vision, N_o: a multiple of N_A up to 1024, or 0 for
                policy mode, in which vision is held at pure noise. A head that learned with joint
                noise takes N_o = N_A only; one that predicts no vision takes any of these as 0.
            seed: the same seed and inputs give the same chunk.
            prefix: first actions that are committed already, raw units, [n, action_dim]. They come
                back as they are, and the rest is made to fit them.
            future: predict the future embedding too. False leaves out what only it needs, and
                gives the same actions.

        Raises:
            ValueError: a shape or a step count is wrong, or a value is not finite.
        """
        chunks = self.sample_batch(
            features,
            mask,
            state,
            seeds=(seed,),
            action_steps=action_steps,
            vision_steps=vision_steps,
            prefix=prefix,
            future=future,
        )
        return chunks[0]

    @torch.inference_mode()
    def sample_batch(
        self,
        features: Tensor | ArrayLike,
        mask: Tensor | ArrayLike,
        state: ArrayLike,
        *,
        seeds: Sequence[int],
        action_steps: int = 4,
        vision_steps: int = 4,
        prefix: ArrayLike | None = None,
        future: bool = True,
    ) -> list[Sample]:
        """Draw one candidate per seed for the same observation; see `sample`."""
        plan = fitting_plan(self._head.config, action_steps, vision_steps, future=future)
        features_TD, mask_T = self._checked_features(features, mask)
        raw_prefix = self._checked_prefix(prefix)
        actions, embedding = self._sampler.sample(
            self._sampler.cast(features_TD)[None],
            self._sampler.cast(self._network_state(state))[None],
            draw_noise(self._head, seeds),
            plan,
            mask_BT=None if mask_T.all() else self._on_device(mask_T)[None],
            prefix_BPA=None if raw_prefix is None else self._network_prefix(raw_prefix)[None],
            slot=self._robot.embodiment,
        )
        futures = None
        if plan.vision_steps and plan.future:
            futures = _raw_embedding(self._head, self._embedding, embedding)
        return [
            Sample(
                self._raw_actions(actions[i], raw_prefix), None if futures is None else futures[i]
            )
            for i in range(len(seeds))
        ]

    def _checked_features(
        self, features: Tensor | ArrayLike, mask: Tensor | ArrayLike
    ) -> tuple[Tensor, Tensor]:
        features_TD = _tensor(features)
        mask_T = _tensor(mask).bool()
        width = self._head.config.width
        require(
            features_TD.ndim == 2 and features_TD.shape[1] == width,
            f"features must have shape [tokens, {width}], got {list(features_TD.shape)}",
        )
        require(
            mask_T.shape == features_TD.shape[:1] and bool(mask_T.any()),
            f"mask must have shape [{features_TD.shape[0]}] with a real token, "
            f"got {list(mask_T.shape)} with {int(mask_T.sum())}",
        )
        return features_TD, mask_T

    def _checked_prefix(self, prefix: ArrayLike | None) -> NDArray[np.float64] | None:
        if prefix is None or np.size(prefix) == 0:
            return None
        raw, columns = np.asarray(prefix, np.float64), self._robot.action_dim
        horizon = self._robot.horizon
        require(
            raw.ndim == 2 and raw.shape[1] == columns and len(raw) <= horizon,
            f"prefix must have shape [n <= {horizon}, {columns}], got {list(raw.shape)}",
        )
        require(bool(np.isfinite(raw).all()), "prefix is not finite")
        return raw

    def _network_state(self, state: ArrayLike) -> Tensor:
        raw, columns = np.asarray(state, np.float64), self._robot.state_dim
        require(
            raw.shape == (columns,), f"state must have shape [{columns}], got {list(raw.shape)}"
        )
        require(bool(np.isfinite(raw).all()), f"state is not finite: {raw.tolist()}")
        return _pad(self._state.normalise(raw), self._head.config.state_dim)

    def _network_prefix(self, raw: NDArray[np.float64]) -> Tensor:
        return _pad(self._action.normalise(raw), self._head.config.action_dim)

    def _raw_actions(
        self, actions_KA: Tensor, prefix: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        raw = self._action.denormalise(actions_KA[:, : self._robot.action_dim].cpu().numpy())
        if prefix is not None:
            raw[: len(prefix)] = prefix
        return raw

    def _on_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._head.weight.device)


def _raw_embedding(
    head: Head, statistics: ChannelStatistics, embedding: Tensor
) -> NDArray[np.float32]:
    """Return predicted embeddings [B, O, V] in the raw scale of the vision tower."""
    values = embedding.cpu().numpy()
    if head.config.target_scale is TargetScale.RAW:
        return values
    return values * np.array(statistics.std, np.float32) + np.array(statistics.mean, np.float32)


def _tensor(values: Tensor | ArrayLike) -> Tensor:
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))


def _pad(values: NDArray[np.float32], columns: int) -> Tensor:
    return F.pad(torch.from_numpy(values), (0, columns - values.shape[-1]))
