"""A training run of a micro model on made-up samples: python micro_run.py OUTPUT key=value ...

The tests of the trainer import it, and start it as a program where processes are to be killed.
"""

import resource
import sys
from pathlib import Path

import numpy as np
import torch
import yaml

from dust_model.config import HeadConfig, ModelConfig, VisionLanguageConfig
from dust_model.data.augment import Augmentation
from dust_model.data.collate import Collator
from dust_model.data.loader import Loader
from dust_model.data.memory import MemoryDataset, cut
from dust_model.data.window import Window
from dust_model.eagle import Eagle
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics, ColumnStatistics, Scaling, Statistics
from dust_model.tokenizer import build_tokenizer
from dust_model.training.assembly import build_accelerator
from dust_model.training.conditioning import Conditioner
from dust_model.training.config import load_config, require_same
from dust_model.training.learner import Learner
from dust_model.training.run_folder import RunFolder
from dust_model.training.saving import Origin
from dust_model.training.trainer import Trainer
from dust_model.variants import build_head

LANGUAGE = VisionLanguageConfig(
    image_size=56,
    vision_width=16,
    vision_layers=1,
    vision_heads=2,
    vision_mlp=16,
    text_width=16,
    text_layers=1,
    text_heads=2,
    text_mlp=16,
    vocab_size=400,
    image_token_id=398,
    feature_width=16,
)
HEAD = HeadConfig(
    heads=2,
    head_dim=8,
    dual_blocks=2,
    stream_blocks=1,
    output_width=16,
    state_dim=4,
    action_dim=4,
    dropout=0.1,
    alignment_width=16,
)
ROBOT = RobotSpec(views=("side",), joint_names=("a", "b"), horizon=4)
BASE = {
    "checkpoint": "unused",
    "data": {"datasets": ["unused"]},
    "steps": 6,
    "batch": 8,
    "save_every": 2,
    "precision": "float32",
    "dtype": "float32",
    "noise": {"prefix_max": 2, "state_drop": 0.2},
}


def load(output, overrides=()):
    """Return the configuration of a run into `output`."""
    path = Path(output).with_suffix(".yaml")
    path.write_text(yaml.safe_dump(BASE | {"output": str(output)}))
    return load_config(path, overrides)


def dataset():
    """Return three short episodes."""
    random = np.random.default_rng(0)
    episodes = []
    for number, length in enumerate((9, 5, 7)):
        images = random.integers(0, 255, (length, 60, 60, 3), dtype=np.uint8)
        table = random.normal(size=(length, 3)).cumsum(0)
        window = Window(horizon=ROBOT.horizon)
        text = ("pick", "place the cube")[number % 2]
        episodes.append(
            cut({"side": images}, table, table, text, window=window, primary_view="side")
        )
    return MemoryDataset(episodes)


def build(config, *, batches=None):
    """Return a trainer; `batches` wraps the source of batches."""
    torch.manual_seed(0)
    accelerator = build_accelerator(config)
    head_config = config.head_config(HEAD)
    model = ModelConfig(vision_language=LANGUAGE, head=head_config)
    samples = dataset()
    kinds = (Scaling.MIN_MAX,) * 3
    statistics = Statistics(
        state=ColumnStatistics.measure(samples.states(), kinds),
        action=ColumnStatistics.measure(samples.actions(), kinds),
        embedding=ChannelStatistics(mean=(0.1,) * 16, std=(0.9,) * 16),
    )
    eagle = Eagle(LANGUAGE).to(accelerator.device)
    head = build_head(model, horizon=ROBOT.horizon).to(accelerator.device)
    tokenizer = build_tokenizer(LANGUAGE)
    conditioner = Conditioner(
        eagle,
        tokenizer,
        ROBOT,
        head_config,
        trained=config.backbone.runs_in_learner,
    )
    conditioner.set_scale(statistics.embedding)
    augmentation = Augmentation() if config.data.augment else None
    collate = Collator(
        ROBOT,
        state=statistics.state,
        action=statistics.action,
        image_size=LANGUAGE.image_size,
        augmentation=augmentation,
    )
    source = Loader(samples, collate, batch_size=config.batch, seed=config.seed, lanes=2, run=3)
    trainer = Trainer(
        config,
        accelerator,
        Learner(head, eagle, trains=config.backbone),
        conditioner,
        batches(source) if batches else source,
        origin=Origin(tokenizer=tokenizer, robot=ROBOT, statistics=statistics, samples=21),
    )
    saved = RunFolder(Path(config.output)).newest(print) if config.resume else None
    if saved is not None:
        require_same(config, saved.progress["config"], where=str(saved.folder))
        trainer.go_on_from(saved)
    return trainer


def main():
    torch.set_num_threads(1)
    output, *overrides = sys.argv[1:]
    limits = [int(o.partition("=")[2]) for o in overrides if o.startswith("file_limit=")]
    overrides = [o for o in overrides if not o.startswith("file_limit=")]
    trainer = build(load(output, overrides))
    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        trainer.run()
    except ValueError as error:
        sys.exit(f"failed: {error}")


if __name__ == "__main__":
    main()
