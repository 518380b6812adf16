"""A LeRobot dataset, v2.1 or v3.0, as samples for one robot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dust_model.config import require
from dust_model.data.faults import DataError, LeftOut, OnFault
from dust_model.data.recording import Episode, Recording
from dust_model.data.sample import Sample
from dust_model.data.video import end_of, read_frames
from dust_model.data.window import Window
from dust_model.robot import RobotSpec


class LeRobotDataset:
    """Samples of a LeRobot dataset: random access by index, runs of an episode by `read`.

    Picklable and without open files, so that a DataLoader's workers can share it however they are
    started. Frames are decoded when a sample is asked for; a run costs one seek per camera.

    Args:
        recording: the dataset's numbers.
        robot: whose views, rate, horizon and columns are wanted, and which embodiment slot.
        future: read the future image too; models that predict no future can spare it.
        learn_end: let the loss count actions behind an episode's end; see Window.

    Raises:
        ValueError: the dataset lacks a view of the robot, has other columns or another rate.
    """

    def __init__(
        self,
        recording: Recording,
        robot: RobotSpec,
        *,
        future: bool = True,
        learn_end: bool = False,
    ) -> None:
        _require_fit(recording, robot)
        self.recording, self.robot = recording, robot
        self._future = future
        self._absolute = recording.absolute
        fps, period, horizon = recording.layout.fps, robot.period, robot.horizon
        if recording.has_numbers:
            self.window = Window.at_rate(fps, period=period, horizon=horizon, learn_end=learn_end)
        else:
            self.window = Window.of_videos(fps, period=period, horizon=horizon)
        self._ends = np.cumsum(self.lengths)

    @classmethod
    def open(
        cls,
        path: str | Path,
        robot: RobotSpec,
        *,
        modality: str | Path | None = None,
        state: Sequence[str] | None = None,
        action: Sequence[str] | None = None,
        cameras: Mapping[str, str] | None = None,
        videos_only: bool = False,
        on_fault: OnFault = OnFault.RAISE,
        future: bool = True,
        learn_end: bool = False,
    ) -> LeRobotDataset:
        """Open the dataset at `path` and check that every episode's numbers and videos are there.

        With `videos_only` it may be of any robot and rate: states are zero, no action counts.

        Args and errors are those of Recording.open and of this class. Broken frames within a
        video show when they are decoded.
        """
        recording = Recording.open(
            path,
            modality=modality,
            state=state,
            action=action,
            cameras=cameras,
            videos_only=videos_only,
            on_fault=on_fault,
        )
        _require_fit(recording, robot)
        return cls(
            _with_videos(recording, robot, on_fault),
            robot,
            future=future,
            learn_end=learn_end,
        )

    @property
    def lengths(self) -> tuple[int, ...]:
        """Frames of each episode; each is a sample."""
        return tuple(len(episode) for episode in self.recording.episodes)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Episodes that were left out because they are faulty."""
        return self.recording.left_out

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Sample:
        """Return one sample; a run through `read` decodes far faster."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        place = index % len(self)
        episode = int(np.searchsorted(self._ends, place, side="right"))
        moment = place - int(self._ends[episode]) + self.lengths[episode]
        return self.read(episode, moment, moment + 1)[0]

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples of moments `start` to `stop` - 1 of an episode.

        Args:
            episode: place among the whole episodes (not the dataset's number).
            start: first moment.
            stop: moment behind the last.

        Raises:
            DataError: a video is missing or broken; the episode and file are named.
        """
        numbers = self.recording.episodes[episode]
        moments = range(start, min(stop, len(numbers)))
        try:
            views = {name: self._frames(numbers, name, moments) for name in self.robot.views}
        except DataError as fault:
            raise DataError(f"episode {numbers.files.index}: {fault}") from None
        return [self._sample(numbers, moment, views) for moment in moments]

    def read_numbers(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples of moments `start` to `stop` - 1 without decoding any picture."""
        numbers = self.recording.episodes[episode]
        moments = range(start, min(stop, len(numbers)))
        return [self._sample(numbers, moment, {}) for moment in moments]

    def future_of(self, episode: int, moment: int) -> int:
        """Return the frame of the episode that is the future view of `moment`."""
        return self.window.future(moment, self.lengths[episode])

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each episode, unique within the dataset, whatever was left out or split off."""
        return tuple(f"{episode.files.index:06d}" for episode in self.recording.episodes)

    @property
    def identity(self) -> str:
        """Digest of what the pictures and instructions are read from: other files, another one."""
        layout = self.recording.layout
        digest = hashlib.blake2b(digest_size=8)
        digest.update((layout.root / "meta" / "info.json").read_bytes())
        digest.update(json.dumps(sorted(layout.tasks.items())).encode())
        keys = [self.recording.modality.video[view] for view in self.robot.views]
        clips = {episode.clips[key].path for episode in layout.episodes for key in keys}
        tables = {episode.table for episode in layout.episodes}
        for path in sorted(path for path in clips | tables if path.exists()):
            found = path.stat()
            digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}".encode())
        return digest.hexdigest()

    def with_future(self, future: bool) -> LeRobotDataset:
        """Return the dataset with or without its future pictures."""
        learn_end = self.window.learn_end
        return LeRobotDataset(self.recording, self.robot, future=future, learn_end=learn_end)

    def split(self, share: float, *, seed: int = 0) -> tuple[LeRobotDataset, LeRobotDataset]:
        """Return the dataset without and with only a random `share` of its episodes.

        Whole episodes are kept apart, so that nothing of a validation episode is trained on. Both
        parts have at least one.
        """
        count = len(self.recording.episodes)
        require(0 < share < 1, f"share must lie between 0 and 1, got {share}")
        require(count >= 2, "one episode can't be split in two parts")
        chosen = np.random.default_rng(seed).permutation(count)
        held = set(chosen[: min(max(1, round(count * share)), count - 1)].tolist())
        return self._only(set(range(count)) - held), self._only(held)

    def _only(self, chosen: set[int]) -> LeRobotDataset:
        episodes = tuple(e for i, e in enumerate(self.recording.episodes) if i in chosen)
        return LeRobotDataset(
            replace(self.recording, episodes=episodes),
            self.robot,
            future=self._future,
            learn_end=self.window.learn_end,
        )

    def _frames(self, numbers: Episode, view: str, moments: range) -> dict[int, NDArray[np.uint8]]:
        wanted = set(moments)
        if self._future and view == self.robot.primary_view:
            wanted |= {self.window.future(moment, len(numbers)) for moment in moments}
        order = sorted(wanted)
        clip = numbers.files.clips[self.recording.modality.video[view]]
        times = [clip.start + float(numbers.times[moment]) for moment in order]
        # A third of a frame: the neighbour is never taken, whatever the rounding of the times.
        tolerance = 1 / (3 * self.recording.layout.fps)
        return dict(zip(order, read_frames(clip.path, times, tolerance=tolerance), strict=True))

    def _sample(
        self, numbers: Episode, moment: int, views: dict[str, dict[int, NDArray[np.uint8]]]
    ) -> Sample:
        state, actions, mask = self._numbers(numbers, moment)
        ahead = self.window.future(moment, len(numbers))
        return Sample(
            views={name: frames[moment] for name, frames in views.items()},
            state=state,
            actions=actions,
            action_mask=mask,
            instruction=self.recording.instruction(numbers, moment),
            future=views[self.robot.primary_view][ahead] if self._future and views else None,
            embodiment=self.robot.embodiment,
            key=f"{numbers.files.index:06d}/{moment:06d}",
        )

    def _numbers(
        self, numbers: Episode, moment: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Return state, actions and where they were demonstrated; zeros and nowhere in videos."""
        if self.recording.has_numbers:
            chunk = self.window.chunk(numbers.action, moment, self._absolute)
            return numbers.state[moment], *chunk
        shape = (self.robot.horizon, self.robot.action_dim)
        state = np.zeros(self.robot.state_dim, np.float32)
        return state, np.zeros(shape, np.float32), np.zeros(shape, np.bool_)


def _require_fit(recording: Recording, robot: RobotSpec) -> None:
    root, modality = recording.layout.root, recording.modality
    missing = [name for name in robot.views if name not in modality.video]
    require(
        not missing,
        f"{root} has no video for the view {', '.join(missing)}; it has "
        f"{', '.join(modality.video) or 'none'}: name them by data.cameras or in modality.json",
    )
    for view in robot.views:
        feature = recording.layout.features.get(modality.video[view], {})
        require(
            feature.get("dtype") == "video",
            f"{root}: view {view} should be the video feature {modality.video[view]!r}, "
            f"which has dtype {feature.get('dtype')!r}",
        )
    sizes = (
        ("state", modality.state, robot.state_dim),
        ("action", modality.action, robot.action_dim),
    )
    for kind, groups, columns in sizes if recording.has_numbers else ():
        found = sum(group.columns for group in groups)
        listed = ", ".join(f"{group.name} {group.columns}" for group in groups)
        require(
            found == columns,
            f"{root}: the {kind} has {found} columns ({listed}), the robot {columns}: select "
            "groups, or describe the columns in modality.json",
        )


def _with_videos(recording: Recording, robot: RobotSpec, on_fault: OnFault) -> Recording:
    """Return the recording with only the episodes whose videos reach to their last frame."""
    end = cache(end_of)
    whole, left_out = [], list(recording.left_out)
    for episode in recording.episodes:
        try:
            for view in robot.views:
                clip = episode.files.clips[recording.modality.video[view]]
                needed = clip.start + float(episode.times[-1])
                if end(clip.path) < needed:
                    raise DataError(
                        f"{clip.path} ends at {end(clip.path):.3f} s, its last frame is due at "
                        f"{needed:.3f} s"
                    )
            whole.append(episode)
        except DataError as fault:
            if on_fault is OnFault.RAISE:
                raise DataError(f"episode {episode.files.index}: {fault}") from None
            left_out.append(LeftOut(episode.files.index, str(fault)))
    if not whole:
        raise DataError(f"{recording.layout.root}: no episode is whole; {left_out[-1]}")
    return replace(recording, episodes=tuple(whole), left_out=tuple(left_out))
