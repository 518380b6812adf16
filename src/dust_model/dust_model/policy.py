"""The head ready to run: features and robot state in, raw actions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from dust_model.actions import ActionNormaliser
from dust_model.config import TargetScale, require
from dust_model.continuation import Leftover, Method, blend_strengths, guidance_weights
from dust_model.graphs import RecordedSampler
from dust_model.guided import Guide, GuidedSampler
from dust_model.head import Head
from dust_model.layout import arrange_for_inference
from dust_model.robot import RobotSpec
from dust_model.sampler import Inputs, Noise, Sampler, draw_noise
from dust_model.schedule import Plan, fitting_plan
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
        self._guided = GuidedSampler(head)
        self._state = Normaliser(statistics.state)
        self._action = ActionNormaliser(statistics.action)
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
        leftover: Leftover | None = None,
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
            leftover: for a head that was not trained with a prefix: how else the rest is made to
                fit, and what the plan was to go on with.
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
            leftover=leftover,
            future=future,
        )
        return chunks[0]

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
        leftover: Leftover | None = None,
        future: bool = True,
    ) -> list[Sample]:
        """Draw one candidate per seed for the same observation; see `sample`."""
        plan = fitting_plan(self._head.config, action_steps, vision_steps, future=future)
        features_TD, mask_T = self._checked_features(features, mask)
        committed = self._checked_actions(prefix, "prefix")
        noise = draw_noise(self._head, seeds)
        inputs = Inputs(
            features=self._sampler.cast(features_TD)[None],
            mask=None if mask_T.all() else self._on_device(mask_T)[None],
            state=self._sampler.cast(self._network_state(state))[None],
            actions=noise.action,
            embedding=noise.vision,
        )
        if leftover is None:
            prefix = self._scaled(committed, state)
            actions, embedding = self._sample(inputs, plan, prefix_BPA=prefix)
        else:
            actions, embedding = self._go_on(inputs, plan, committed, leftover, state)
        futures = None
        if plan.vision_steps and plan.future:
            futures = _raw_embedding(self._head, self._embedding, embedding)
        return [
            Sample(
                self._raw_actions(actions[i], committed, state),
                None if futures is None else futures[i],
            )
            for i in range(len(seeds))
        ]

    def _sample(self, inputs: Inputs, plan: Plan, **options: Tensor | None) -> Noise:
        return self._sampler.sample(
            inputs.features,
            inputs.state,
            Noise(inputs.actions, inputs.embedding),
            plan,
            mask_BT=inputs.mask,
            slot=self._robot.embodiment,
            **options,
        )

    def _go_on(
        self,
        inputs: Inputs,
        plan: Plan,
        committed: NDArray[np.float64],
        leftover: Leftover,
        state: ArrayLike,
    ) -> Noise:
        """Sample what agrees with the plan by other means than showing it to the network."""
        rest = self._checked_actions(leftover.actions, "leftover")
        frozen, horizon = len(committed), self._robot.horizon
        known = self._scaled(np.concatenate([committed, rest])[:horizon], state)
        reach = known.shape[1]
        target = F.pad(known, (0, 0, 0, horizon - reach))
        index = torch.arange(horizon)[:, None]
        if leftover.method is Method.BLENDED:
            start = torch.where(index < reach, target, inputs.actions)
            strength = torch.from_numpy(blend_strengths(frozen, reach, horizon, rate=leftover.rate))
            return self._sample(inputs._replace(actions=start), plan, strength_K1=strength)
        weights = torch.from_numpy(guidance_weights(frozen, reach, horizon))
        guide = Guide(target, weights, index < frozen, leftover.guidance)
        inputs = inputs._replace(
            actions=self._on_device(inputs.actions), embedding=self._on_device(inputs.embedding)
        )
        return self._guided.sample(inputs, plan, guide, slot=self._robot.embodiment)

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

    def _checked_actions(self, actions: ArrayLike | None, name: str) -> NDArray[np.float64]:
        """Return raw actions [n, action_dim], n >= 0."""
        columns, horizon = self._robot.action_dim, self._robot.horizon
        if actions is None or np.size(actions) == 0:
            return np.empty((0, columns))
        raw = np.asarray(actions, np.float64)
        require(
            raw.ndim == 2 and raw.shape[1] == columns and len(raw) <= horizon,
            f"{name} must have shape [n <= {horizon}, {columns}], got {list(raw.shape)}",
        )
        require(bool(np.isfinite(raw).all()), f"{name} is not finite")
        return raw

    def _network_state(self, state: ArrayLike) -> Tensor:
        raw, columns = np.asarray(state, np.float64), self._robot.state_dim
        require(
            raw.shape == (columns,), f"state must have shape [{columns}], got {list(raw.shape)}"
        )
        require(bool(np.isfinite(raw).all()), f"state is not finite: {raw.tolist()}")
        return _pad(self._state.normalise(raw), self._head.config.state_dim)

    def _scaled(self, raw: NDArray[np.float64], state: ArrayLike) -> Tensor:
        """Return raw actions [n, action_dim] in the network's scale, [1, n, A]."""
        return _pad(self._action.normalise(raw, state), self._head.config.action_dim)[None]

    def _raw_actions(
        self, actions_KA: Tensor, committed: NDArray[np.float64], state: ArrayLike
    ) -> NDArray[np.float64]:
        values = actions_KA[:, : self._robot.action_dim].cpu().numpy()
        raw = self._action.denormalise(values, state)
        raw[: len(committed)] = committed
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
