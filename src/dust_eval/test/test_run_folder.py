"""Tests of dust_eval.run_folder: nothing that was done is lost or done twice."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_eval.driver import Driver
from dust_eval.failure import Failure
from dust_eval.protocol import Protocol
from dust_eval.run_folder import RUN, TRIALS, Plan, RunFolder, Wording, claimed
from dust_eval.trial import Flow, TrialResult, TrialSpec, broken_result

SPECS = tuple(TrialSpec("box_to_bowl", "sponge", seed, ("blue_cup",)) for seed in range(3))
DRIVERS = (Driver("dust", "/models/dust", ("vision_steps:=64",), "0123"), Driver("n1", "expert"))
WORDING = (Wording("box_to_bowl", "Put the {object} in the bowl."),)
POSE = (0.0, -0.8, 0.0, -2.3, 0.0, 1.6, 0.8)
PLAN = Plan(
    drivers=DRIVERS,
    labels=("B", "A"),
    specs=SPECS,
    time_limit_sec=45.0,
    seed=3,
    wording=WORDING,
    start_pose=POSE,
)
LONG = "Take the {object}, wherever it may be, " * 3


def result(spec, score=1.0, flow=None):
    failure = Failure.NONE if score == 1 else Failure.MISSED_GRASP
    return TrialResult(
        spec, score, "seen", 12.5, 60, 1000, 1, (0.1, 0.2, 0.3, 0.4), failure, "", "sponge", flow
    )


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "out", PLAN)


def test_what_was_kept_comes_back_as_it_was(folder):
    flow = Flow(14.9, 0.1, 0.2, 3, 1, 0.98)
    turns = folder.remaining()
    kept = [
        folder.append(turns[0], "trial-0001", result(turns[0].spec, flow=flow)),
        folder.append(turns[1], "trial-0002", result(turns[1].spec, 0.5)),
    ]
    again = RunFolder.open(folder.root)
    assert again.plan == PLAN
    assert again.records == kept
    assert [turn.number for turn in again.remaining()] == [3, 4, 5, 6]


def test_records_name_nobody_but_by_letter(folder):
    turns = folder.remaining()
    for turn in turns:
        folder.append(turn, turn.episode_id, result(turn.spec))
    text = (folder.root / TRIALS).read_text()
    assert "dust" not in text
    assert "n1" not in text
    letters = [record.label for record in folder.records]
    assert letters == [PLAN.labels[turn.driver] for turn in turns]


def test_a_line_that_a_kill_cut_short_is_done_again(folder):
    turns = folder.remaining()
    for turn in turns[:3]:
        folder.append(turn, turn.episode_id, result(turn.spec))
    path = folder.root / TRIALS
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    for cut in range(len(lines[0]) + len(lines[1]) + 1, len(whole), 29):
        path.write_text(whole[:cut])
        again = RunFolder.open(folder.root)
        assert [turn.number for turn in again.remaining()] == [3, 4, 5, 6]
        assert path.read_text() == "".join(lines[:2])
    again.append(turns[2], "trial-0003", result(turns[2].spec))
    assert path.read_text().count("\n") == 3


def test_a_line_that_lacks_its_end_only_is_kept(folder):
    turns = folder.remaining()
    kept = [folder.append(turn, turn.episode_id, result(turn.spec)) for turn in turns[:2]]
    path = folder.root / TRIALS
    path.write_text(path.read_text().removesuffix("\n"))
    again = RunFolder.open(folder.root)
    assert again.records == kept
    again.append(turns[2], "trial-0003", result(turns[2].spec))
    assert path.read_text().count("\n") == 3


@pytest.mark.parametrize("changes", [{"number": 7}, {"label": "C"}, {"number": 3}])
def test_results_of_another_plan_are_not_taken(folder, changes):
    turn = folder.remaining()[0]
    folder.append(turn, "trial-0001", result(turn.spec))
    path = folder.root / TRIALS
    path.write_text(json.dumps(json.loads(path.read_text()) | changes) + "\n")
    with pytest.raises(ValueError, match=r"line 1: trial . \(.*\) is not in run.json's plan"):
        RunFolder.open(folder.root)


def test_results_without_their_plan_are_not_added_to(folder):
    turn = folder.remaining()[0]
    folder.append(turn, "trial-0001", result(turn.spec))
    (folder.root / RUN).unlink()
    with pytest.raises(ValueError, match=r"holds the trials.jsonl of an evaluation without its"):
        RunFolder.create(folder.root, PLAN)


def test_only_one_program_carries_an_evaluation_out(folder):
    with (
        claimed(folder.root),
        pytest.raises(ValueError, match="another dust-eval works in"),
        claimed(folder.root),
    ):
        pass
    with claimed(folder.root):
        pass


def test_a_trial_that_broke_is_done_again_and_the_newer_result_counts(folder):
    turn = folder.remaining()[0]
    folder.append(turn, "trial-0001", broken_result(turn.spec, "the graph ended"))
    assert folder.remaining()[0] == turn
    again = RunFolder.open(folder.root)
    assert again.remaining()[0] == turn
    again.append(turn, "trial-0001-2", result(turn.spec))
    assert turn not in again.remaining()
    assert [record.episode for record in again.records] == ["trial-0001-2"]
    assert (folder.root / TRIALS).read_text().count("\n") == 2


def test_every_attempt_has_a_folder_of_its_own(folder):
    turn = folder.remaining()[0]
    names = [folder.new_episode(turn) for _ in range(3)]
    assert names == ["trial-0001", "trial-0001-2", "trial-0001-3"]
    assert all(folder.episode_folder(name).is_dir() for name in names)


def test_two_evaluations_never_share_a_folder(folder):
    with pytest.raises(ValueError, match="holds an evaluation: --resume goes on"):
        RunFolder.create(folder.root, PLAN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "another seed: 3, not 4"),
        ({"time_limit_sec": 30.0}, "another time limit sec: 45.0, not 30.0"),
        ({"drivers": (DRIVERS[0], Driver("n1", "other"))}, 'another drivers: {"name": "n1"'),
        ({"specs": SPECS[:2]}, "another specs"),
        ({"wording": (Wording("box_to_bowl", "Put it."),)}, 'another wording: .*"Put it."'),
        ({"start_pose": (*POSE[:6], 0.7)}, "another start pose: 0.8, not 0.7"),
        ({"start_pose": ()}, r"another start pose: \[0.0, .*, not \[\]"),
    ],
)
def test_another_plan_is_told_apart(folder, changes, message):
    folder.require_same(PLAN)
    with pytest.raises(ValueError, match=message) as caught:
        folder.require_same(dataclasses.replace(PLAN, **changes))
    assert len(str(caught.value)) < 400


def test_where_long_texts_differ_is_shown(folder):
    mine, its = (
        dataclasses.replace(PLAN, wording=(Wording("box_to_bowl", LONG + how),))
        for how in ("quickly", "slowly")
    )
    with pytest.raises(ValueError, match=r'it may be, quickly"}, not \.\.\..*it may be, slowly"}'):
        RunFolder(folder.root, mine).require_same(its)


def test_the_protocol_is_kept(folder):
    protocol = RunFolder.open(folder.root).plan.protocol
    assert protocol == Protocol(SPECS, {"box_to_bowl": WORDING[0].instruction}, 45.0, POSE)
    assert protocol.instruction(SPECS[0]) == "Put the sponge in the bowl."


def test_a_folder_that_was_begun_before_the_protocol_was_kept_opens(folder):
    values = json.loads((folder.root / RUN).read_text())
    del values["plan"]["wording"], values["plan"]["start_pose"]
    (folder.root / RUN).write_text(json.dumps(values))
    again = RunFolder.open(folder.root)
    assert again.plan.protocol is None
    again.require_same(PLAN)
    with pytest.raises(ValueError, match="another seed"):
        again.require_same(dataclasses.replace(PLAN, seed=4))


def test_of_a_protocol_the_trials_of_the_plan_count(folder):
    more = (*SPECS, TrialSpec("wipe", "sponge", 0))
    words = {"box_to_bowl": WORDING[0].instruction, "wipe": "Wipe with the {object}."}
    assert PLAN.under(Protocol(more, words, 45.0, POSE)) == PLAN
    assert PLAN.under(Protocol(more[1:], words, 45.0, POSE)).specs == SPECS[1:]


def test_a_folder_without_an_evaluation_is_told(tmp_path):
    with pytest.raises(ValueError, match="no evaluation to go on with"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize(
    "line", ["{}", "[1]", '{"number": 1, "result": {}}', '{"number": 1, "result": 3}']
)
def test_a_broken_line_is_named(folder, line):
    (folder.root / TRIALS).write_text(line + "\n")
    with pytest.raises(ValueError, match="line 1 is broken"):
        RunFolder.open(folder.root)


def test_results_that_are_no_text_are_named(folder):
    (folder.root / TRIALS).write_bytes(b"\xff\n")
    with pytest.raises(ValueError, match=r"trials.jsonl can't be read: .*; give another --out"):
        RunFolder.open(folder.root)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"specs": None}, "field 'specs' is missing"),
        ({"mood": 3}, "unknown field 'mood'"),
        ({"block": 0}, "drivers and block must be >= 1"),
        ({"labels": ["A"]}, "each driver needs a letter"),
        ({"specs": []}, "there must be a trial"),
    ],
)
def test_a_broken_plan_is_named(folder, changes, message):
    values = json.loads((folder.root / RUN).read_text())
    plan = values["plan"] | changes
    values["plan"] = {name: value for name, value in plan.items() if value is not None}
    (folder.root / RUN).write_text(json.dumps(values))
    with pytest.raises(ValueError, match=rf"{RUN} is broken or of another version.*{message}"):
        RunFolder.open(folder.root)


@settings(max_examples=30)
@given(
    st.sampled_from([0.0, 0.5, 1.0]),
    st.floats(0, 1e6),
    st.text(max_size=30),
    st.sampled_from(Failure),
)
def test_any_result_survives(tmp_path_factory, score, seconds, reason, failure):
    folder = RunFolder.create(tmp_path_factory.mktemp("run") / "out", PLAN)
    turn = folder.remaining()[0]
    given_result = TrialResult(turn.spec, score, reason, seconds, 3, failure=failure)
    folder.append(turn, "trial-0001", given_result)
    assert RunFolder.open(folder.root).records[0].result == given_result
