"""The configuration of a run: a YAML file, and `key=value` from the command line over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from dust_model import run_config
from dust_model.config import HeadConfig, require
from dust_model.records import from_json, to_json
from dust_model.run_config import read_config
from dust_model.statistics import Scaling
from dust_model.training.learner import BackboneTraining
from dust_model.training.losses import LossConfig
from dust_model.training.noise import NoiseConfig
from dust_model.training.optim import OptimizerConfig


class Precision(StrEnum):
    """Number format of the computation; trained weights and losses are always float32."""

    AUTO = "auto"
    """bfloat16 on a GPU, float32 elsewhere."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class HeadWeights(StrEnum):
    """Where the head's weights come from."""

    AUTO = "auto"
    """From the checkpoint if its head has the same architecture, else random."""
    CHECKPOINT = "checkpoint"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Demonstrations.

    Attributes:
        datasets: folders of LeRobot datasets (v2.1 or v3.0) for the checkpoint's robot; of any
            robot and rate if only videos count: noise.action_free=true noise.state_drop=1.0.
        cameras: the robot's views -> cameras of the datasets, where their names differ; one camera
            may stand in for several views.
        augment: random crops and colours; without, every image is seen as in inference.
        validation: share of the episodes that is kept apart to choose the best checkpoint by, and
            of which nothing is measured; 0 chooses it by the training loss.
        skip_faulty: leave faulty episodes out and list them, instead of ending.
        learn_end: let the loss count the actions behind an episode's end, held or zero.
        scaling: how columns are normalised.
        focus: how often the moments before the hand opens or closes come in an epoch; see
            dust_model.data.focus. 1 = once, like all others.
        focus_sec: how long before it they begin, s.
        relative: learn joint positions relative to the measured state, each step of the chunk in
            its own scale; see dust_model.actions.
        measured_columns: normalise states and actions by statistics of these demonstrations; False
            takes the checkpoint's, and so do videos alone.
        measured_scale: the same for the future embedding; False goes on with a world model.
        workers: processes that decode, for each process that trains.
        lanes: streams that a batch is put together from, a multiple of the processes and a divisor
            of the batch; 0 chooses the largest divisor up to 16.
        run: neighbouring moments that are decoded together.
        buffer: decoded moments to draw from, in all lanes together.
    """

    datasets: tuple[str, ...]
    cameras: dict = field(default_factory=dict)
    augment: bool = True
    validation: float = 0.0
    skip_faulty: bool = False
    learn_end: bool = False
    scaling: Scaling = Scaling.MIN_MAX
    focus: int = 1
    focus_sec: float = 2.5
    relative: bool = False
    measured_columns: bool = True
    measured_scale: bool = True
    workers: int = 2
    lanes: int = 0
    run: int = 32
    buffer: int = 256

    def __post_init__(self) -> None:
        require(bool(self.datasets), "datasets must name at least one folder")
        wrong = [name for name, camera in self.cameras.items() if not isinstance(camera, str)]
        require(not wrong, f"cameras.{next(iter(wrong), '')} must be the name of a camera")
        require(0 <= self.validation < 1, f"validation must lie in [0, 1), got {self.validation}")
        require(self.focus_sec > 0, f"focus_sec must be > 0, got {self.focus_sec}")
        limits = (("workers", 0), ("lanes", 0), ("run", 1), ("buffer", 1), ("focus", 1))
        for name, least in limits:
            value = getattr(self, name)
            require(value >= least, f"{name} must be >= {least}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides what a run does.

    Attributes:
        checkpoint: folder to start from: vision-language model, tokenizer, robot and head.
        output: folder of the run: checkpoints, model card, losses, TensorBoard.
        data: demonstrations.
        steps: updates.
        batch: samples per update, over all processes.
        accumulate: parts into which a process splits its samples, to save memory.
        seed: of everything random.
        precision: of the computation.
        dtype: of the weights in checkpoints.
        backbone: how much of the vision-language model is trained.
        head_weights: where the head's weights come from.
        head: fields of the head's configuration that differ from the checkpoint's.
        noise, loss, optimizer: see their classes.
        average: decay of the moving average of the weights that checkpoints then hold; 0 = off.
        features: folder in which a frozen model's features are kept; empty = they are not.
        scale_samples: samples that the scale of the future embedding is measured on.
        log_every: updates between two points of the curves in TensorBoard.
        save_every: updates between two checkpoints.
        resume: go on with the run in `output` if there is one.
    """

    checkpoint: str
    output: str
    data: DataConfig
    steps: int = 60_000
    batch: int = 32
    accumulate: int = 1
    seed: int = 0
    precision: Precision = Precision.AUTO
    dtype: str = "bfloat16"
    backbone: BackboneTraining = BackboneTraining.PROJECTION
    head_weights: HeadWeights = HeadWeights.AUTO
    head: dict = field(default_factory=dict)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    average: float = 0.0
    features: str = ""
    scale_samples: int = 512
    log_every: int = 10
    save_every: int = 1000
    resume: bool = False

    def __post_init__(self) -> None:
        counts = ("steps", "batch", "accumulate", "scale_samples", "log_every", "save_every")
        for name in counts:
            value = getattr(self, name)
            require(value >= 1, f"{name} must be >= 1, got {value}")
        require(
            self.dtype in ("float32", "bfloat16", "float16"),
            f"dtype must be one of float32, bfloat16, float16, got {self.dtype!r}",
        )
        require(0 <= self.average < 1, f"average must lie in [0, 1), got {self.average}")
        frozen = not self.backbone.runs_in_learner
        require(
            not self.features or (frozen and not self.data.augment),
            "features can be kept only of images that stay the same and of a model that does: "
            "set data.augment=false and backbone=projection or none, or leave features empty",
        )

    @property
    def videos_only(self) -> bool:
        """Whether nothing is learned from states and actions, so that data may lack them."""
        return self.noise.action_free and self.noise.state_drop == 1

    def head_config(self, base: HeadConfig) -> HeadConfig:
        """Return the checkpoint's head configuration `base` with this run's changes.

        Raises:
            ValueError: a field is unknown or refused, or the run can't train such a head.
        """
        head = from_json(HeadConfig, to_json(base) | self.head, where="head")
        architecture = head.architecture
        require(
            not self.noise.action_free
            or (architecture.predicts_vision and not architecture.joint_noise),
            f"noise.action_free needs a head with noise of its own for vision, not {architecture}",
        )
        require(
            not (self.backbone is BackboneTraining.ALL and architecture.needs_future),
            f"backbone=all would move what a head of architecture {architecture} predicts, "
            "the vision tower's tokens: set backbone=language",
        )
        return head


FREE = ("resume", "log_every", "save_every", "output")
"""Fields that may change when a run goes on."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and put `key=value` over it; see `read_config`."""
    return read_config(TrainConfig, path, overrides)


def require_same(now: TrainConfig, then: object, *, where: str) -> None:
    """Raise ValueError if a run would go on with another configuration than it began with."""
    run_config.require_same(now, then, free=FREE, where=where)
