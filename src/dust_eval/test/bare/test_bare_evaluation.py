"""A plan carried out by processes beside each other."""

import json
import multiprocessing
import os
import signal
import threading
import time

import pytest

from dust_eval.bare import evaluation as bare_evaluation
from dust_eval.bare.evaluation import BareEvaluation
from dust_eval.driver import Driver, parse_driver
from dust_eval.run_folder import Plan, RunFolder
from dust_eval.task_client import GraphError
from dust_eval.trace import Trace
from dust_eval.trial import TrialSpec
from dust_node.interrupts import interruptible

SPECS = tuple(TrialSpec("box_to_bowl", "sponge", seed) for seed in range(2))


@pytest.fixture
def plan(tiny_checkpoint):
    """Return a function that makes the folder of an evaluation of these drivers."""

    def make(root, *drivers):
        return RunFolder.create(
            root,
            Plan(
                drivers=drivers,
                labels=tuple("AB"[: len(drivers)]),
                specs=SPECS,
                time_limit_sec=1.0,
                robot="bare",
            ),
        )

    return make


def run(folder, workers):
    with BareEvaluation(folder, workers=workers) as evaluation:
        evaluation.run()


def make_drivers(checkpoint):
    return [parse_driver(f"{name}={checkpoint},{words}") for name, words in DRIVERS]


def test_all_trials_of_all_drivers_are_done_and_kept(plan, tmp_path, tiny_checkpoint):
    folder = plan(tmp_path / "two", *make_drivers(tiny_checkpoint))
    run(folder, 2)
    assert folder.remaining() == []
    assert len(folder.records) == 4
    for record in folder.records:
        trace = Trace.load(folder.episode_folder(record.episode) / "trace.npz")
        assert len(trace) > 10
    written = [json.loads(line) for line in (folder.root / "trials.jsonl").open()]
    assert len(written) == 4


@pytest.mark.slow
def test_who_works_beside_whom_and_in_which_order_changes_nothing(plan, tmp_path, tiny_checkpoint):
    one, two = (plan(tmp_path / name, *make_drivers(tiny_checkpoint)) for name in ("one", "two"))
    run(one, 1)
    run(two, 2)
    assert results(one) == results(two)


DRIVERS = (("few", "vision_steps=4"), ("many", "vision_steps=8"))


def results(folder):
    return {record.number: record.result for record in folder.records}


def test_a_checkpoint_that_has_gone_ends_it_with_its_name(plan, tmp_path):
    folder = plan(tmp_path / "gone", Driver("gone", str(tmp_path / "nowhere")))
    with pytest.raises(GraphError, match="nowhere"):
        run(folder, 1)
    assert len(folder.remaining()) == 2


def test_an_interrupt_does_not_wait_for_trials_that_run(plan, tmp_path, monkeypatch):
    folder = plan(tmp_path / "long", *(Driver(name, name) for name in ("a", "b")))
    monkeypatch.setattr(bare_evaluation, "_carry_out", time.sleep)
    monkeypatch.setattr(BareEvaluation, "_job", lambda self, turn: (600.0,))

    def interrupt():
        while not multiprocessing.active_children():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    began = time.monotonic()
    # SIGINT may be ignored where the tests were started in the background.
    with pytest.raises(KeyboardInterrupt), interruptible():
        run(folder, 1)
    assert time.monotonic() - began < 60
    assert not multiprocessing.active_children()
