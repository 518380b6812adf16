"""One training sample, in raw units, as every dataset gives it and the collator takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_model.config import require
from dust_model.data.encoded import Encoded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """What a demonstration shows at one moment, and what was done next.

    Attributes:
        views: camera name -> RGB image, uint8 [H, W, 3]; H and W may differ between cameras.
        state: float32 [state_dim], raw units (rad, gripper opening in [0, 1]).
        actions: float32 [horizon, action_dim], raw units. Action i is due i periods later.
        action_mask: bool [horizon, action_dim], True where an action was really demonstrated;
            False behind the end of an episode, and everywhere in data without actions.
        instruction: the task in words.
        future: the primary view `horizon` periods later, or at the episode's end if that is
            sooner, uint8 [H, W, 3]; None in data for models that predict no future.
        embodiment: slot of the encoders and decoders that belong to the robot.
        key: unique name of the moment within its dataset, such as "000003/000017".
        seed: seed of this draw's augmentation: two draws of the same moment have different ones.
        encoded: what a frozen vision-language model made of views and future, which are left out.
    """

    views: Mapping[str, NDArray[np.uint8]]
    state: NDArray[np.float32]
    actions: NDArray[np.float32]
    action_mask: NDArray[np.bool_]
    instruction: str
    future: NDArray[np.uint8] | None = None
    embodiment: int = 0
    key: str = ""
    seed: int = 0
    encoded: Encoded | None = None

    def __post_init__(self) -> None:
        for name, image in self.views.items():
            _require_rgb(image, f"view {name!r}")
        if self.future is not None:
            _require_rgb(self.future, "future")
        require(self.state.ndim == 1, f"state must be [state_dim], got {list(self.state.shape)}")
        require(
            self.actions.ndim == 2 and self.actions.shape == self.action_mask.shape,
            "actions and action_mask must be alike [horizon, action_dim], got "
            f"{list(self.actions.shape)} and {list(self.action_mask.shape)}",
        )
        require(self.action_mask.dtype == np.bool_, "action_mask must be bool")
        require(self.embodiment >= 0, f"embodiment must be >= 0, got {self.embodiment}")
        require(self.seed >= 0, f"seed must be >= 0, got {self.seed}")


def _require_rgb(image: NDArray[np.uint8], name: str) -> None:
    require(
        image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0,
        f"{name} must be RGB, uint8 [H, W, 3], got {image.dtype} {list(image.shape)}",
    )
