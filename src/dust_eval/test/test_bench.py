"""The benchmark's command line and parts; the figures themselves are a run's affair."""

import ast
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dust_eval import bench, bench_drivers, bench_graph, bench_model
from dust_eval.bench_machine import machine_lines
from dust_eval.bench_train import training_step
from dust_model.config import TINY
from dust_model.schedule import Plan


def make_parts(monkeypatch: pytest.MonkeyPatch, run: Callable[[str, Namespace], object]) -> None:
    """Let the parts do something else; nobody has to be able to drive then."""
    monkeypatch.setattr(bench_drivers, "require_drivers", lambda options: None)
    monkeypatch.setattr(
        bench.importlib, "import_module", lambda name: SimpleNamespace(run=partial(run, name))
    )


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Namespace]]:
    """Return the parts that were run, which do nothing."""
    ran: list[tuple[str, Namespace]] = []
    make_parts(monkeypatch, lambda name, options: ran.append((name, options)))
    return ran


@pytest.mark.parametrize(
    ("arguments", "modules"),
    [
        ([], [f"dust_eval.bench_{part}" for part in ("executor", "model", "graph", "schedule")]),
        (["--only", "memory"], ["dust_eval.bench_memory"]),
        (["--only", "model"], ["dust_eval.bench_model"]),
        (["--only", "graph", "--runs", "1"], ["dust_eval.bench_graph"]),
    ],
)
def test_parts_are_chosen(parts: list, arguments: list[str], modules: list[str]) -> None:
    assert bench.main(arguments) == 0
    assert [name for name, _ in parts] == modules


def test_a_failure_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, options: Namespace) -> None:
        raise RuntimeError("the graph did not come up")

    make_parts(monkeypatch, fail)
    assert bench.main(["--only", "graph"]) == 1
    assert capsys.readouterr().err == "error: the graph did not come up\n"


