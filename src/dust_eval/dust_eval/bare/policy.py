"""A checkpoint that sees and samples: perception and policy without their nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dust_model.checkpoint import Checkpoint
from dust_msgs.msg import ActionChunk
from dust_perception.encoder import Encoder
from dust_perception.images import Picture
from dust_perception.settings import Settings as PerceptionSettings
from dust_policy.conditions import Conditions
from dust_policy.messages import chunk_message
from dust_policy.opening import open_model
from dust_policy.sampler import Observation, Steps
from dust_policy.settings import Settings as PolicySettings

_MOST_CHUNKS = 100_000  # in a trial


class BarePolicy:
    """Turns pictures and a state into chunks.

    Args:
        perception: Parameters of dust_perception.
        policy: Parameters of dust_policy.

    Attributes:
        views: Cameras whose pictures it needs.

    Raises:
        ValueError: The checkpoint can't be read or does not fit the robot.
    """

    def __init__(self, perception: Mapping[str, Any], policy: Mapping[str, Any]) -> None:
        self._fixed = policy["seed"] >= 0
        eyes = PerceptionSettings.from_values(perception)
        # What is drawn must follow from the trial alone: fresh noise is for a graph.
        settings = PolicySettings.from_values({**policy, "seed": max(policy["seed"], 0)})
        checkpoint = Checkpoint.load(eyes.checkpoint)
        self.views = tuple(checkpoint.robot.views)
        self._encoder = Encoder(
            checkpoint.backbone(device=eyes.device, dtype=eyes.dtype),
            self.views,
            lambda picture: picture,
            feature_dtype=eyes.feature_dtype,
            clock=lambda: 0,
        )
        self._model = open_model(settings, clock=lambda: 0)
        wanted = Steps(settings.action_steps, settings.vision_steps)
        self._steps = self._model.powers.fit(wanted)
        self._names = tuple(settings.joint_names)
        self.begin(0)
        # The node's setting counts for a process of its own; trials run beside each other.
        torch.set_num_threads(1)

    def begin(self, seed: int) -> None:
        """Begin a trial: its noise follows from a seed, unless the parameter `seed` is given."""
        self._sequence = 0
        self._first = 0 if self._fixed else seed * _MOST_CHUNKS

    def chunk(
        self,
        pictures: Mapping[str, NDArray[np.uint8]],
        state: NDArray[np.float64],
        instruction: str,
        *,
        stamp_ns: int,
    ) -> ActionChunk:
        """Return the chunk for one moment.

        Args:
            pictures: View -> bgra8 [height, width, 4].
            state: Arm joints (rad) and opening of the hand, [8].
            instruction: The task in words.
            stamp_ns: When the pictures were taken. Unit: ns.
        """
        seen = {view: Picture(pixels, "bgra8") for view, pixels in pictures.items()}
        encoded = self._encoder.encode(seen, instruction)
        observation = Observation(stamp_ns, stamp_ns, encoded.features, encoded.mask)
        nothing = np.empty((0, self._model.robot.action_dim))
        self._sequence += 1
        chunk = self._model.sampler.sample(
            observation,
            Conditions(state, nothing),
            steps=self._steps,
            number=self._first + self._sequence,
        )
        return chunk_message(
            chunk,
            source="trial",
            task_id="trial",
            sequence=self._sequence,
            period=self._model.robot.period,
            joint_names=self._names,
        )
