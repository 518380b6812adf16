"""A real checkpoint for the comparison of smoothness: pictures and states come from demonstrations.

What it is asked at a time is answered from the demonstration's picture at that time; the arm does
not act back on what is seen. So every way to join chunks gets the same observations and noise.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dust_eval.joining import PERIOD, Continuation, Request
from dust_model.checkpoint import Checkpoint
from dust_model.continuation import Leftover, Method
from dust_model.data.lerobot import LeRobotDataset
from dust_model.data.sample import Sample
from dust_model.policy import Policy

Array = NDArray[np.float64]

VALIDATION = 0.04
"""Share of the episodes that the default training keeps apart; they are those that are replayed."""

Encode = Callable[[Sample], NDArray[np.float32]]
"""A moment -> features of its pictures and instruction [tokens, width]."""


class Replay:
    """A checkpoint and the demonstrations that it is shown.

    Args:
        checkpoint: Folder of the checkpoint.
        dataset: LeRobot dataset of the same robot.
        steps: Denoising steps, N_A = N_o.

    Raises:
        ValueError: One can't be read, or they do not fit each other.
    """

    def __init__(self, checkpoint: Path, dataset: Path, *, steps: int) -> None:
        opened = Checkpoint.load(checkpoint)
        whole = LeRobotDataset.open(dataset, opened.robot, future=False)
        self._episodes = whole.split(VALIDATION)[1]
        self._policy, self._steps = opened.policy(), steps
        backbone = opened.backbone()

        def encode(sample: Sample) -> NDArray[np.float32]:
            transform = backbone.transform
            names = opened.robot.views
            pixels = [transform.normalise(transform.resize(sample.views[name])) for name in names]
            encoded = backbone.encode(torch.stack(pixels), sample.instruction)
            return np.asarray(encoded.features.float().numpy())

        self._encode: Encode = encode
        self._policies: dict[int, ReplayedPolicy] = {}

    def policy(self, seed: int) -> "ReplayedPolicy":
        """Return the policy that is shown one of the episodes."""
        if seed not in self._policies:
            episode = seed % len(self._episodes.lengths)
            samples = self._episodes.read(episode, 0, self._episodes.lengths[episode])
            self._policies[seed] = ReplayedPolicy(
                samples, self._policy, self._encode, seed=seed, steps=self._steps
            )
        return self._policies[seed]


class ReplayedPolicy:
    """A checkpoint that is shown one demonstration.

    Args:
        samples: Every moment of the demonstration.
        policy: The checkpoint's head.
        encode: The checkpoint's vision-language part.
        seed: Of the noise.
        steps: Denoising steps, N_A = N_o.

    Attributes:
        home: Where the demonstration begins [7], rad.
    """

    def __init__(
        self, samples: list[Sample], policy: Policy, encode: Encode, *, seed: int, steps: int
    ) -> None:
        self._samples, self._policy, self._encode = samples, policy, encode
        self._seed, self._steps = seed, steps
        self._commands = np.array([sample.actions[0] for sample in samples], np.float64)
        self._features: dict[int, NDArray[np.float32]] = {}
        self.home = self._commands[0, :-1]

    def truth(self, times: Array) -> Array:
        """Return what was commanded at times [N] (s) of the demonstration; [N, 7], rad."""
        known = PERIOD * np.arange(len(self._commands))
        return np.stack([np.interp(times, known, column) for column in self._commands.T[:-1]], 1)

    def chunk(self, request: Request) -> Array:
        """Sample a chunk [horizon, 7], rad."""
        frame = min(round(request.time / PERIOD), len(self._samples) - 1)
        if frame not in self._features:
            self._features[frame] = self._encode(self._samples[frame])
        features = self._features[frame]
        committed = self._with_gripper(request.committed, frame)
        frozen = committed[: request.frozen]
        sample = self._policy.sample(
            features,
            np.ones(len(features), np.bool_),
            self._samples[frame].state,
            action_steps=self._steps,
            vision_steps=self._steps,
            seed=int(
                np.random.SeedSequence((self._seed, request.number)).generate_state(1)[0] >> 1
            ),
            prefix=None if request.continuation is Continuation.NONE else frozen,
            leftover=_leftover(request.continuation, committed[len(frozen) :]),
            future=False,
        )
        return np.asarray(sample.actions[:, :-1])

    def _with_gripper(self, positions: Array, frame: int) -> Array:
        """Return committed positions [n <= horizon, 7] with the gripper commands shown."""
        horizon = len(self._samples[0].actions)
        rows = np.minimum(frame + np.arange(min(len(positions), horizon)), len(self._commands) - 1)
        return np.column_stack([positions[: len(rows)], self._commands[rows, -1]])


def _leftover(continuation: Continuation, rest: Array) -> Leftover | None:
    methods = {Continuation.GUIDED: Method.GUIDED, Continuation.BLENDED: Method.BLENDED}
    method = methods.get(continuation)
    return None if method is None else Leftover(method, rest)
