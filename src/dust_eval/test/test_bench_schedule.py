"""The comparison under a load: what comes of made-up runs, and slowly of the real graph."""

import dataclasses
import json

import pytest

from dust_eval import bench, bench_schedule
from dust_eval.bench_pressure import Chunk, Phase, Promise
from dust_eval.bench_schedule import make_run, table, to_values, verdict
from dust_eval.task_client import GraphError

PHASES = [Phase("before", 10, 20), Phase("during", 20, 30), Phase("after", 30, 40)]


def heard(*steps):
    """Return ten seconds of chunks with each N_o."""
    return [
        Chunk(10 * (index + 1) + tick / 10, number)
        for index, number in enumerate(steps)
        for tick in range(100)
    ]


def make(schedule, steps, *, phases=PHASES, gap=0.0, ended=""):
    chunks = heard(*steps)
    # The executor has 0.8 s left after each chunk that it accepts.
    times = [chunk.time for chunk in chunks if not 25 < chunk.time < 25.8 + gap]
    promises = [Promise(time, 0.8, time, count) for count, time in enumerate(times)]
    return make_run(schedule, phases, chunks, promises, ended=ended)


def test_a_run_has_its_phases_and_its_chunks():
    run = make("auto", (64, 4, 64))
    assert [phase.name for phase in run.phases] == ["before", "during", "after"]
    assert [phase.vision_steps for phase in run.phases] == [64, 4, 64]
    assert [phase.underruns for phase in run.phases] == [0, 0, 0]
    assert run.recovery == pytest.approx(0.0)
    assert run.chunks[0] == (0.0, 64)
    assert len(run.chunks) == 300


def test_a_task_that_ended_early_has_the_phases_that_there_were():
    run = make("auto", (64, 4), phases=PHASES[:2], ended="joint states stopped")
    assert [phase.name for phase in run.phases] == ["before", "during"]
    assert run.recovery is None
    with pytest.raises(GraphError, match="ended early: joint states stopped"):
        make("auto", (64,), phases=[], ended="joint states stopped")


def test_the_table_sums_underruns_and_shows_the_worst():
    runs = [make("auto", (64, 4, 64)), make("fixed", (4, 4, 4), gap=0.5)]
    runs.append(make("auto", (32, 4, 32)))
    _, before, during, _, fixed, loaded, _ = table(runs).splitlines()
    assert before.split()[:3] == ["auto", "before", "48.0"]
    assert during.split() == ["auto", "during", "4.0", "4.0", "10.00", "0", "0", "800"]
    assert fixed.split()[-3:] == ["0", "0", "800"]
    count, longest, least = loaded.split()[-3:]
    assert (count, least) == ("1", "800")
    assert 400 <= int(longest) <= 700


def test_the_verdict_counts_over_runs():
    runs = [make("auto", (64, 4, 64)), make("fixed", (4, 4, 4), gap=0.5)]
    runs.append(make("auto", (64, 4, 4), ended=""))
    runs.append(make("fixed", (4, 4), phases=PHASES[:2], ended="stopped"))
    said = verdict(runs)
    assert "auto: ran out of actions 0 times in all" in said
    assert "fixed: ran out of actions 1 times in all" in said
    assert "fixed: a task ended early: stopped" in said
    assert "auto: N_o as before the load 0.0 s (0.0 to 0.0) after its end" in said
    assert "auto: N_o did not come back in 1 of 2 runs" in said


def test_everything_can_be_written():
    runs = [make("auto", (64, 4, 64)), make("fixed", (4,), phases=PHASES)]
    values = json.loads(json.dumps(to_values(runs, load=2, most=64), allow_nan=False))
    assert values["vision_steps"] == {"auto": 64, "fixed": 4}
    assert values["runs"][1]["phases"][2]["vision_steps"] is None
    assert values["runs"][0]["phases"][1] == dataclasses.asdict(runs[0].phases[1])
    assert table(runs).splitlines()[-1].split()[2] == "nan"


def test_the_expert_is_refused(capsys):
    assert bench.main(["--only", "schedule", "--checkpoint", "expert"]) == 2
    assert "takes no vision steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runs", "0"], "--runs: must lie between 1 and 1000, got 0"),
        (["--seconds", "0"], "--seconds: must lie between 1 and 86400, got 0"),
        (["--load", "-1"], "--load: must lie between 0 and 4096, got -1"),
    ],
)
def test_nonsense_is_refused(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        bench.main(["--only", "schedule", *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_graph_under_a_load(tmp_path, tiny_checkpoint, capsys):
    words = ["--only", "schedule", "--runs", "1", "--seconds", "30", "--load", "1"]
    words += ["--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path / "out")]
    assert bench.main(words) == 0, capsys.readouterr().err
    values = json.loads((tmp_path / "out" / "schedule.json").read_text())
    assert [run["schedule"] for run in values["runs"]] == ["auto", "fixed"]
    auto, fixed = values["runs"]
    assert {steps for _, steps in fixed["chunks"]} == {bench_schedule.FIXED_STEPS}
    assert {steps for _, steps in auto["chunks"]} <= {0, 4, 8, 16, 32, 64}
    assert all(phase["chunk_rate"] > 0 for run in values["runs"] for phase in run["phases"])
