"""A trainer made of a configuration: checkpoint, demonstrations, statistics, what to go on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import broadcast_object_list
from torch import Tensor

from dust_model.checkpoint import BACKBONE, HEAD, TOKENIZER, Checkpoint
from dust_model.config import ModelConfig, require
from dust_model.data.focus import share
from dust_model.data.measure import ChannelMeter
from dust_model.data.sample import Sample
from dust_model.eagle import Eagle, empty_eagle
from dust_model.head import Head
from dust_model.statistics import ChannelStatistics, Statistics
from dust_model.tokenizer import read_tokenizer
from dust_model.training.conditioning import Conditioner
from dust_model.training.config import (
    BackboneTraining,
    HeadWeights,
    Precision,
    TrainConfig,
    require_same,
)
from dust_model.training.demonstrations import Demonstrations
from dust_model.training.learner import Learner
from dust_model.training.run_folder import RunFolder, Saved
from dust_model.training.saving import Origin
from dust_model.training.seeds import seed_of
from dust_model.training.source import BatchSource
from dust_model.training.trainer import Trainer
from dust_model.transform import ImageTransform
from dust_model.variants import build_head
from dust_model.weights import load_module

Say = Callable[[str], None]


def build_accelerator(config: TrainConfig) -> Accelerator:
    """Return accelerate's view of this process: device, number of processes, autocast."""
    precision = config.precision
    if precision is Precision.AUTO:
        precision = Precision.BFLOAT16 if torch.cuda.is_available() else Precision.FLOAT32
    parallel = DistributedDataParallelKwargs(
        broadcast_buffers=False,
        # Without an action loss, what lies between the last joint attention and it is not reached.
        find_unused_parameters=config.noise.action_free,
    )
    return Accelerator(
        mixed_precision="bf16" if precision is Precision.BFLOAT16 else "no",
        kwargs_handlers=[parallel],
    )


def build_trainer(config: TrainConfig, accelerator: Accelerator, say: Say) -> Trainer:
    """Build a trainer, set to where its run stands.

    Args:
        config: of the run.
        accelerator: of this process.
        say: is told what a user should know.

    Raises:
        ValueError: checkpoint, demonstrations, configuration or run do not fit; one line.
    """
    saved = _saved(config, say)
    start = Checkpoint.from_pretrained(config.checkpoint)
    model = _model(config, start)
    demonstrations = _demonstrations(config, start, model, say)
    eagle = _eagle(config, start, accelerator)
    conditioner = _conditioner(config, start, eagle, model)
    if config.features:
        demonstrations = _encoded(config, start, demonstrations, conditioner, accelerator)
    if saved is None:
        statistics = _statistics(config, start, demonstrations, conditioner, accelerator)
    else:
        statistics = Checkpoint.load(saved.folder).statistics
    conditioner.set_scale(statistics.embedding)
    head = _head(config, start, model, accelerator, say)
    batches = partial(
        demonstrations.loader,
        state=statistics.state,
        action=statistics.action,
        image_size=model.vision_language.image_size,
        batch=config.batch,
        seed=config.seed,
        lanes=config.data.lanes,
    )
    held = demonstrations.validation
    trainer = Trainer(
        config,
        accelerator,
        Learner(head, eagle, trains=config.backbone),
        conditioner,
        batches(demonstrations.training, augment=config.data.augment, focus=demonstrations.focus),
        None if held is None else batches(held, augment=False),
        origin=Origin(
            tokenizer=read_tokenizer(start.folder / TOKENIZER),
            robot=start.robot,
            statistics=statistics,
            samples=sum(demonstrations.training.lengths),
        ),
    )
    if saved is not None:
        trainer.go_on_from(saved)
        say(f"going on from {saved.folder}")
    return trainer


def _saved(config: TrainConfig, say: Say) -> Saved | None:
    folder = RunFolder(Path(config.output))
    if not config.resume:
        require(
            not folder.begun,
            f"{config.output} holds a run already: set resume=true to go on, or another output",
        )
        return None
    saved = folder.newest(say)
    if saved is not None:
        require_same(config, saved.progress["config"], where=str(saved.folder))
    return saved


def _model(config: TrainConfig, start: Checkpoint) -> ModelConfig:
    model = ModelConfig(
        vision_language=start.config.vision_language, head=config.head_config(start.config.head)
    )
    require(
        config.noise.prefix_max < start.robot.horizon,
        f"noise.prefix_max must lie below the horizon {start.robot.horizon}, "
        f"got {config.noise.prefix_max}",
    )
    return model


