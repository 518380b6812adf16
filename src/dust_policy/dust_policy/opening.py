"""A checkpoint made ready to sample from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dust_model.checkpoint import Checkpoint
from dust_model.robot import RobotSpec
from dust_policy.conditions import Conditions
from dust_policy.pace import Powers
from dust_policy.sampler import Observation, Sampler, Steps
from dust_policy.settings import Settings

_WORDS_TOKENS = 48
"""About as many tokens as a prompt has besides those of the images."""


@dataclass(frozen=True, slots=True)
class OpenModel:
    """What the node needs of a checkpoint.

    Attributes:
        sampler: Makes chunks.
        robot: What it was made for.
        fingerprint: Perception needs the same.
        prefix_max: How many committed actions it has learned to go on from.
        powers: What the head can do.
        deviation: Deviation of each channel of the primary view's embedding [vision_width].
    """

    sampler: Sampler
    robot: RobotSpec
    fingerprint: str
    prefix_max: int
    powers: Powers
    deviation: NDArray[np.float64]


def open_model(settings: Settings, *, clock: Callable[[], int]) -> OpenModel:
    """Load the checkpoint and sample once.

    Args:
        settings: Of the node.
        clock: Returns the node clock's time. Unit: ns.

    Raises:
        ValueError: The checkpoint can't be read, or it does not fit the robot; one line.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    checkpoint = Checkpoint.load(settings.checkpoint)
    _require_robot(checkpoint, settings)
    robot, head = checkpoint.robot, checkpoint.config.head.architecture
    model = checkpoint.policy(
        device=settings.device, dtype=settings.dtype, recorded=settings.recorded
    )
    sampler = Sampler(
        model,
        (robot.horizon, robot.action_dim),
        seed=settings.seed,
        clock=clock,
        guidance=settings.guidance,
        blend_rate=settings.blend_rate,
    )
    _try_out(sampler, checkpoint, Steps(settings.action_steps, settings.vision_steps))
    return OpenModel(
        sampler,
        robot,
        checkpoint.fingerprint,
        checkpoint.prefix_max,
        Powers(head.predicts_vision, head.joint_noise),
        np.array(checkpoint.statistics.embedding.std),
    )


def _require_robot(checkpoint: Checkpoint, settings: Settings) -> None:
    try:
        checkpoint.require_robot(settings.robot(checkpoint.robot))
    except ValueError as error:
        remedy = "give another one, or correct the parameters joint_names and action_rate"
        raise ValueError(f"{error}: {remedy}") from error


def _try_out(sampler: Sampler, checkpoint: Checkpoint, steps: Steps) -> None:
    """Sample once: what can't work is told at start, and memory is allocated."""
    robot, config = checkpoint.robot, checkpoint.config
    tokens = len(robot.views) * config.vision_language.tokens_per_view + _WORDS_TOKENS
    features = np.zeros((tokens, config.head.width), np.float16)
    nothing = Observation(0, 0, features, np.ones(tokens, np.bool_))
    given = Conditions(np.zeros(robot.state_dim), np.empty((0, robot.action_dim)))
    sampler.sample(nothing, given, steps=steps, number=0)
