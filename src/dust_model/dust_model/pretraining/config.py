"""The configuration of a pre-training run: a YAML file, and `key=value` over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from dust_model import run_config
from dust_model.config import SIZES, require
from dust_model.data.augment import Augmentation
from dust_model.run_config import read_config
from dust_model.training.config import Precision
from dust_model.training.optim import OptimizerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """One stage.

    Attributes:
        steps: updates.
        batch: pictures per update.
        optimizer: its kind, rates and schedule.
        average: decay of the moving average of the weights, which is what is kept; 0 = off.
    """

    steps: int = 5000
    batch: int = 64
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=1e-3, beta1=0.9, beta2=0.99, weight_decay=0.05
        )
    )
    average: float = 0.999

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            value = getattr(self, name)
            require(value >= 1, f"{name} must be >= 1, got {value}")
        require(0 <= self.average < 1, f"average must lie in [0, 1), got {self.average}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageConfig(StageConfig):
    """The second stage.

    Attributes:
        prompts: instructions about each picture.
        tower_rate: share of the learning rate at which the vision tower goes on learning; 0 leaves
            it as the first stage made it, which saves a quarter of the time.
    """

    prompts: int = 4
    tower_rate: float = 0.2

    def __post_init__(self) -> None:
        # Not super(): slots make this another class than the one that super() means.
        StageConfig.__post_init__(self)
        require(self.prompts >= 1, f"prompts must be >= 1, got {self.prompts}")
        require(0 <= self.tower_rate <= 1, f"tower_rate must lie in [0, 1], got {self.tower_rate}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig:
    """Everything that decides what a run does.

    Attributes:
        pictures: folder of labelled pictures.
        output: folder of the run; its `checkpoint` is what comes out.
        size: of the model, as in `dust-init`.
        checkpoint: folder to start from instead of random weights; empty = none.
        seed: of everything random.
        limit: pictures to use; 0 = all.
        held_out: share of the pictures that the metrics are measured on.
        evaluated: held-out pictures that are looked at when a step is saved.
        probed: pictures from which, at the end, a linear map and a small network learn to read the
            finished checkpoint's features; 0 = leave that out.
        device: auto takes a GPU if there is one.
        precision: of the computation; auto is bfloat16 where the hardware has it.
        threads: of the CPU; 0 leaves that to PyTorch.
        dtype: of the weights in checkpoints.
        augmentation: how far crops and colours go.
        tower: the first stage.
        language: the second stage.
        log_every: updates between two points of the curves in TensorBoard.
        save_every: updates between two saved steps.
        resume: go on with the run in `output` if there is one.
    """

    pictures: str
    output: str
    size: str = "tiny"
    checkpoint: str = ""
    seed: int = 0
    limit: int = 0
    held_out: float = 0.03
    evaluated: int = 512
    probed: int = 2000
    device: str = "auto"
    precision: Precision = Precision.AUTO
    threads: int = 0
    dtype: str = "bfloat16"
    augmentation: Augmentation = field(default_factory=Augmentation)
    tower: StageConfig = field(default_factory=StageConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    log_every: int = 20
    save_every: int = 500
    resume: bool = False

    def __post_init__(self) -> None:
        require(self.size in SIZES, f"size must be one of {', '.join(SIZES)}, got {self.size!r}")
        counts = {"evaluated": 1, "log_every": 1, "save_every": 1, "limit": 0, "probed": 0}
        for name, least in counts.items():
            value = getattr(self, name)
            require(value >= least, f"{name} must be >= {least}, got {value}")
        require(0 < self.held_out < 1, f"held_out must lie in (0, 1), got {self.held_out}")
        require(self.threads >= 0, f"threads must be >= 0, got {self.threads}")

    @property
    def half(self) -> bool:
        """Whether the computation is in bfloat16; weights and losses never are."""
        if self.precision is not Precision.AUTO:
            return self.precision is Precision.BFLOAT16
        able = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        return torch.cuda.is_available() or able


FREE = ("resume", "log_every", "save_every", "output", "threads")
"""Fields that may change when a run goes on."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> PretrainConfig:
    """Read a YAML file and put `key=value` over it; see `read_config`."""
    return read_config(PretrainConfig, path, overrides)


def require_same(
    now: PretrainConfig, then: object, *, where: str, ahead: Sequence[str] = ()
) -> None:
    """Raise ValueError if a run would go on with another configuration than it began with.

    Args:
        now: the configuration to go on with.
        then: the one it began with.
        where: names the run.
        ahead: fields of what has not begun yet, which may still change.
    """
    run_config.require_same(now, then, free=(*FREE, *ahead), where=where)
