"""Labelled pictures of the cell, to pre-train a vision-language model on. No ROS.

    python -m dust_sim.pictures OUT --count 60000 --seed 0 --workers 2

The scripted expert does random trials in the plain cell, and pictures are taken of random moments
of them, many changed: the arm off its way, everything somewhere else, other light, colours and
camera mounts. What the folder holds is written in `pictures_shards`. The same seed gives the same
files whatever the number of workers; a run that was interrupted goes on with the same command.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import mujoco
import numpy as np

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.objects import OBJECTS
from dust_sim.pictures_camera import VIEWS, PictureRenderer
from dust_sim.pictures_labels import Labeller
from dust_sim.pictures_moments import Changer, Moment, draw_placement, watch_trial
from dust_sim.pictures_shards import PER_SHARD, Shard, claim, facts, shard_path
from dust_sim.scene import build_model
from dust_sim.tasks import TASKS
from dust_sim.variation import Variation

_SHARES = {"nudge": 0.35, "move": 0.40}
_NEAR_WEIGHT = 3.0
_DESIGNED = 0.2
_PER_LOOK = 4


class Photographer:
    """Takes the pictures of whole shards; one in each process."""

    def __init__(self) -> None:
        self._designed = build_model()
        self._cell = Cell(self._designed)
        self._changer = Changer(self._designed)
        self._renderer = PictureRenderer(self._designed)
        self._labeller = Labeller(self._renderer)
        model = self._designed
        self._arm = np.array([model.joint(name).qposadr[0] for name in fr3.ARM_JOINTS])
        self._fingers = np.array([model.joint(name).qposadr[0] for name in fr3.FINGER_JOINTS])

    def fill(self, seed: int, index: int, count: int) -> Shard:
        """Take `count` pictures of shard `index`: always the same for the same seed."""
        random = np.random.default_rng([seed, index])
        task = list(TASKS)[index % len(TASKS)]
        name = list(OBJECTS)[index // len(TASKS) % len(OBJECTS)]
        moments = watch_trial(self._cell, draw_placement(task, name, random), random)
        weights = np.array([_NEAR_WEIGHT if moment.near else 1.0 for moment in moments])
        chosen = random.choice(len(moments), size=count, p=weights / weights.sum())
        shard = Shard()
        for place, number in enumerate(chosen):
            if place % _PER_LOOK == 0:
                self._look(random)
            self._take(shard, self._changed(moments[number], random))
        return shard

    def _changed(self, moment: Moment, random: np.random.Generator) -> Moment:
        kind = random.random()
        if kind < _SHARES["move"]:
            return self._changer.move(moment, random)
        if kind < _SHARES["move"] + _SHARES["nudge"]:
            return self._changer.nudge(moment, random)
        return moment

    def _look(self, random: np.random.Generator) -> None:
        strength = 0.0 if random.random() < _DESIGNED else float(random.random())
        self._renderer.wear(Variation.draw(int(random.integers(2**62)), strength))

    def _take(self, shard: Shard, moment: Moment) -> None:
        pictures = [self._renderer.draw(moment.snapshot, view) for view in VIEWS]
        labels = self._labeller.read(pictures, moment.placement.poses)
        shard.add(
            moment,
            [picture.rgb for picture in pictures],
            labels,
            joints=moment.snapshot[self._arm],
            width=float(moment.snapshot[self._fingers].sum()),
        )

    def close(self) -> None:
        """Release the graphics memory."""
        self._renderer.close()


Job = tuple[Path, int, int, int]
"""Folder, seed, number of the shard, pictures in it."""

_photographer: Photographer | None = None


def _work(job: Job) -> int:
    """Make one shard in a process of its own; answer how many pictures it has."""
    global _photographer
    if _photographer is None:
        _photographer = Photographer()
    folder, seed, index, count = job
    _photographer.fill(seed, index, count).save(shard_path(folder, index))
    return count


def make_pictures(
    folder: Path, *, count: int, seed: int = 0, workers: int = 1, per_shard: int = PER_SHARD
) -> int:
    """Fill a folder with pictures; what is there already is kept.

    Args:
        folder: where to; made if it is not there.
        count: pictures in all, >= 1, rounded up to whole shards; each is a pair of views.
        seed: of everything random.
        workers: processes, >= 1.
        per_shard: pictures of one trial, >= 1.

    Returns:
        Pictures that were made now.

    Raises:
        ValueError: a number is out of range, the folder holds other pictures, or something is not
            installed; the message says what.
    """
    counts = {"count": count, "workers": workers, "per_shard": per_shard}
    for name, value, least in (*((n, v, 1) for n, v in counts.items()), ("seed", seed, 0)):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    shards = -(-count // per_shard)
    claim(folder, facts(seed, per_shard))
    jobs = [
        (folder, seed, index, per_shard)
        for index in range(shards)
        if not shard_path(folder, index).exists()
    ]
    total, made = shards * per_shard, len(jobs) * per_shard
    with _results(jobs, workers) as results, _bar(total, total - made) as bar:
        for done in results:
            bar.update(done)
    return made


@contextmanager
def _results(jobs: Sequence[Job], workers: int) -> Iterator[Iterator[int]]:
    if workers == 1:
        yield map(_work, jobs)
        return
    # Spawned: a forked process would share the graphics driver's state.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield pool.imap_unordered(_work, jobs)


def _bar(total: int, done: int):  # type: ignore[no-untyped-def]
    try:
        from tqdm import tqdm
    except ImportError:
        raise ValueError("pictures need tqdm: pip install tqdm") from None
    return tqdm(total=total, initial=done, unit="picture", dynamic_ncols=True, mininterval=1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 2 for a mistake, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(
        "python -m dust_sim.pictures", description="Labelled pictures of the simulated cell."
    )
    parser.add_argument("out", type=Path, help="folder; goes on with what is in it")
    parser.add_argument("--count", type=int, default=60000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes; default: %(default)s"
    )
    options = parser.parse_args(arguments)
    try:
        made = make_pictures(
            options.out, count=options.count, seed=options.seed, workers=options.workers
        )
    except (ValueError, OSError, mujoco.FatalError) as error:
        print(f"pictures: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pictures: interrupted; the same command goes on", file=sys.stderr)
        return 130
    print(f"{options.out}: {made} pictures made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
