"""Whole runs of a micro model: going on exactly, any number of processes, full disks."""

import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from dust_model.checkpoint import Checkpoint
from dust_model.training.report import read_curve

SCRIPT = Path(__file__).with_name("micro_run.py")


@pytest.fixture(scope="module")
def micro_run():
    spec = importlib.util.spec_from_file_location("micro_run", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """Let each test choose its precision: accelerate keeps one for the process."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


class Killed(BaseException):
    """Ends a run as SIGKILL would: nothing is saved any more."""


def killed_after(count):
    """Wrap a source so that the run dies when it asks for one batch more."""

    class Dying:
        def __init__(self, source):
            self._source = source

        def batches(self, **options):
            for number, batch in enumerate(self._source.batches(**options)):
                if number == count:
                    raise Killed
                yield batch

    return Dying


def losses(output):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read_curve(output)]


def weights(output):
    return Checkpoint.load(output / "last").policy()._head.state_dict()


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


VARIANTS = (
    (),
    ("average=0.9", "accumulate=2"),
    ("head.architecture=flare", "backbone=none"),
    ("backbone=language",),
    ("backbone=all", "head.architecture=groot_n1"),
    ("noise.action_free=true", "noise.prefix_max=0"),
    ("head.architecture=groot_n1", "noise.tau=beta"),
    ("precision=bfloat16",),
    ("optimizer.kind=muon", "average=0.9"),
)


@pytest.mark.parametrize("overrides", VARIANTS, ids=lambda o: " ".join(o) or "default")
def test_a_killed_run_goes_on_bitwise(micro_run, tmp_path, overrides):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert micro_run.build(micro_run.load(whole, overrides)).run() == 6
    config = micro_run.load(killed, overrides)
    with pytest.raises(Killed):
        micro_run.build(config, batches=killed_after(5)).run()
    assert len(losses(killed)) == 5
    again = micro_run.load(killed, (*overrides, "resume=true"))
    assert micro_run.build(again).run() == 6
    assert losses(killed) == losses(whole)
    assert [row["step"] for row in losses(whole)] == list(range(6))
    assert same(weights(whole), weights(killed))


def test_micro_batches_add_up(micro_run, tmp_path):
    exact = ("head.dropout=0",)
    micro_run.build(micro_run.load(tmp_path / "one", exact)).run()
    micro_run.build(micro_run.load(tmp_path / "four", (*exact, "accumulate=4"))).run()
    for a, b in zip(losses(tmp_path / "one"), losses(tmp_path / "four"), strict=True):
        assert a == pytest.approx(b, rel=1e-4)


def test_it_learns_and_says_so(micro_run, tmp_path):
    output = tmp_path / "run"
    overrides = ("steps=120", "save_every=60", "optimizer.learning_rate=0.01", "log_every=5")
    micro_run.build(micro_run.load(output, overrides)).run()
    rows = losses(output)
    assert rows[0]["loss"] == pytest.approx(rows[0]["action"] + rows[0]["world"])
    early, late = (sum(row["loss"] for row in part) for part in (rows[:30], rows[-30:]))
    assert late < 0.9 * early
    assert {"step", "loss", "action", "world", "rate", "norm"} <= set(rows[0])
    assert any((output / "tensorboard").iterdir())
    assert (output / "best").resolve().name in ("step-00000060", "step-00000120")


def test_a_checkpoint_runs_and_has_its_card(micro_run, tmp_path):
    output = tmp_path / "run"
    micro_run.build(micro_run.load(output, ("average=0.5",))).run()
    checkpoint = Checkpoint.load(output / "last")
    assert checkpoint.prefix_max == 2
    assert checkpoint.robot == micro_run.ROBOT
    features = torch.randn(5, 16)
    chunk = checkpoint.policy().sample(features, torch.ones(5, dtype=torch.bool), [0.0] * 3)
    assert chunk.actions.shape == (4, 3)
    card = (output / "last" / "README.md").read_text()
    for part in ("# dust policy, 6 updates", "| a | min_max |", "prefix_max: 2", "21 moments"):
        assert part in card


def test_the_vision_tower_stays_what_the_world_model_predicts(micro_run, tmp_path):
    before = micro_run.build(micro_run.load(tmp_path / "before", ("steps=1",)))
    before.run()
    micro_run.build(micro_run.load(tmp_path / "after", ("backbone=language",))).run()
    towers = [Checkpoint.load(tmp_path / n / "last").backbone()._eagle for n in ("before", "after")]
    first, second = (eagle.state_dict() for eagle in towers)
    moved = {name for name in first if not torch.equal(first[name], second[name])}
    assert not [name for name in moved if "vision_tower" in name]
    assert [name for name in moved if "language_model" in name]
    assert [name for name in moved if "multi_modal_projector" in name]


def test_averages_are_what_checkpoints_hold(micro_run, tmp_path):
    for name, overrides in (("plain", ()), ("averaged", ("average=0.9",))):
        micro_run.build(micro_run.load(tmp_path / name, overrides)).run()
    assert losses(tmp_path / "plain") == losses(tmp_path / "averaged")
    assert not same(weights(tmp_path / "plain"), weights(tmp_path / "averaged"))


def test_a_loss_that_is_not_finite_ends_the_run_and_changes_nothing(micro_run, tmp_path):
    class Broken:
        def __init__(self, source):
            self._source = source

        def batches(self, **options):
            for number, batch in enumerate(self._source.batches(**options)):
                if number == 2:
                    batch.state[0, 0] = math.nan
                yield batch

    output = tmp_path / "run"
    with pytest.raises(ValueError, match=r"the loss of step 2 is nan \(samples .*/0000"):
        micro_run.build(micro_run.load(output, ("noise.state_drop=0",)), batches=Broken).run()
    assert micro_run.build(micro_run.load(output, ("noise.state_drop=0", "resume=true"))).run() == 6


def test_a_damaged_checkpoint_costs_two_steps_only(micro_run, tmp_path):
    output = tmp_path / "run"
    micro_run.build(micro_run.load(output)).run()
    before = losses(output)
    state = output / "last" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-10])
    assert micro_run.build(micro_run.load(output, ("resume=true",))).run() == 6
    assert losses(output) == before


def test_a_signal_ends_the_run_with_a_checkpoint(micro_run, tmp_path):
    class Signalling:
        def __init__(self, source):
            self._source = source

        def batches(self, **options):
            for number, batch in enumerate(self._source.batches(**options)):
                if number == 2:
                    os.kill(os.getpid(), signal.SIGTERM)
                yield batch

    whole, output = tmp_path / "whole", tmp_path / "run"
    micro_run.build(micro_run.load(whole)).run()
    assert micro_run.build(micro_run.load(output), batches=Signalling).run() == 3
    assert micro_run.build(micro_run.load(output, ("resume=true",))).run() == 6
    assert losses(output) == losses(whole)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


class Losses:
    """Losses of a run by update, whatever its batches are; it is told to stop after one of them."""

    def __init__(self, micro_run, output, values):
        self._micro_run, self._output, self._values = micro_run, output, values

    def run(self, *overrides, stop=0):
        options = (f"steps={len(self._values)}", "save_every=2", *overrides)
        trainer = self._micro_run.build(self._micro_run.load(self._output, options))
        update = trainer._stepper.update

        def told(step, batch):
            trainer._told_to_stop = step + 1 == stop
            return update(step, batch) | {"loss": self._values[step]}

        trainer._stepper.update = told
        return trainer.run()

    @property
    def best(self):
        return (self._output / "best").resolve().name

    @property
    def progress(self):
        return json.loads((self._output / "last" / "progress.json").read_text())["progress"]


@pytest.mark.parametrize("values", [(5, 5, 1, 9, 4, 4), (5, 5, 9, 1, 6, 6), (5, 5, 2, 2, 3, 9)])
def test_where_a_run_is_stopped_does_not_decide_which_is_best(micro_run, tmp_path, values):
    whole, parts = (Losses(micro_run, tmp_path / name, values) for name in ("whole", "parts"))
    assert whole.run() == 6
    assert parts.run(stop=3) == 3
    assert parts.best == "step-00000002"
    assert parts.run("resume=true", stop=5) == 5
    assert parts.run("resume=true") == 6
    assert (parts.best, parts.progress["best"]) == (whole.best, whole.progress["best"])


def test_before_anything_competed_the_newest_is_the_best(micro_run, tmp_path):
    losses = Losses(micro_run, tmp_path / "run", (1, 9, 4, 4))
    assert losses.run(stop=1) == 1
    assert losses.best == "step-00000001"
    assert losses.run("resume=true", stop=3) == 3
    assert losses.best == "step-00000002"


def test_a_run_that_kept_no_mean_goes_on(micro_run, tmp_path):
    losses = Losses(micro_run, tmp_path / "run", (5, 5, 1, 1, 4, 4))
    losses.run(stop=3)
    path = tmp_path / "run" / "last" / "progress.json"
    kept = json.loads(path.read_text())
    del kept["progress"]["total"], kept["progress"]["count"]
    path.write_text(json.dumps(kept))
    assert losses.run("resume=true", stop=4) == 4
    assert losses.best == "step-00000002"  # of two updates only one is known
    assert losses.run("resume=true") == 6
    assert losses.best == "step-00000006"


def test_the_end_of_a_run_competes_whatever_its_length(micro_run, tmp_path):
    losses = Losses(micro_run, tmp_path / "run", (5, 5, 1))
    assert losses.run() == 3
    assert losses.best == "step-00000003"


def program(*arguments, processes=1):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    if processes > 1:
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *launch, *command[1:]]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=110)
    return process.returncode, out + err


def test_a_full_disk_is_one_line_and_loses_no_checkpoint(micro_run, tmp_path):
    output = tmp_path / "run"
    micro_run.build(micro_run.load(output)).run()
    (output / "step-00000006" / "progress.json").unlink()
    kept = {path: path.read_bytes() for path in output.glob("step-00000004/*")}
    code, text = finish(program(output, "resume=true", "file_limit=40000"))
    assert code == 1, text
    assert "failed: cannot save step 6" in text
    assert "Traceback" not in text
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on_bitwise(micro_run, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    long = ("steps=60", "save_every=10")
    micro_run.build(micro_run.load(whole, long)).run()
    process = program(killed, *long)
    deadline = time.monotonic() + 100
    while not (killed / "step-00000020").exists():
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
    process.kill()
    process.communicate()
    code, text = finish(program(killed, *long, "resume=true"))
    assert code == 0, text
    assert losses(killed) == losses(whole)
    assert same(weights(whole), weights(killed))


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [(), ("noise.action_free=true", "noise.prefix_max=0")])
def test_two_processes_learn_what_one_does(micro_run, tmp_path, overrides):
    exact = ("head.dropout=0", "steps=10", *overrides)
    one, two = tmp_path / "one", tmp_path / "two"
    micro_run.build(micro_run.load(one, exact)).run()
    code, text = finish(program(two, *exact, processes=2))
    assert code == 0, text
    assert len(losses(two)) == 10
    for a, b in zip(losses(one), losses(two), strict=True):
        assert a == pytest.approx(b, rel=1e-4)
