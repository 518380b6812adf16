"""What a saved step holds: a checkpoint, its model card, and the state to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer

from dust_model.checkpoint import Checkpoint
from dust_model.config import ModelConfig, require
from dust_model.head import Head
from dust_model.records import to_json
from dust_model.robot import RobotSpec
from dust_model.statistics import Statistics
from dust_model.training.card import CARD, Provenance, model_card
from dust_model.training.config import TrainConfig
from dust_model.training.ema import MovingAverage
from dust_model.training.learner import Learner
from dust_model.training.run_folder import STATE, RunFolder, Saved
from dust_model.training.state import collect, load_tensors, restore, save_tensors

if TYPE_CHECKING:
    from dust_model.eagle import Eagle


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What goes into checkpoints beside the weights.

    Attributes:
        tokenizer: of the prompts.
        robot: what the demonstrations are of.
        statistics: of the demonstrations.
        samples: moments in the demonstrations.
    """

    tokenizer: Tokenizer
    robot: RobotSpec
    statistics: Statistics
    samples: int


class Saver:
    """Saves steps of a run and restores them.

    Args:
        config: of the run.
        learner: what is trained.
        optimizer: of its weights.
        average: whose averages checkpoints hold instead of the weights, if there is one.
        origin: where it all comes from.
    """

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        optimizer: torch.optim.Optimizer,
        average: MovingAverage | None,
        origin: Origin,
    ) -> None:
        self._config, self._origin = config, origin
        self._learner, self._optimizer, self._average = learner, optimizer, average
        self._folder = RunFolder(Path(config.output))

    def save(self, step: int, *, loss: float, best: bool, progress: Mapping[str, float]) -> None:
        """Save what `step` updates made.

        Args:
            step: updates done.
            loss: that it is known by.
            best: whether it is the best so far.
            progress: other numbers to go on with.

        Raises:
            ValueError: it can't be written; what was saved before is as it was.
        """
        state = collect(self._learner, self._optimizer, self._average)
        kept: dict[str, Any] = {
            "loss": loss,
            "samples": self._origin.samples,
            "config": to_json(self._config),
            **progress,
        }

        def fill(folder: Path) -> None:
            with self._average.applied() if self._average else nullcontext():
                self._write_checkpoint(folder)
            (folder / CARD).write_text(self._card(step, loss))
            save_tensors(folder / STATE, state)

        self._folder.save(step, fill, kept, best=best)

    def restore(self, saved: Saved) -> None:
        """Put weights, moments and averages back.

        Raises:
            ValueError: the state can't be read, or the demonstrations are not those of the run.
        """
        before, now = saved.progress["samples"], self._origin.samples
        require(
            before == now,
            f"{saved.folder} has learned from {before} moments, the demonstrations now have {now}: "
            "an exact continuation needs the same",
        )
        state = load_tensors(saved.folder / STATE)
        restore(self._learner, self._optimizer, self._average, state)

    def _write_checkpoint(self, folder: Path) -> None:
        origin = self._origin
        try:
            Checkpoint.save(
                folder,
                eagle=cast("Eagle", self._learner.eagle),
                head=cast(Head, self._learner.head),
                tokenizer=origin.tokenizer,
                robot=origin.robot,
                statistics=origin.statistics,
                dtype=self._config.dtype,
                prefix_max=self._config.noise.prefix_max,
            )
        except SafetensorError as error:
            raise OSError(str(error)) from None

    def _card(self, step: int, loss: float) -> str:
        learner, origin = self._learner, self._origin
        eagle, head = cast("Eagle", learner.eagle), cast(Head, learner.head)
        weights = list(learner.parameters())
        return model_card(
            self._config,
            ModelConfig(vision_language=eagle.config, head=head.config),
            origin.robot,
            origin.statistics,
            Provenance(
                step=step,
                loss=loss,
                parameters=(
                    sum(weight.numel() for weight in weights if weight.requires_grad),
                    sum(weight.numel() for weight in weights),
                ),
                samples=origin.samples,
            ),
        )
