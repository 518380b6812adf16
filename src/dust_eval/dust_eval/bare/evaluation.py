"""The trials of a plan without a graph, side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, Self

from tqdm import tqdm

from dust_eval.bare.settings import BareSettings
from dust_eval.bare.trial import BareCell
from dust_eval.failure import Failure
from dust_eval.run_folder import RunFolder
from dust_eval.schedule import Turn
from dust_eval.task_client import GraphError
from dust_eval.trace import Trace
from dust_eval.trial import TrialResult, TrialSpec


class BareEvaluation:
    """Carries out what is left of a plan; a context manager, as `Evaluation` is.

    Args:
        folder: Plan and results.
        workers: Processes; 0: as many as there are cores.
    """

    def __init__(self, folder: RunFolder, *, workers: int = 0) -> None:
        self._folder = folder
        self._workers = workers or os.cpu_count() or 1

    def __enter__(self) -> Self:
        """Start the processes; each loads what it needs at its first trial."""
        # Graphics and threads of this process must not be inherited.
        context = multiprocessing.get_context("spawn")
        self._strangers = set(multiprocessing.active_children())
        self._pool = ProcessPoolExecutor(self._workers, context, initializer=_be_quiet)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """End the processes; trials that run are lost, those that wait never begin."""
        if kind is not None:
            # Left to themselves they would finish their trials, and this process wait for that.
            workers = set(multiprocessing.active_children()) - self._strangers
            for process in workers:
                process.terminate()
            for process in workers:
                process.join()
        self._pool.shutdown(cancel_futures=True)

    def run(self) -> None:
        """Carry out what is not done yet.

        Raises:
            GraphError: A trial can't be carried out at all: a checkpoint that does not fit, no
                renderer, a process that died.
        """
        turns = self._folder.remaining()
        futures = {self._pool.submit(_carry_out, *self._job(turn)): turn for turn in turns}
        total = len(self._folder.plan.turns)
        with tqdm(total=total, initial=total - len(turns), unit="trial", file=sys.stderr) as bar:
            for future in as_completed(futures):
                try:
                    result, trace = future.result()
                except Exception as error:
                    raise GraphError(f"{futures[future].spec.name}: {error}") from error
                self._keep(futures[future], result, trace)
                _tell(bar, self._folder, futures[future], result)

    def log(self) -> str:
        """Return nothing: there are no nodes that print."""
        return ""

    def _job(self, turn: Turn) -> tuple[tuple[str, ...], TrialSpec, float]:
        plan = self._folder.plan
        words = (*plan.drivers[turn.driver].words, *plan.graph)
        return words, turn.spec, plan.time_limit_sec

    def _keep(self, turn: Turn, result: TrialResult, trace: Trace) -> None:
        episode = self._folder.new_episode(turn)
        trace.save(self._folder.episode_folder(episode) / "trace.npz")
        self._folder.append(turn, episode, result)


def _tell(bar: Any, folder: RunFolder, turn: Turn, result: TrialResult) -> None:
    """Say how it goes, without a word on who drove."""
    if result.failure is not Failure.NONE:
        said = f"{turn.spec.name}: {result.score:g} ({result.failure}: {result.reason})"
        bar.write(f"{turn.number}. {said}", file=sys.stderr)
    bar.update()
    bar.set_postfix_str(f"{sum(r.result.score for r in folder.records):g} of {len(folder.records)}")


def _be_quiet() -> None:
    # A terminal's Ctrl-C reaches every process; the one that collects the results decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_seated: dict[tuple[str, ...], BareCell] = {}
"""This process's cell, by its driver's arguments."""


def _cell(words: tuple[str, ...]) -> BareCell:
    """Return this process's cell with a driver; the one before is given up for it."""
    if words not in _seated:
        # Two graphics contexts in one thread would draw into each other.
        while _seated:
            _seated.popitem()[1].close()
        _seated[words] = BareCell(BareSettings.from_words(words))
    return _seated[words]


def _carry_out(
    words: tuple[str, ...], spec: TrialSpec, time_limit_sec: float
) -> tuple[TrialResult, Trace]:
    """Carry out one trial, in a worker."""
    return _cell(words).run(spec, time_limit_sec=time_limit_sec)