def _demonstrations(
    config: TrainConfig, start: Checkpoint, model: ModelConfig, say: Say
) -> Demonstrations:
    demonstrations = Demonstrations.open(
        config.data,
        start.robot,
        future=model.head.architecture.needs_future,
        seed=config.seed,
        videos=start.statistics if config.videos_only else None,
    )
    for line in demonstrations.left_out:
        say(line)
    if demonstrations.focus:
        part = share(demonstrations.training.lengths, demonstrations.focus, config.data.focus)
        say(f"{part:.0%} of the samples are from before a change of the hand")
    return demonstrations


def _eagle(config: TrainConfig, start: Checkpoint, accelerator: Accelerator) -> Eagle:
    """Read the vision-language model; what is trained of it is float32.

    A frozen one computes as perception does: in bfloat16 on a GPU, in float32 elsewhere.
    """
    half = accelerator.mixed_precision == "bf16" and not config.backbone.runs_in_learner
    half = half and accelerator.device.type == "cuda"
    eagle = load_module(
        lambda: empty_eagle(start.config.vision_language),
        start.folder / BACKBONE,
        device=str(accelerator.device),
        dtype=torch.bfloat16 if half else torch.float32,
    )
    if config.backbone is not BackboneTraining.NONE:
        eagle.projection.float()
    return eagle.eval()


def _head(
    config: TrainConfig, start: Checkpoint, model: ModelConfig, accelerator: Accelerator, say: Say
) -> Head:
    """Read the head's weights, or draw them."""
    horizon, wanted = start.robot.horizon, config.head_weights
    same = model.head.architecture is start.config.head.architecture
    if wanted is HeadWeights.CHECKPOINT or (wanted is HeadWeights.AUTO and same):
        return load_module(
            lambda: build_head(model, horizon=horizon),
            start.folder / HEAD,
            device=str(accelerator.device),
            dtype=torch.float32,
        )
    say(f"the head begins with random weights ({model.head.architecture})")
    torch.manual_seed(seed_of(config.seed, "head"))
    return build_head(model, horizon=horizon).to(accelerator.device)


def _conditioner(
    config: TrainConfig, start: Checkpoint, eagle: Eagle, model: ModelConfig
) -> Conditioner:
    return Conditioner(
        eagle,
        read_tokenizer(start.folder / TOKENIZER),
        start.robot,
        model.head,
        trained=config.backbone.runs_in_learner,
    )


def _encoded(
    config: TrainConfig,
    start: Checkpoint,
    demonstrations: Demonstrations,
    conditioner: Conditioner,
    accelerator: Accelerator,
) -> Demonstrations:
    """Let the frozen model see every picture once."""
    transform = ImageTransform(start.config.vision_language.image_size)
    views = start.robot.views

    def encode(samples: Sequence[Sample]) -> tuple[list[Tensor], Tensor]:
        pixels = [
            torch.stack([transform.normalise(transform.resize(s.views[name])) for name in views])
            for s in samples
        ]
        return conditioner.encode(torch.stack(pixels), [s.instruction for s in samples])

    return demonstrations.encoded(
        Path(config.features) / start.hidden_fingerprint(),
        encode,
        rank=accelerator.process_index,
        ranks=accelerator.num_processes,
        wait=accelerator.wait_for_everyone,
    )


def _statistics(
    config: TrainConfig,
    start: Checkpoint,
    demonstrations: Demonstrations,
    conditioner: Conditioner,
    accelerator: Accelerator,
) -> Statistics:
    """Measure the demonstrations; one process measures the scale of the future embedding."""
    state, action = demonstrations.state, demonstrations.action
    measured = start.statistics
    if config.data.measured_columns:
        measured = replace(measured, state=state, action=action)
    if not (config.data.measured_scale and conditioner.needs_future):
        return measured
    size = min(config.batch, config.scale_samples)
    found: list[ChannelStatistics | None] = [None]
    if accelerator.is_main_process:
        source = demonstrations.loader(
            demonstrations.training,
            state=state,
            action=action,
            image_size=start.config.vision_language.image_size,
            batch=size,
            seed=config.seed,
            augment=config.data.augment,
        )
        found = [_scale(source, conditioner, batches=-(-config.scale_samples // size))]
    broadcast_object_list(found)
    assert found[0] is not None
    return replace(measured, embedding=found[0])


def _scale(source: BatchSource, conditioner: Conditioner, *, batches: int) -> ChannelStatistics:
    meter = ChannelMeter(conditioner.channels)
    for batch in islice(source.batches(first=0, rank=0, ranks=1), batches):
        meter.add(conditioner.future(batch))
    return meter.result()
