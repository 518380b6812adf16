"""A run made of a configuration: pictures, model, both stages, the checkpoint that comes out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from dust_model.checkpoint import BACKBONE, HEAD, TOKENIZER, Checkpoint
from dust_model.config import SIZES, require
from dust_model.data.measure import ChannelMeter
from dust_model.eagle import Eagle, empty_eagle, pool_patches
from dust_model.head import Head
from dust_model.init import write_untrained
from dust_model.pretraining.card import picture_card, probe_card
from dust_model.pretraining.config import PretrainConfig, StageConfig, require_same
from dust_model.pretraining.crops import Crops
from dust_model.pretraining.folder import PictureFolder
from dust_model.pretraining.learner import PictureLearner, Stage
from dust_model.pretraining.probe import probe
from dust_model.pretraining.source import PictureBatch, PictureSource, split
from dust_model.pretraining.tower import TowerHeads
from dust_model.pretraining.trainer import StageTrainer, describe, origin_of, saved_step
from dust_model.prompt import Prompter
from dust_model.tokenizer import read_tokenizer
from dust_model.training.card import CARD
from dust_model.training.run_folder import STATE, RunFolder
from dust_model.training.seeds import seed_of
from dust_model.variants import build_head
from dust_model.weights import load_module

Say = Callable[[str], None]

CHECKPOINT = "checkpoint"
"""Name of what comes out, in the folder of the run."""

_MEASURED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is trained, and what goes with it into checkpoints.

    Attributes:
        start: the checkpoint it began as.
        eagle: the vision-language part, float32.
        head: the diffusion head, which nothing changes.
        tokenizer: of the prompts.
    """

    start: Checkpoint
    eagle: Eagle
    head: Head
    tokenizer: Tokenizer


