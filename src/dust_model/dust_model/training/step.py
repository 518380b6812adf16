"""One update of the weights (Algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from dust_model.attention import plain_attention
from dust_model.config import require
from dust_model.data.collate import Batch
from dust_model.head import Head
from dust_model.training.config import TrainConfig
from dust_model.training.learner import Example, Learner, losses_of, noisy_of
from dust_model.training.losses import Counts, Losses
from dust_model.training.noise import Draw, Noisy, draw
from dust_model.training.optim import rate_at, set_rate
from dust_model.training.seeds import seed_of
from dust_model.training.source import rows


class _Part(NamedTuple):
    """A micro-batch with its noise."""

    example: Example
    drawn: Draw
    noisy: Noisy


class Stepper:
    """Updates the weights batch by batch.

    Args:
        config: of the run.
        accelerator: of this process.
        learner: what is trained.
        optimizer: of its trained weights.
        condition: makes examples of batches.
        joints: how many first action columns are joints.
    """

    def __init__(
        self,
        config: TrainConfig,
        accelerator: Accelerator,
        learner: Learner,
        optimizer: torch.optim.Optimizer,
        condition: Callable[[Batch], Example],
        *,
        joints: int,
    ) -> None:
        self._config, self._accelerator = config, accelerator
        self._head: Head = learner.head  # type: ignore[assignment]
        self._wrapped: nn.Module = accelerator.prepare(learner)
        self._trained = [weight for weight in learner.parameters() if weight.requires_grad]
        self._optimizer, self._condition = optimizer, condition
        self._joints = joints

    @property
    def _attention(self) -> AbstractContextManager[None]:
        # Backwards, PyTorch's fused attention takes four times as long on a CPU.
        half = self._accelerator.mixed_precision == "bf16"
        return (
            plain_attention() if half and self._accelerator.device.type == "cpu" else nullcontext()
        )

    def update(self, step: int, batch: Batch) -> dict[str, float]:
        """Do update `step` with this process's share of a batch; return losses, rate and norm.

        Raises:
            ValueError: the loss is not finite; the weights are as they were.
        """
        config = self._config
        self._wrapped.train()
        with self._attention:
            losses = self._differentiate(step, self._noised(step, batch, "noise"))
        self._require_finite(losses["loss"], step, batch)
        norm = torch.nn.utils.clip_grad_norm_(self._trained, config.optimizer.clip or math.inf)
        rate = rate_at(config.optimizer, step, steps=config.steps)
        set_rate(self._optimizer, rate)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return losses | {"rate": rate, "norm": float(norm)}

    @torch.no_grad()
    def measure(self, index: int, batch: Batch) -> dict[str, float]:
        """Return the losses of a validation batch; the same `index`, the same noise."""
        self._wrapped.eval()
        parts = self._noised(index, batch, "validation")
        counts = self._count(parts)
        return self._sum([self._losses(part, counts) for part in parts])

    def _noised(self, step: int, batch: Batch, purpose: str) -> list[_Part]:
        config, head = self._config, self._head
        rank, ranks = self._accelerator.process_index, self._accelerator.num_processes
        size = math.ceil(len(batch) / config.accumulate)
        parts = []
        for start in range(0, len(batch), size):
            example = self._condition(rows(batch, slice(start, start + size)))
            count = len(example.state)
            places = range(rank + start * ranks, rank + (start + count) * ranks, ranks)
            drawn = draw(
                config.noise,
                [seed_of(config.seed, purpose, step, place) for place in places],
                action_shape=(head.horizon, head.config.action_dim),
                world_shape=head.world_shape,
                joints=self._joints,
                joint=head.config.architecture.joint_noise,
                device=example.state.device,
            )
            parts.append(_Part(example, drawn, noisy_of(config.noise, example, drawn)))
        return parts

    def _differentiate(self, step: int, parts: list[_Part]) -> dict[str, float]:
        config, accelerator = self._config, self._accelerator
        counts = self._count(parts)
        # Dropout: its own numbers in each process and each update, the same when it is done again.
        torch.manual_seed(seed_of(config.seed, "dropout", step, accelerator.process_index))
        losses = []
        for part in parts:
            last = part is parts[-1]
            with nullcontext() if last else accelerator.no_sync(self._wrapped):
                losses.append(self._losses(part, counts))
                # Processes average their gradients, but the counts are already everyone's.
                total = losses[-1].total(config.loss) * accelerator.num_processes
                accelerator.backward(total)
        return self._sum(losses)

    def _losses(self, part: _Part, counts: Counts) -> Losses:
        output = self._wrapped(part.example, part.noisy, part.drawn.keeps_state)
        free = self._config.noise.action_free
        return losses_of(output, part.example, part.noisy, counts, action_free=free)

    def _count(self, parts: list[_Part]) -> Counts:
        counts = torch.stack([torch.stack(Counts.of(part.noisy)) for part in parts]).sum(0)
        return Counts(*self._everyones(counts))

    def _sum(self, losses: list[Losses]) -> dict[str, float]:
        """Add up the shares of micro-batches and processes."""
        total = torch.stack([part.total(self._config.loss).detach() for part in losses]).sum()
        values = {"loss": total}
        for name in Losses._fields:
            shares = [getattr(part, name) for part in losses]
            if shares[0] is not None:
                values[name] = torch.stack([share.detach() for share in shares]).sum()
        sums = self._everyones(torch.stack(list(values.values())).float())
        return dict(zip(values, sums.tolist(), strict=True))

    def _everyones(self, values: Tensor) -> Tensor:
        if self._accelerator.num_processes == 1:
            return values
        return self._accelerator.reduce(values, "sum")

    def _require_finite(self, loss: float, step: int, batch: Batch) -> None:
        require(
            math.isfinite(loss),
            f"the loss of step {step} is {loss} (samples {', '.join(batch.keys[:4])} ...): look at "
            "the data and its statistics, or lower optimizer.learning_rate",
        )
