"""The run: batches, updates, validation, checkpoints."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import FrameType

import torch
from accelerate import Accelerator

from dust_model.data.collate import Batch
from dust_model.training.config import TrainConfig
from dust_model.training.ema import MovingAverage
from dust_model.training.learner import Example, Learner
from dust_model.training.optim import build_optimizer
from dust_model.training.report import Report
from dust_model.training.run_folder import Saved
from dust_model.training.saving import Origin, Saver
from dust_model.training.source import BatchSource
from dust_model.training.step import Stepper

VALIDATION_BATCHES = 16
"""Batches of the validation episodes that are looked at before each checkpoint."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What ends a run early, with a checkpoint: Ctrl-C, and a cluster that wants its machine back."""


@dataclass(slots=True)
class Mean:
    """Mean of the losses since a checkpoint that was due.

    Attributes:
        total: their sum.
        count: of the updates that made them.
    """

    total: float = 0.0
    count: int = 0

    def add(self, loss: float) -> None:
        """Take in the loss of one update."""
        self.total += loss
        self.count += 1

    @property
    def value(self) -> float:
        """The mean; there is none of no update."""
        return self.total / self.count


class Trainer:
    """Trains a learner and saves checkpoints.

    Args:
        config: of the run.
        accelerator: of this process.
        learner: what is trained, on its device.
        condition: makes examples of batches.
        source: batches to learn from.
        validation: batches to choose the best checkpoint by, if there are any.
        origin: what goes into checkpoints beside the weights.
    """

    def __init__(
        self,
        config: TrainConfig,
        accelerator: Accelerator,
        learner: Learner,
        condition: Callable[[Batch], Example],
        source: BatchSource,
        validation: BatchSource | None = None,
        *,
        origin: Origin,
    ) -> None:
        self._config, self._accelerator = config, accelerator
        self._source, self._validation = source, validation
        optimizer = build_optimizer(learner, config.optimizer)
        self._average = MovingAverage(learner, decay=config.average) if config.average else None
        joints = len(origin.robot.joint_names)
        self._stepper = Stepper(config, accelerator, learner, optimizer, condition, joints=joints)
        self._saver = Saver(config, learner, optimizer, self._average, origin)
        self._first, self._best, self._mean = 0, math.inf, Mean()
        self._told_to_stop = False

    def go_on_from(self, saved: Saved) -> None:
        """Take over a saved step.

        Raises:
            ValueError: its state can't be read.
        """
        self._saver.restore(saved)
        progress = saved.progress
        self._first, self._best = saved.step, progress.get("best", math.inf)
        # Older runs kept none.
        self._mean = Mean(progress.get("total", 0.0), progress.get("count", 0))

    def run(self) -> int:
        """Train to the last step, or until SIGINT or SIGTERM; return the updates done.

        Raises:
            ValueError: the loss is not finite, or a checkpoint can't be written.
        """
        report = self._report() if self._accelerator.is_main_process else None
        with self._stoppable(), report or nullcontext():
            return self._run(report)

    def _report(self) -> Report:
        config = self._config
        return Report(
            Path(config.output), steps=config.steps, first=self._first, log_every=config.log_every
        )

    def _run(self, report: Report | None) -> int:
        config, done = self._config, self._first
        clock = time.perf_counter()
        for step, batch in zip(range(done, config.steps), self._batches(), strict=False):
            values = self._stepper.update(step, batch)
            if self._average is not None:
                self._average.update(step)
            self._mean.add(values["loss"])
            done, now = step + 1, time.perf_counter()
            if report is not None:
                report.update({"step": step} | values | {"seconds": now - clock})
            clock = now
            stop = self._stops()
            if stop or done == config.steps or done % config.save_every == 0:
                self._save(done, report)
            if stop:
                break
        return done

    def _batches(self) -> Iterator[Batch]:
        rank, ranks = self._accelerator.process_index, self._accelerator.num_processes
        return self._source.batches(first=self._first, rank=rank, ranks=ranks)

    def _save(self, done: int, report: Report | None) -> None:
        loss, best = self._judge(done)
        if done % self._config.save_every == 0:
            self._mean = Mean()
        if report is not None:
            known = {} if math.isinf(self._best) else {"best": self._best}
            numbers = {"total": self._mean.total, "count": self._mean.count, **known}
            self._saver.save(done, loss=loss, best=best, progress=numbers)
            lowest = f"{self._best:.5f}" if known else "none yet"
            report.say(f"step {done}: saved, loss {loss:.5f}, best {lowest}")
        self._accelerator.wait_for_everyone()

    def _judge(self, done: int) -> tuple[float, bool]:
        """Return the loss of a checkpoint, and whether it is the best so far.

        The mean of a few updates, as where a signal ended the run, is chance: it does not compete.
        While nothing has competed, the newest counts as the best, so that there is one.
        """
        config = self._config
        if self._validation is not None:
            loss, competes = self._validate(self._validation), True
        else:
            loss = self._mean.value
            competes = self._mean.count >= config.save_every or done == config.steps
        if not competes:
            return loss, math.isinf(self._best)
        self._best = min(self._best, loss)
        return loss, loss <= self._best

    def _validate(self, source: BatchSource) -> float:
        rank, ranks = self._accelerator.process_index, self._accelerator.num_processes
        batches = islice(source.batches(first=0, rank=rank, ranks=ranks), VALIDATION_BATCHES)
        with self._average.applied() if self._average else nullcontext():
            losses = [self._stepper.measure(i, batch)["loss"] for i, batch in enumerate(batches)]
        return sum(losses) / len(losses)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """End the run after the present update when a signal comes; the second one ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._told_to_stop:
            raise KeyboardInterrupt
        self._told_to_stop = True

    def _stops(self) -> bool:
        """Whether any process was told to stop: all end after the same update."""
        if self._accelerator.num_processes == 1:
            return self._told_to_stop
        told = torch.tensor(float(self._told_to_stop), device=self._accelerator.device)
        return bool(self._accelerator.reduce(told, "sum") > 0)
