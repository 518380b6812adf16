"""Tests of dust_eval.summary and dust_eval.report: what an evaluation says in the end."""

import json

import pytest

from dust_eval import report
from dust_eval.driver import Driver
from dust_eval.failure import Failure
from dust_eval.plots import FORMATS
from dust_eval.report import write_report
from dust_eval.run_folder import Plan, RunFolder
from dust_eval.summary import summarise, summarise_driver
from dust_eval.table import markdown_report, text_report
from dust_eval.trial import Flow, TrialResult, TrialSpec

DRIVERS = (Driver("dust", "/models/dust"), Driver("n1", "/models/n1"))
SPECS = tuple(
    TrialSpec(task, name, seed, ("blue_cup",) if seed else ())
    for task in ("box_to_bowl", "box_to_plate")
    for name in ("sponge", "blue_cube")
    for seed in range(2)
)


def result(spec, score, *, failure=Failure.MISSED_GRASP, picked="", attempted="", rate=15.0):
    return TrialResult(
        spec=spec,
        score=score,
        reason="seen",
        elapsed_sec=10.0 + spec.seed,
        chunks=60,
        samples=1000,
        outside=spec.seed,
        failure=Failure.NONE if score == 1 else failure,
        picked=picked,
        attempted=attempted,
        flow=Flow(rate, 0.1, 0.2, 2, 1, 0.9),
    )


@pytest.fixture
def folder(tmp_path):
    """An evaluation in which dust does all of it and n1 takes the wrong object where it can."""
    plan = Plan(
        drivers=DRIVERS, labels=("B", "A"), specs=SPECS, time_limit_sec=45.0, block=2, seed=1
    )
    folder = RunFolder.create(tmp_path / "out", plan)
    for turn in folder.remaining():
        right = turn.driver == 0 or not turn.spec.distractors
        chosen = turn.spec.object_name if right else "blue_cup"
        score = 1.0 if turn.driver == 0 else 0.0
        kind = Failure.MISSED_GRASP if right else Failure.WRONG_OBJECT
        value = result(turn.spec, score, failure=kind, picked=chosen, attempted=chosen)
        folder.append(turn, turn.episode_id, value)
    return folder


def test_letters_become_names_again(folder):
    summary = summarise(folder)
    dust, n1 = summary.drivers
    assert (dust.driver.name, dust.overall.score, dust.overall.trials) == ("dust", 8.0, 8)
    assert (n1.driver.name, n1.overall.score) == ("n1", 0.0)
    assert (summary.done, summary.planned) == (16, 16)


def test_parts_add_up(folder):
    for driver in summarise(folder).drivers:
        for parts in (driver.by_task, driver.by_object):
            assert len(parts) == 2
            assert sum(rate.score for rate in parts.values()) == driver.overall.score
            assert sum(rate.trials for rate in parts.values()) == driver.overall.trials
        failed = sum(driver.failures.values())
        assert failed == driver.overall.trials - driver.overall.score


def test_the_right_object_counts_only_where_another_one_lay(folder):
    dust, n1 = summarise(folder).drivers
    assert (dust.right_object.rate, dust.right_object.trials) == (1.0, 4)
    assert (n1.right_object.rate, n1.right_attempt.rate) == (0.0, 0.0)
    assert n1.failures == {Failure.WRONG_OBJECT: 4, Failure.MISSED_GRASP: 4}


def test_how_it_went_is_summed_up(folder):
    dust, n1 = summarise(folder).drivers
    assert dust.seconds == 10.5
    assert n1.seconds is None
    assert (dust.chunk_rate, dust.underruns, dust.rejected) == (15.0, 2.0, 8)
    assert (dust.outside, dust.samples) == (4, 8000)


def test_the_same_trials_are_compared(folder):
    (comparison,) = summarise(folder).comparisons
    assert (comparison.trials, comparison.wins, comparison.losses) == (8, 8, 0)
    assert comparison.p == pytest.approx(2 * 0.5**8)


def test_nothing_known_is_said_as_such():
    spec = TrialSpec("box_to_bowl", "sponge", 0, ("blue_cup",))
    summary = summarise_driver(DRIVERS[0], [TrialResult(spec, 0.0, "", 0.0, 0)])
    assert summary.right_object is None
    assert summary.chunk_rate is None
    assert summary.underruns is None


def test_a_report_is_whole(folder):
    summary = write_report(folder)
    values = json.loads((folder.root / "results.json").read_text())
    assert [driver["overall"]["rate"] for driver in values["drivers"]] == [1.0, 0.0]
    assert values["drivers"][1]["failures"] == {"missed_grasp": 4, "wrong_object": 4}
    assert {trial["driver"] for trial in values["trials"]} == {"dust", "n1"}
    assert len(values["trials"]) == 16
    assert values["comparisons"][0]["first"] == "dust"
    assert (folder.root / "table.md").read_text() == markdown_report(summary)
    plots = {path.name for path in (folder.root / "plots").iterdir()}
    names = ("failures", "success_by_object", "success_by_task", "time")
    assert plots == {f"{name}.{ending}" for name in names for ending in FORMATS}
    assert all((folder.root / "plots" / name).stat().st_size > 2000 for name in plots)


def test_a_report_of_a_part_says_so_and_names_nobody(folder):
    part = RunFolder(folder.root, folder.plan, folder.records[:3])
    text = text_report(write_report(part))
    assert "3 of 16 done" in text
    for file in ("results.json", "table.md", "plots/success_by_task.svg"):
        text += (folder.root / file).read_text()
    assert "driver A" in text
    assert "dust" not in text.replace("dust_eval", "")
    assert "n1" not in text


def test_a_report_of_a_part_can_name_them_all_the_same(folder, monkeypatch):
    monkeypatch.setattr(report, "write_plots", lambda *_: None)
    part = RunFolder(folder.root, folder.plan, folder.records[:3])
    assert "driver A" not in text_report(write_report(part, unblind=True))
    assert "/models/dust" in (folder.root / "results.json").read_text()


def test_a_report_of_nothing_is_none(tmp_path, folder):
    empty = RunFolder.create(tmp_path / "empty", folder.plan)
    assert write_report(empty) is None
    assert not (empty.root / "results.json").exists()


def test_a_table_for_people_has_every_number(folder):
    text = text_report(summarise(folder))
    assert "100.0% (67.6% to 100.0%)" in text
    assert "dust against n1" in text
    assert "+100.0%" in text
    assert "8 of" not in text.split("Success")[0]
    rows = [line for line in text.splitlines() if line.startswith("n1")]
    assert any(line.split()[1:] == ["4", "4"] for line in rows)