class Pretraining:
    """A whole run: two stages, one after the other.

    Args:
        config: of the run.
        say: is told what a user should know.

    Raises:
        ValueError: pictures, checkpoint, configuration or run do not fit; one line.
    """

    def __init__(self, config: PretrainConfig, say: Say) -> None:
        self._config, self._say = config, say
        self._output = Path(config.output)
        if config.threads:
            torch.set_num_threads(config.threads)
        self._require_free()
        self._device = device_of(config.device)
        self._heads: TowerHeads | None = None
        self._folder = PictureFolder.open(config.pictures, limit=config.limit)
        self._learned, self._held_out = split(self._folder, config.held_out)
        require(
            len(self._held_out) > 0 and self._folder.shards > 1,
            f"{config.pictures} has {self._folder.shards} shard only: make at least two, one of "
            "which is held out",
        )
        self._model = self._begin()
        self._crops = Crops(self._folder, self._model.eagle.config.image_size)

    def run(self) -> bool:
        """Train both stages and write the checkpoint; return whether the end was reached.

        Raises:
            ValueError: the loss is not finite, or something can't be written.
        """
        for stage in Stage:
            if not self._stage(stage):
                return False
        self._finish()
        return True

    def _require_free(self) -> None:
        begun = [stage for stage in Stage if RunFolder(self._output / stage).begun]
        require(
            self._config.resume or not begun,
            f"{self._output} holds a run already: set resume=true to go on, or another output",
        )

    def _begin(self) -> Model:
        config = self._config
        start = self._output / "start"
        if config.checkpoint:
            checkpoint = Checkpoint.from_pretrained(config.checkpoint)
        elif start.exists():
            checkpoint = Checkpoint.load(start)
        else:
            model = SIZES[config.size]
            checkpoint = write_untrained(start, model, seed=config.seed, dtype="float32")
        require(
            checkpoint.robot.views == self._folder.facts.views,
            f"the checkpoint sees {', '.join(checkpoint.robot.views)}, the pictures show "
            f"{', '.join(self._folder.facts.views)}",
        )
        eagle = load_module(
            lambda: empty_eagle(checkpoint.config.vision_language),
            checkpoint.folder / BACKBONE,
            device=str(self._device),
            dtype=torch.float32,
        )
        head = load_module(
            lambda: build_head(checkpoint.config, horizon=checkpoint.robot.horizon),
            checkpoint.folder / HEAD,
            device="cpu",
            dtype=torch.float32,
        )
        tokenizer = read_tokenizer(checkpoint.folder / TOKENIZER)
        return Model(start=checkpoint, eagle=eagle, head=head, tokenizer=tokenizer)

    def _stage(self, stage: Stage) -> bool:
        """Train a stage, or take it over as it is; return whether it is done."""
        config, root = self._config, self._output / stage
        settings: StageConfig = config.tower if stage is Stage.TOWER else config.language
        trainer = self._trainer(stage, settings)
        saved = saved_step(root, self._say) if config.resume else None
        if saved is not None:
            ahead = ("language", "probed") if stage is Stage.TOWER else ("probed",)
            where = str(saved.folder)
            require_same(config, saved.progress["config"], where=where, ahead=ahead)
            before = saved.progress["pictures"]
            require(
                before == len(self._folder),
                f"{saved.folder} has learned from a folder of {before} pictures, there are "
                f"{len(self._folder)} now: set limit={before}, or another output",
            )
            trainer.go_on_from(saved)
            self._say(f"{stage}: going on from {saved.folder}")
        if not trainer.over:
            source = self._source(stage, self._learned)
            trainer.run(
                source.batches(trainer.first),
                lambda: self._validation(stage),
                log_every=config.log_every,
                save_every=config.save_every,
            )
        if trainer.over:
            trainer.settle()
        return trainer.over

    def _trainer(self, stage: Stage, settings: StageConfig) -> StageTrainer:
        config = self._config
        torch.manual_seed(seed_of(config.seed, "heads"))
        learner = PictureLearner(
            self._model.eagle,
            self._folder.facts,
            Prompter(
                self._model.tokenizer,
                self._model.eagle.config,
                views=len(self._folder.facts.views),
            ),
            stage=stage,
            tunes_tower=config.language.tower_rate > 0,
        ).to(self._device)
        if self._heads is not None:
            learner.tower_heads.load_state_dict(self._heads.state_dict())
        self._heads = learner.tower_heads
        return StageTrainer(
            learner,
            settings,
            self._output / stage,
            half=config.half,
            tower_rate=config.language.tower_rate if stage is Stage.LANGUAGE else 1.0,
            fill=self._write,
            origin=origin_of(config, len(self._folder)),
        )

    def _source(
        self, stage: Stage, numbers: NDArray[np.int64], *, augment: bool = True
    ) -> PictureSource:
        config = self._config
        settings = config.tower if stage is Stage.TOWER else config.language
        return PictureSource(
            self._folder,
            self._crops,
            numbers,
            grid=self._model.eagle.config.grid,
            batch=settings.batch,
            prompts=1 if stage is Stage.TOWER else config.language.prompts,
            seed=seed_of(config.seed, stage),
            augmentation=config.augmentation if augment else None,
        )

    def _validation(self, stage: Stage) -> Iterator[PictureBatch]:
        """Give the held-out pictures that are looked at, the same ones every time."""
        count = min(self._config.evaluated, len(self._held_out))
        places = np.linspace(0, len(self._held_out) - 1, count).round().astype(np.int64)
        source = self._source(stage, self._held_out, augment=False)
        for begin in range(0, count, _MEASURED):
            numbers = self._held_out[places[begin : begin + _MEASURED]]
            yield source.of(numbers, np.random.default_rng(seed_of(self._config.seed, begin)))

    def _write(self, folder: Path, found: dict[str, float]) -> None:
        """Write a checkpoint of the weights as they are now, with its card."""
        model = self._model
        checkpoint = Checkpoint.save(
            folder,
            eagle=model.eagle,
            head=model.head,
            tokenizer=model.tokenizer,
            robot=model.start.robot,
            statistics=replace(model.start.statistics, embedding=self._embedding()),
            dtype=self._config.dtype,
        )
        card = picture_card(
            self._config, checkpoint, found, learned=len(self._learned), apart=len(self._held_out)
        )
        (folder / CARD).write_text(card)

    @torch.no_grad()
    def _embedding(self):  # type: ignore[no-untyped-def]
        """Measure the scale of the world model's target."""
        eagle, robot = self._model.eagle, self._model.start.robot
        meter = ChannelMeter(eagle.config.vision_width)
        for batch in self._validation(Stage.TOWER):
            primary = batch.pixels[:, robot.primary_index].to(self._device)
            tower = eagle.model.vision_tower(pixel_values=primary)
            meter.add(pool_patches(tower.last_hidden_state).float())
        return meter.result()

    def _finish(self) -> None:
        final = self._output / CHECKPOINT
        draft = final.with_name(f".{CHECKPOINT}")
        for folder in (draft, final):
            shutil.rmtree(folder, ignore_errors=True)
        last = (self._output / Stage.LANGUAGE / "last").resolve()
        shutil.copytree(last, draft, ignore=shutil.ignore_patterns(STATE, "progress.json"))
        checkpoint = Checkpoint.load(draft)
        if self._config.probed:
            self._probe(checkpoint)
        draft.rename(final)
        self._say(f"{final}: pre-trained {self._config.size} model, {checkpoint.fingerprint}")

    def _probe(self, checkpoint: Checkpoint) -> None:
        """Measure the finished checkpoint from the outside and add that to its card."""
        found = probe(
            checkpoint,
            self._folder,
            self._learned,
            self._held_out,
            count=self._config.probed,
            seed=self._config.seed,
            device=str(self._device),
        )
        self._say(describe(found))
        card = checkpoint.folder / CARD
        card.write_text(card.read_text() + probe_card(found))


def device_of(name: str) -> torch.device:
    """Return the device of a name; auto takes a GPU if there is one.

    Raises:
        ValueError: it can't be used.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} can't be used: {reason}") from None
    return torch.device(name)
