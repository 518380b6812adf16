"""The demonstrations of a run: opened, measured, split, as batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from dust_model.actions import measure_steps
from dust_model.config import require
from dust_model.data.augment import Augmentation
from dust_model.data.collate import Collator
from dust_model.data.faults import OnFault
from dust_model.data.focus import Stretch, before_changes
from dust_model.data.lerobot import LeRobotDataset
from dust_model.data.loader import Loader
from dust_model.data.measure import measure
from dust_model.robot import RobotSpec
from dust_model.statistics import ColumnStatistics, Statistics
from dust_model.training.config import DataConfig
from dust_model.training.features import Encode, EncodedSource, encode_episodes
from dust_model.training.source import JoinedSources


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrations:
    """Opened LeRobot datasets.

    Attributes:
        config: what was asked for.
        robot: what they are of.
        training: episodes to learn from.
        validation: episodes kept apart, None if there are none.
        state: statistics of the states to learn from, raw units.
        action: statistics of the actions to learn from, raw units.
        left_out: a line for each faulty episode.
        focus: stretches of each training episode that come more often; empty for none.
    """

    config: DataConfig
    robot: RobotSpec
    training: JoinedSources
    validation: JoinedSources | None
    state: ColumnStatistics
    action: ColumnStatistics
    left_out: tuple[str, ...]
    focus: tuple[tuple[Stretch, ...], ...] = ()

    @classmethod
    def open(
        cls,
        config: DataConfig,
        robot: RobotSpec,
        *,
        future: bool,
        seed: int,
        videos: Statistics | None = None,
    ) -> Demonstrations:
        """Open the datasets.

        Args:
            config: which, and how they are split and normalised.
            robot: whose views, joints, horizon and rate they must have.
            future: read the future view too.
            seed: decides which episodes are kept apart.
            videos: look at the videos alone; these statistics stand for those of the columns.

        Raises:
            ValueError: a dataset is missing, faulty or of another robot.
        """
        opened = [
            LeRobotDataset.open(
                path,
                robot,
                cameras=config.cameras,
                videos_only=videos is not None,
                on_fault=_on_fault(config),
                future=future,
                learn_end=config.learn_end,
            )
            for path in config.datasets
        ]
        share = config.validation
        parts = [d.split(share, seed=seed) if share else (d, None) for d in opened]
        learned = [part for part, _ in parts]
        held = [part for _, part in parts if part is not None]
        # What is kept apart decides about nothing, not even about how columns are scaled.
        state, action = (
            _measure(learned, config, robot) if videos is None else (videos.state, videos.action)
        )
        lines = [
            f"{path}: {fault}"
            for path, dataset in zip(config.datasets, opened, strict=True)
            for fault in dataset.left_out
        ]
        return cls(
            config=config,
            robot=robot,
            training=JoinedSources(learned),
            validation=JoinedSources(held) if held else None,
            state=state,
            action=action,
            left_out=tuple(lines),
            focus=_focus(learned, config, robot),
        )

    def encoded(
        self,
        folder: Path,
        encode: Encode,
        *,
        rank: int = 0,
        ranks: int = 1,
        wait: Callable[[], None] = lambda: None,
    ) -> Demonstrations:
        """Return the demonstrations with every picture encoded by a frozen model.

        Args:
            folder: where the features are kept; of one vision-language model.
            encode: the model.
            rank: number of this process.
            ranks: processes that share the work.
            wait: returns when all processes have called it.

        Raises:
            DataError: a picture can't be decoded, or the disk is full.
        """

        def change(dataset: LeRobotDataset) -> EncodedSource:
            place = folder / dataset.identity
            pictures = dataset.with_future(False)
            encode_episodes(pictures, place, encode, rank=rank, ranks=ranks, progress=rank == 0)
            wait()
            return EncodedSource(dataset, place)

        held = self.validation
        return replace(
            self,
            training=self.training.mapped(change),
            validation=None if held is None else held.mapped(change),
        )

    def loader(
        self,
        source: JoinedSources,
        *,
        state: ColumnStatistics,
        action: ColumnStatistics,
        image_size: int,
        batch: int,
        seed: int,
        augment: bool,
        lanes: int = 0,
        focus: Sequence[Sequence[Stretch]] = (),
    ) -> Loader:
        """Return batches of `source`, normalised by the statistics that are given.

        The stretches in `focus` come as often as the configuration says.
        """
        config = self.config
        return Loader(
            source,
            Collator(
                self.robot,
                state=state,
                action=action,
                image_size=image_size,
                augmentation=Augmentation() if augment else None,
            ),
            batch_size=batch,
            seed=seed,
            lanes=lanes or None,
            workers=config.workers,
            run=config.run,
            buffer=config.buffer,
            on_fault=_on_fault(config),
            pin_memory=torch.cuda.is_available(),
            focus=focus,
            times=config.focus,
        )


def _focus(
    parts: Sequence[LeRobotDataset], config: DataConfig, robot: RobotSpec
) -> tuple[tuple[Stretch, ...], ...]:
    if config.focus == 1:
        return ()
    joints = len(robot.joint_names)
    require(
        all(part.recording.has_numbers for part in parts) and robot.action_dim > joints,
        "data.focus needs demonstrations with commands of the gripper: set it to 1",
    )
    return tuple(
        before_changes(
            episode.action[:, joints],
            max(1, round(config.focus_sec * part.recording.layout.fps)),
        )
        for part in parts
        for episode in part.recording.episodes
    )


def _on_fault(config: DataConfig) -> OnFault:
    return OnFault.SKIP if config.skip_faulty else OnFault.RAISE


def _measure(
    parts: list[LeRobotDataset], config: DataConfig, robot: RobotSpec
) -> tuple[ColumnStatistics, ColumnStatistics]:
    recordings = [part.recording for part in parts]
    state, action = measure(recordings[0], config.scaling)
    if len(recordings) > 1:
        states, actions = (
            np.concatenate([getattr(r, kind)() for r in recordings])
            for kind in ("states", "actions")
        )
        state = ColumnStatistics.measure(states, state.scaling)
        action = ColumnStatistics.measure(actions, action.scaling)
    if config.relative:
        action = _with_steps(action, parts, robot)
    return state, action


def _with_steps(
    action: ColumnStatistics, parts: list[LeRobotDataset], robot: RobotSpec
) -> ColumnStatistics:
    joints = len(robot.joint_names)
    require(
        all(part.recording.absolute[:joints].all() for part in parts),
        "data.relative needs absolute joint positions: the dataset's are differences already",
    )
    strides = {part.window.stride for part in parts}
    require(len(strides) == 1, "data.relative needs datasets of one rate")
    mean, std = measure_steps(
        ((e.state, e.action) for part in parts for e in part.recording.episodes),
        horizon=robot.horizon,
        joints=joints,
        stride=strides.pop(),
    )
    return replace(action, step_mean=mean, step_std=std)
