"""One stage: batches, updates, metrics on held-out pictures, saved steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dust_model.config import require
from dust_model.pretraining.config import StageConfig
from dust_model.pretraining.interrupts import Interrupts
from dust_model.pretraining.learner import PictureLearner
from dust_model.pretraining.metrics import measure
from dust_model.pretraining.source import PictureBatch
from dust_model.records import to_json
from dust_model.training.ema import MovingAverage
from dust_model.training.optim import build_optimizer, rate_at, set_rate
from dust_model.training.report import Report
from dust_model.training.run_folder import STATE, RunFolder, Saved
from dust_model.training.state import collect, load_tensors, restore, save_tensors

Fill = Callable[[Path, dict[str, float]], None]
_TOWER = "eagle.model.vision_tower."


class StageTrainer:
    """Trains a learner on batches of pictures.

    Args:
        learner: on its device.
        config: of the stage.
        root: folder of the stage.
        half: compute in bfloat16.
        tower_rate: share of the learning rate for the vision tower.
        fill: writes a checkpoint of the present weights, with its metrics, into a new folder.
        origin: numbers that identify the run, kept with each step.
    """

    def __init__(
        self,
        learner: PictureLearner,
        config: StageConfig,
        root: Path,
        *,
        half: bool,
        tower_rate: float = 1.0,
        fill: Fill,
        origin: dict[str, Any],
    ) -> None:
        self._learner, self._config, self._half = learner, config, half
        self._folder, self._fill, self._origin = RunFolder(root), fill, origin
        self._optimizer = build_optimizer(
            learner,
            config.optimizer,
            share=lambda name: tower_rate if name.startswith(_TOWER) else 1.0,
        )
        self._average = MovingAverage(learner, decay=config.average) if config.average else None
        self._trained = [weight for weight in learner.parameters() if weight.requires_grad]
        self._first, self._best = 0, math.inf

    @property
    def first(self) -> int:
        """Update that comes next."""
        return self._first

    @property
    def over(self) -> bool:
        """Whether all updates are done."""
        return self._first >= self._config.steps

    def go_on_from(self, saved: Saved) -> None:
        """Take over a saved step.

        Raises:
            ValueError: its state can't be read.
        """
        state = load_tensors(saved.folder / STATE)
        restore(self._learner, self._optimizer, self._average, state)
        self._first, self._best = saved.step, saved.progress["best"]

    def settle(self) -> None:
        """Put the averages in place of the weights, for good."""
        if self._average is not None:
            self._average._put(self._average.averages)

    def run(
        self,
        batches: Iterator[PictureBatch],
        held_out: Callable[[], Iterable[PictureBatch]],
        *,
        log_every: int,
        save_every: int,
    ) -> bool:
        """Train to the last step; return whether it was reached, not ended by a signal before.

        Args:
            batches: of the next update and later ones.
            held_out: gives the batches to measure on.
            log_every: updates between two points of the curves.
            save_every: updates between two saved steps.

        Raises:
            ValueError: the loss is not finite, or a step can't be saved.
        """
        config = self._config
        report = Report(
            self._folder.root, steps=config.steps, first=self._first, log_every=log_every
        )
        self._learner.train()
        with report, Interrupts() as interrupts:
            for step in range(self._first, config.steps):
                began = time.perf_counter()
                values = self._update(step, next(batches))
                seconds = time.perf_counter() - began
                report.update({"step": step} | values | {"seconds": seconds})
                done = step + 1
                if interrupts.heard or done == config.steps or done % save_every == 0:
                    report.say(self._save(done, held_out()))
                self._first = done
                if interrupts.heard:
                    break
        return self.over

    def _update(self, step: int, batch: PictureBatch) -> dict[str, float]:
        learner, config = self._learner, self._config
        batch = batch.to(next(learner.parameters()).device)
        with torch.autocast(batch.pixels.device.type, torch.bfloat16, enabled=self._half):
            told = learner(batch)
        parts = learner.losses(told, batch)
        loss = torch.stack(list(parts.values())).sum()
        size = float(loss.detach())
        require(
            math.isfinite(size), f"the loss of step {step} is {size}: lower optimizer.learning_rate"
        )
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self._trained, config.optimizer.clip or math.inf)
        rate = rate_at(config.optimizer, step, steps=config.steps)
        set_rate(self._optimizer, rate)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        if self._average is not None:
            self._average.update(step)
        values = {name: float(part.detach()) for name, part in parts.items()}
        return {"loss": size} | values | {"rate": rate, "norm": float(norm)}

    def _save(self, done: int, batches: Iterable[PictureBatch]) -> str:
        state = collect(self._learner, self._optimizer, self._average)
        device = next(self._learner.parameters()).device
        with self._average.applied() if self._average else nullcontext():
            found = measure(self._learner, (b.to(device) for b in batches), half=self._half)
            best = found["loss"] <= self._best
            self._best = min(self._best, found["loss"])

            def fill(folder: Path) -> None:
                self._fill(folder, found)
                save_tensors(folder / STATE, state)

            progress = self._origin | {"best": self._best, "metrics": found}
            self._folder.save(done, fill, progress, best=best)
        return f"step {done}: held out: {describe(found)}"


def describe(found: dict[str, float]) -> str:
    """Return metrics in a line."""
    return ", ".join(f"{name} {value:.3g}" for name, value in found.items())


def saved_step(root: Path, say: Callable[[str], None]) -> Saved | None:
    """Return the newest whole step of a stage; None if there is none."""
    return RunFolder(root).newest(say)


def origin_of(config: Any, pictures: int) -> dict[str, Any]:
    """Return what is kept with each step, to tell another run's by."""
    return {"config": to_json(config), "pictures": pictures}
