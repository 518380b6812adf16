"""One episode converted into a folder of its own: whole, or not there.

STAGE/EPISODE/{rows.npz, episode.json, CAMERA.mp4}, or STAGE/EPISODE/left_out.json
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_demos.conversion.clips import ClipWriter, Encoding
from dust_demos.conversion.faults import EpisodeFault, Gate, LeftOut
from dust_demos.conversion.mapping import Mapping
from dust_demos.conversion.pictures import read_picture, scaled
from dust_demos.conversion.rows import Rows, make_rows
from dust_demos.conversion.span import check_outcome, episode_of
from dust_demos.conversion.statistics import ColourCounts, sampled
from dust_demos.conversion.take import Take, read_take
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import EpisodeFacts, Outcome

DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error)
"""What reading damaged messages may raise. OSError is not among them: a full disk is no fault of
the bag's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a conversion does, beside the bags.

    Attributes:
        mapping: what stands where in the bags.
        version: layout of the dataset, v3.0 or v2.1.
        fps: rows per second.
        size: width and height of stored images; None: as recorded.
        encoding: of the videos.
        trim: how long the arm may stand still at either end, s; None keeps all.
        pause: how long everything may stand still anywhere, s; None keeps all.
        outcomes: which are wanted.
        flagged: convert what the recorder flagged, too.
    """

    mapping: Mapping = field(default_factory=Mapping)
    version: str = "v3.0"
    fps: float = 15.0
    size: tuple[int, int] | None = None
    encoding: Encoding = field(default_factory=Encoding)
    trim: float | None = 0.5
    pause: float | None = None
    outcomes: tuple[Outcome, ...] = (Outcome.SUCCESS,)
    flagged: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON has them."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staged:
    """An episode that lies ready.

    Attributes:
        folder: where its clips are.
        facts: what it was; a JSON object.
        state: float32 [L, columns].
        action: float32 [L, columns].
        colours: camera -> counts of its colours.
        sizes: camera -> width and height.
        skew: longest time between the images of a row, s.
        lag: how much older than its row the oldest image of any is, s.
    """

    folder: Path
    facts: Dictionary[str, Any]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    colours: Dictionary[str, ColourCounts]
    sizes: Dictionary[str, tuple[int, int]]
    skew: float
    lag: float

    def __len__(self) -> int:
        return len(self.state)

    def clip(self, camera: str) -> Path:
        """Return the file with a camera's frames."""
        return self.folder / f"{camera}.mp4"


def stage(path: Path, name: str, folder: Path, settings: Settings) -> None:
    """Convert the bag at `path` into `folder`; an episode with a fault leaves why.

    Args:
        path: the bag.
        name: what it is called in complaints.
        folder: where to; appears when all is written.
        settings: of the conversion.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        _convert(path, draft, settings)
    except EpisodeFault as fault:
        _leave_out(draft, LeftOut(bag=name, gate=fault.gate, reason=str(fault)))
    except DAMAGE as error:
        text = str(error) if isinstance(error, ValueError) else f"is damaged: {error!r}"
        reason = (text or type(error).__name__).splitlines()[0]
        _leave_out(draft, LeftOut(bag=name, gate=Gate.BAG, reason=reason))
    os.replace(draft, folder)


def load(folder: Path) -> Staged | LeftOut:
    """Return what `stage` made."""
    if (folder / "left_out.json").is_file():
        values = json.loads((folder / "left_out.json").read_text())
        return LeftOut(bag=values["bag"], gate=Gate(values["gate"]), reason=values["reason"])
    notes = json.loads((folder / "episode.json").read_text())
    with np.load(folder / "rows.npz") as rows:
        return Staged(
            folder=folder,
            facts=notes["facts"],
            state=rows["state"],
            action=rows["action"],
            colours={
                name: ColourCounts(rows[f"colours.{name}"], notes["images"][name])
                for name in notes["sizes"]
            },
            sizes={name: (size[0], size[1]) for name, size in notes["sizes"].items()},
            skew=notes["skew"],
            lag=notes["lag"],
        )


def _convert(path: Path, draft: Path, settings: Settings) -> None:
    with Bag.open(path) as bag:
        facts = episode_of(bag, settings.mapping)
        if settings.mapping.episode_topic is not None:
            check_outcome(facts, settings.outcomes, flagged=settings.flagged)
        take = read_take(bag, facts, settings.mapping)
        rows = make_rows(
            take, settings.mapping, fps=settings.fps, trim=settings.trim, pause=settings.pause
        )
        colours, sizes = _write_clips(bag, take, rows, draft, settings)
    arrays: dict[str, Any] = {"state": rows.state, "action": rows.action}
    arrays |= {f"colours.{name}": known.counts for name, known in colours.items()}
    with (draft / "rows.npz").open("wb") as file:
        np.savez(file, **arrays)
    notes = {
        "facts": _told(take.facts),
        "images": {name: known.images for name, known in colours.items()},
        "sizes": sizes,
        "skew": rows.skew,
        "lag": rows.lag,
    }
    (draft / "episode.json").write_text(json.dumps(notes))


def _told(facts: EpisodeFacts) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(facts.to_json())
    return values


def _write_clips(
    bag: Bag, take: Take, rows: Rows, draft: Path, settings: Settings
) -> tuple[dict[str, ColourCounts], dict[str, tuple[int, int]]]:
    """Encode the images of every row; each message is decoded once, however often it is shown."""
    with ExitStack() as stack:
        cameras = {}
        for name, frames in take.frames.items():
            clip = ClipWriter(draft / f"{name}.mp4", settings.fps, settings.encoding)
            stack.enter_context(clip)
            cameras[frames.topic] = _Camera(name, clip, rows.images[name], settings.size)
        seen = dict.fromkeys(cameras, 0)
        for connection, _, data in bag.raw(cameras):
            topic = connection.topic
            camera = cameras[topic]
            if seen[topic] in camera.wanted:
                camera.take(seen[topic], bag.decode(connection, data))
            seen[topic] += 1
    by_name = {camera.name: camera for camera in cameras.values()}
    return (
        {name: camera.colours for name, camera in by_name.items()},
        {name: camera.clip.size for name, camera in by_name.items() if camera.clip.size},
    )


class _Camera:
    """Writes a camera's images in the order of the rows, in whatever order they come."""

    def __init__(
        self, name: str, clip: ClipWriter, order: NDArray[np.int64], size: tuple[int, int] | None
    ) -> None:
        self.name, self.clip, self.colours = name, clip, ColourCounts()
        self.wanted = set(order.tolist())
        self._order: Sequence[int] = order.tolist()
        self._size = size
        self._counted = set(sampled(len(order)).tolist())
        self._waiting: dict[int, Any] = {}

    def take(self, place: int, message: Any) -> None:
        """Write the image that is message `place` of its topic, and those that waited for it."""
        try:
            self._waiting[place] = scaled(read_picture(message), self._size)
            self._write()
        except ValueError as error:
            raise EpisodeFault(Gate.IMAGE, f"camera {self.name}: {error}") from None

    def _write(self) -> None:
        while self.clip.frames < len(self._order):
            place = self._order[self.clip.frames]
            if place not in self._waiting:
                return
            pixels = self._waiting[place]
            if self.clip.frames in self._counted:
                self.colours.add(pixels)
            self.clip.write(pixels)
            done = self.clip.frames
            if done == len(self._order) or self._order[done] != place:
                del self._waiting[place]


def _leave_out(draft: Path, finding: LeftOut) -> None:
    for file in draft.iterdir():
        file.unlink()
    (draft / "left_out.json").write_text(json.dumps(asdict(finding)))
