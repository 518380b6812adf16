"""One observation to one chunk of actions: asynchronous joint sampling (paper, section 4.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dust_model.continuation import Leftover, Method
from dust_policy.conditions import Conditions
from dust_policy.continuation import Kind
from dust_policy.history import Vector
from dust_policy.prefix import Actions
from dust_policy.surprise import Embedding

_METHODS = {Kind.GUIDED: Method.GUIDED, Kind.BLENDED: Method.BLENDED}


class Model(Protocol):
    """The action-and-vision head of a checkpoint."""

    def sample(
        self,
        features: NDArray[Any],
        mask: NDArray[np.bool_],
        state: Vector,
        *,
        action_steps: int,
        vision_steps: int,
        seed: int,
        prefix: Actions | None,
        leftover: Leftover | None,
    ) -> Any:
        """Sample actions [horizon, joints + 1] and a future embedding or None, in raw units."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage on the way from camera to chunk."""

    name: str
    begin_ns: int
    duration: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What perception saw, and when it arrived here.

    Attributes:
        stamp_ns: When the newest image was taken.
        arrival_ns: When the features arrived.
        features: VLM features [tokens, width].
        mask: Real tokens [tokens].
        stages: Perception's stages.
        embedding: Tokens of the primary view; None if perception sent none.
    """

    stamp_ns: int
    arrival_ns: int
    features: NDArray[Any]
    mask: NDArray[np.bool_]
    stages: tuple[Stage, ...] = ()
    embedding: Embedding | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """Denoising steps: N_A for actions, N_o for vision."""

    action: int
    vision: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Actions from the time of the observation on.

    Attributes:
        stamp_ns: Due time of the first action.
        actions: Arm positions (rad) and gripper opening in [0, 1], [horizon, joints + 1].
        prefix: How many first actions repeat the committed plan.
        steps: Denoising steps taken.
        stages: All stages since the image was taken.
        kind: How it goes on from the plan.
        future: Predicted embedding of the primary view `horizon` periods later; None: none was.
    """

    stamp_ns: int
    actions: Actions
    prefix: int
    steps: Steps
    stages: tuple[Stage, ...]
    kind: Kind = Kind.FREE
    future: Embedding | None = None


class Sampler:
    """Run the head and check what comes out of it."""

    def __init__(
        self,
        model: Model,
        shape: tuple[int, int],
        *,
        seed: int,
        clock: Callable[[], int],
        guidance: float = 5.0,
        blend_rate: float = 1.5,
    ) -> None:
        """Set up for one checkpoint.

        Args:
            model: The checkpoint's head.
            shape: Horizon and columns of a chunk.
            seed: Chunk n of a task takes a seed that follows from this one and n; negative: each
                chunk takes a fresh one.
            clock: Returns the node clock's time. Unit: ns.
            guidance: Largest weight of the guidance by a plan, beta.
            blend_rate: How steeply a blended chunk leaves the plan.
        """
        self._model = model
        self._shape = shape
        self._seed = seed
        self._clock = clock
        self._guidance, self._blend_rate = guidance, blend_rate
        self._fresh = np.random.default_rng()

    def sample(
        self, observation: Observation, conditions: Conditions, *, steps: Steps, number: int
    ) -> Chunk:
        """Sample a chunk.

        Args:
            observation: Features and their times.
            conditions: State, and what the chunk goes on from.
            steps: Denoising steps to take.
            number: Number of the chunk in its task, for the seed.

        Raises:
            ValueError: The model returned a wrong shape or numbers that are not finite.
        """
        begin_ns = self._clock()
        sample = self._model.sample(
            observation.features,
            observation.mask,
            conditions.state,
            action_steps=steps.action,
            vision_steps=steps.vision,
            seed=self._seed_of(number),
            prefix=conditions.prefix if len(conditions.prefix) else None,
            leftover=self._leftover(conditions),
        )
        actions = self._check(np.asarray(sample.actions, dtype=np.float64))
        end_ns = self._clock()
        stages = (*observation.stages, *self._stages(observation, begin_ns, end_ns))
        return Chunk(
            observation.stamp_ns,
            actions,
            len(conditions.prefix),
            steps,
            stages,
            conditions.kind,
            sample.embedding,
        )

    def _leftover(self, conditions: Conditions) -> Leftover | None:
        method = _METHODS.get(conditions.kind)
        if method is None:
            return None
        return Leftover(method, conditions.leftover, self._guidance, self._blend_rate)

    def _seed_of(self, number: int) -> int:
        if self._seed < 0:
            return int(self._fresh.integers(2**31))
        return int(np.random.SeedSequence((self._seed, number)).generate_state(1)[0] >> 1)

    def _check(self, actions: Actions) -> Actions:
        if actions.shape != self._shape:
            raise ValueError(f"the model returned actions {actions.shape}, expected {self._shape}")
        if not np.isfinite(actions).all():
            raise ValueError("the model returned actions that are not finite")
        actions = actions.copy()
        actions[:, -1] = np.clip(actions[:, -1], 0.0, 1.0)
        return actions

    def _stages(self, observation: Observation, begin_ns: int, end_ns: int) -> list[Stage]:
        stages = []
        if observation.stages:
            last = observation.stages[-1]
            sent_ns = last.begin_ns + round(last.duration * 1e9)
            stages.append(_stage("transport", sent_ns, observation.arrival_ns))
        stages.append(_stage("queue", observation.arrival_ns, begin_ns))
        stages.append(_stage("sample", begin_ns, end_ns))
        return stages


def _stage(name: str, begin_ns: int, end_ns: int) -> Stage:
    # Clocks of two hosts may differ by a little.
    return Stage(name, begin_ns, max(0, end_ns - begin_ns) * 1e-9)
