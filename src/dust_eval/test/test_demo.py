"""Tests of dust_eval.demo: what it says and when it fails."""

import json

import pytest

from dust_eval.demo import SPECS, Measured, faults_of, introduction, main, measured_before
from dust_eval.driver import EXPERT, Driver
from dust_eval.trial import Flow, TrialResult


def result(spec, score=1.0, *, outside=0, rate=14.0):
    flow = Flow(rate, 0.07, 0.1, 0, 0, 0.98)
    peak = (0.5, 0.3, 0.2, 0.1)
    return TrialResult(spec, score, "seen", 12.5, 60, 1000, outside, peak, flow=flow)


def results(*scores, **more):
    return [result(spec, score, **more) for spec, score in zip(SPECS, scores, strict=True)]


GOOD, POOR = Measured(80, 96), Measured(40, 96)


def test_a_learned_policy_may_fail_a_trial():
    assert faults_of(results(1, 0, 0.5, 1), GOOD) == []
    assert faults_of(results(1, 0, 0, 0), GOOD) == []


def test_it_may_fail_all_only_where_its_results_make_that_likely():
    assert faults_of(results(0, 0, 0, 0), GOOD) == ["0 of 4 tasks done"]
    assert faults_of(results(0, 0, 0, 0), POOR) == []
    assert faults_of(results(0, 0, 0, 0), Measured(0.0, 0)) == []


def test_the_expert_may_fail_none():
    assert faults_of(results(1, 1, 1, 1), None) == []
    assert faults_of(results(1, 1, 0.5, 1), None) == ["3.5 of 4 tasks done"]


@pytest.mark.parametrize("measured", [GOOD, None])
def test_limits_are_never_left(measured):
    found = faults_of(results(1, 1, 1, 1, outside=2), measured)
    assert found == ["8 commanded samples outside the limits"]


def test_a_policy_has_to_be_fast():
    (slow,) = faults_of(results(1, 1, 1, 1, rate=3.2), GOOD)
    assert slow.startswith("3.2 chunks per second, 5 are needed")
    assert faults_of(results(1, 1, 1, 1, rate=3.2), None) == []


def test_it_says_whose_trials_these_are(tmp_path):
    expert, policy = Driver("expert", EXPERT), Driver("tiny", str(tmp_path))
    assert "is told where everything is" in introduction(expert, None)
    assert measured_before(tmp_path) is None
    assert "(tiny)" in introduction(policy, None)
    assert "measured" not in introduction(policy, None)
    (tmp_path / "results.json").write_text(json.dumps({"score": 80.5, "trials": 96}))
    said = introduction(policy, measured_before(tmp_path))
    assert "80.5 of 96 of the paper's trials (84%, 95 % interval 75% to 90%)" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--checkpoint", "{}/nowhere"], "is no checkpoint: there is no such folder"),
        (["--checkpoint", "{},vision"], "vision"),
    ],
)
def test_a_wrong_checkpoint_is_one_line_and_nobody_is_announced(capsys, tmp_path, words, expected):
    assert main([word.format(tmp_path) for word in words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert expected in line


@pytest.mark.parametrize("name", ["file", "file/new"])
def test_films_need_a_folder_and_that_is_told_before_anything_starts(capsys, tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / name)])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"argument --out: {tmp_path / 'file'} is not a folder: name another one" in said.err


def test_either_a_checkpoint_or_the_expert(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--expert", "--checkpoint", "models/tiny"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
