"""The folder that the recorder writes into: what is being recorded, and what came of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dust_demos.recording.facts import EpisodeFacts
from dust_demos.recording.stored_facts import METADATA, facts_in_yaml
from dust_eval.task_client import GraphError

_POLL_SEC = 0.05

_Found = TypeVar("_Found")


class Bags:
    """Waits for the recorder by what lies on disk, which is what counts in the end.

    Args:
        out: Folder that gets a folder per episode.
        alive: Whether the graph still runs.
        patience_sec: Longest wait for the recorder. Unit: s of wall time.
    """

    def __init__(self, out: Path, *, alive: Callable[[], bool], patience_sec: float = 20.0) -> None:
        self._out = out
        self._alive = alive
        self._patience_sec = patience_sec

    def drop(self, name: str) -> None:
        """Remove what an interrupted collection has left of an episode."""
        shutil.rmtree(self._out / name, ignore_errors=True)

    def wait_begun(self, name: str) -> None:
        """Wait until the recorder has begun with an episode.

        Raises:
            GraphError: It has not; the message says why that may be.
        """
        self._wait(
            lambda: (self._out / name).is_dir() or None,
            f"the recorder did not begin with {name}: does it refuse (disk full)?",
        )

    def wait_closed(self, name: str) -> EpisodeFacts:
        """Wait until the recorder has closed an episode, and return its facts.

        Raises:
            GraphError: It has not.
        """
        return self._wait(lambda: self._facts(name), f"the recorder did not close {name}")

    def _facts(self, name: str) -> EpisodeFacts | None:
        facts = facts_in_yaml(self._out / name / METADATA)
        return facts if facts is not None and facts.complete else None

    def _wait(self, look: Callable[[], _Found | None], complaint: str) -> _Found:
        deadline = time.monotonic() + self._patience_sec
        while (found := look()) is None:
            if not self._alive():
                raise GraphError("the graph ended while a bag was being written")
            if time.monotonic() > deadline:
                raise GraphError(f"{complaint} within {self._patience_sec:g} s")
            time.sleep(_POLL_SEC)
        return found