def test_ctrl_c_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(name: str, options: Namespace) -> None:
        raise KeyboardInterrupt

    make_parts(monkeypatch, stop)
    assert bench.main(["--only", "memory"]) == 130
    assert capsys.readouterr().err == "\nbench: stopped\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "graph", "--runs", "0"], "--runs: must lie between 1 and 1000, got 0"),
        (["--only", "executor", "--seconds", "-1"], "--seconds: must lie between 1 and 86400"),
        (["--only", "executor", "--seconds", "nan"], "--seconds: must lie between 1 and 86400"),
        (["--seconds", "soon"], "--seconds: must be a number, got soon"),
        (["--runs", "1.5"], "--runs: must be a whole number, got 1.5"),
        (["--only", "model", "--device", "foo"], "--device: invalid choice: 'foo'"),
        (["--only", "model", "--threads", "0"], "--threads: must lie between 1"),
        (["--only", "model", "--budget", "-1"], "--budget: must lie between 0"),
        (["--only", "memory", "--minutes", "0"], "--minutes: must lie between"),
        (
            ["--only", "schedule", "--most", "5"],
            "--most: must be a multiple of 4, got 5: take 4",
        ),
        (["--only", "schedule", "--most", "0"], "--most: must lie between 4 and 1024, got 0"),
        (["--out", ""], "--out: is empty: name a folder"),
        (["--out", "{}/file"], "--out: {}/file is not a folder: name another one"),
        (["--out", "{}/file/new"], "--out: {}/file is not a folder: name another one"),
    ],
)
def test_what_is_out_of_range_is_refused(
    parts: list, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list, message: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        bench.main([word.format(tmp_path) for word in words])
    assert ended.value.code == 2
    assert f"error: argument {message.format(tmp_path)}" in capsys.readouterr().err
    assert parts == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "model", "--device", "cuda"], "device 'cuda' can't be used: "),
        (["--seconds", "2"], "--seconds 2: schedule takes at least 3"),
        (["--minutes", "5"], "--minutes is for memory: add --only memory"),
        (["--only", "graph", "--checkpoint", "x"], "--checkpoint is for schedule and memory"),
        (["--only", "memory", "--watch", "--checkpoint", "x"], "--checkpoint: with --watch"),
        (["--only", "memory", "--domain", "5"], "--domain is for --watch"),
    ],
)
def test_what_is_not_possible_here_is_told_before_anything_is_measured(
    parts: list,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list,
    message: str,
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr(torch, "empty", absent)
    assert bench.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith(f"error: {message}")
    assert parts == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "memory", "--checkpoint", "nowhere"], "nowhere is no checkpoint"),
        (["--only", "memory", "--checkpoint", "{},vision_steps=5"], "must be a multiple"),
        (["--only", "memory", "--graph", "viewr:=on"], "unknown argument 'viewr'; did you mean"),
        (["--only", "memory", "--graph", "robot:=fr3"], "the program sets 'robot' itself"),
        (["--only", "schedule", "--graph", "vision_steps:=8"], "give --most instead"),
    ],
)
def test_who_can_not_drive_is_told_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tiny_checkpoint: Path, words: list, message: str
) -> None:
    assert bench.main([word.format(tiny_checkpoint) for word in words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert message in line


def test_a_folder_may_be_made(parts: list, tmp_path: Path) -> None:
    assert bench.main(["--only", "graph", "--out", str(tmp_path / "new" / "one")]) == 0
    assert parts[0][1].out == tmp_path / "new" / "one"
    assert not (tmp_path / "new").exists()


def test_the_models_part_needs_no_ros() -> None:
    """A researcher's machine has none."""
    names = ("bench", "bench_arguments", "bench_machine")
    for name in (*names, "bench_timing", "bench_model", "bench_train"):
        tree = ast.parse((Path(bench.__file__).parent / f"{name}.py").read_text())
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        own = {module for module in modules if module and module.startswith("dust_")}
        assert all(m.startswith(("dust_model.", "dust_eval.bench_")) for m in own), name


def test_the_machine_is_described() -> None:
    machine, versions = machine_lines()
    assert "cores" in machine
    assert f"torch {torch.__version__}" in versions


def test_the_graphs_table_has_least_median_greatest() -> None:
    fields = {field: 0.0 for _, field, _ in bench_graph.ROWS}
    reports = [SimpleNamespace(**fields | {"latency_p50": value}) for value in (0.3, 0.1, 0.2)]
    row = next(line for line in bench_graph.table(reports).splitlines() if "median [ms]" in line)
    assert row.split()[-3:] == ["100", "200", "300"]


def case(name: str) -> bench_model.Case:
    """Return a case that takes little time."""
    return bench_model.Case(name, "tiny", "cpu", 1, "wall", 0.0)


def test_samplers_are_compared_and_equal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_model, "PLANS", (Plan(1, 2),))
    bench_model.measure(case("sampler"))
    title, line, memory = capsys.readouterr().out.splitlines()
    assert title.startswith("  sampler tiny: float32, ")
    assert line.strip().startswith("(1,2): naive ")
    assert "recorded/naive" in line
    assert line.endswith("n=1, bit for bit equal")
    assert "GiB of memory at most" in memory


def test_encoding_is_timed(capsys: pytest.CaptureFixture[str]) -> None:
    bench_model.measure(case("encode"))
    line, _ = capsys.readouterr().out.splitlines()
    assert line.startswith("  encode tiny: float32, 2 views: ")
    assert line.endswith("n=3")


def test_a_training_step_trains() -> None:
    update = training_step(TINY, batch=2, device="cpu")
    first, second = update(), update()
    assert first["loss"] > 0
    assert second["rate"] > first["rate"]
    assert second["norm"] > 0


def test_the_largest_model_is_not_trained_here() -> None:
    options = bench.parser().parse_args([])
    cases = [(c.name, c.size) for c in bench_model._cases(options)]
    assert ("train", "tiny") in cases
    assert ("sampler", "n1") in cases
    assert ("train", "n1") not in cases
