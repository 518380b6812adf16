"""Which bags there are, and the work on them by several processes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import cv2

from dust_demos.conversion.staging import Settings, stage

SUFFIXES = (".mcap", ".db3")
METADATA = "metadata.yaml"


@dataclass(frozen=True, slots=True)
class Source:
    """A bag to convert: where it lies, and its name among the others."""

    path: Path
    name: str

    @property
    def files(self) -> tuple[Path, ...]:
        """The bag's files."""
        if self.path.is_file():
            return (self.path,)
        return tuple(sorted(file for file in self.path.iterdir() if file.is_file()))

    @property
    def bytes(self) -> int:
        """How large it is."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def key(self) -> str:
        """Name for its staging folder; another one when the bag has changed."""
        marks = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in self.files]
        digest = hashlib.sha256(json.dumps([self.name, marks]).encode()).hexdigest()[:16]
        return f"{re.sub(r'[^A-Za-z0-9._-]', '_', self.name)[-60:]}-{digest}"


def find_bags(paths: Sequence[Path]) -> list[Source]:
    """Return the bags at `paths` and in folders below, each once, in the order of their names.

    Raises:
        ValueError: a path does not exist, or there is no bag at or below it.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise ValueError(f"{path} does not exist")
        bags = list(_below(path))
        if not bags:
            raise ValueError(f"{path}: no bag there (a folder with {METADATA}, or *.mcap)")
        found |= dict.fromkeys(bag.resolve() for bag in bags)
    if len(found) == 1:
        return [Source(path, path.name) for path in found]
    parent = os.path.commonpath([bag.parent for bag in found])
    sources = [Source(path, path.relative_to(parent).as_posix()) for path in found]
    return sorted(sources, key=lambda source: _natural(source.name))


def _below(path: Path) -> Iterator[Path]:
    if path.is_file():
        if path.suffix in SUFFIXES:
            yield path
        return
    files = [file for file in sorted(path.iterdir()) if file.suffix in SUFFIXES]
    if (path / METADATA).is_file():
        yield path
        return
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir())
    below = [bag for folder in folders if folder.name[0] != "." for bag in _below(folder)]
    # A bag whose metadata.yaml is lost; beside other bags the file is one of them.
    if len(files) == 1 and not below:
        yield path
        return
    yield from files
    yield from below


def _natural(name: str) -> list[tuple[int, str]]:
    """Let take_2 come before take_10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def stage_all(
    sources: Sequence[Source],
    folder: Path,
    settings: Settings,
    *,
    workers: int,
    done: Callable[[], None],
) -> None:
    """Convert every bag that has no staging folder yet.

    Args:
        sources: the bags.
        folder: where the staging folders are.
        settings: of the conversion.
        workers: processes; 1 works in this one.
        done: called when an episode is ready or left out.

    Raises:
        ValueError: a process was killed.
        OSError: the disk is full or can't be written.
    """
    waiting = [source for source in sources if not (folder / source.key).exists()]
    jobs = [(source.path, source.name, folder / source.key, settings) for source in waiting]
    for _ in range(len(sources) - len(jobs)):
        done()
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            stage(*job)
            done()
        return
    with _pool(min(workers, len(jobs))) as pool:
        try:
            for ready in as_completed([pool.submit(stage, *job) for job in jobs]):
                ready.result()
                done()
        except BrokenProcessPool:
            raise ValueError(
                "a process was killed, perhaps for want of memory: go on with --resume and "
                "fewer --workers"
            ) from None


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    """Give processes; on an error those that wait are called off."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, end with it, and use one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers have a parent"

    def end_with_parent() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
