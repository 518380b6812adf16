"""Thresholds out of scores of good runs, and back out of their file."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.calibration import FEWEST, Thresholds, calibrate


def test_each_number_of_steps_has_its_own_threshold() -> None:
    scores = [(4, 0.01 * i) for i in range(101)] + [(16, 0.005 * i) for i in range(101)]
    made = calibrate(scores, quantile=0.9, margin=1.2, checkpoint="f" * 16)
    assert made.by_steps == pytest.approx({4: 1.08, 16: 0.54})
    assert made.scores == {4: 101, 16: 101}
    assert made.checkpoint == "f" * 16


@given(st.lists(st.floats(0.01, 3), min_size=FEWEST, max_size=200), st.floats(0.5, 1.0))
def test_good_runs_seldom_exceed_it(values: list[float], quantile: float) -> None:
    made = calibrate([(4, value) for value in values], quantile=quantile, margin=1.0)
    above = sum(value > made.by_steps[4] for value in values)
    assert above <= (1 - quantile) * len(values) + 1


def test_too_few_scores_are_told() -> None:
    scores = [(4, 0.1)] * 5 + [(16, 0.1)] * 3
    with pytest.raises(ValueError, match=r"found 5 with N_o = 4, 3 with N_o = 16: record more"):
        calibrate(scores, quantile=0.9, margin=1.1)
    with pytest.raises(ValueError, match="found none"):
        calibrate([], quantile=0.9, margin=1.1)
    made = calibrate([*scores, *[(8, 0.2)] * FEWEST], quantile=0.9, margin=1.0)
    assert list(made.by_steps) == [8]


@pytest.mark.parametrize(
    ("steps", "threshold"), [(4, 0.4), (8, 0.4), (16, 0.2), (64, 0.2), (1, 0.4)]
)
def test_other_steps_take_the_nearest_fewer(steps: int, threshold: float) -> None:
    assert Thresholds({4: 0.4, 16: 0.2}).of(steps) == threshold


def test_without_calibration_there_is_none() -> None:
    assert math.isnan(Thresholds().of(4))


def test_the_file_comes_back(tmp_path: Path) -> None:
    made = Thresholds({4: 0.4, 16: 0.2}, "0123456789abcdef", {4: 100, 16: 50})
    made.save(tmp_path / "surprise.json")
    assert Thresholds.load(tmp_path / "surprise.json") == made


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"checkpoint": "", "thresholds": [1]}', '{"thresholds": {"4": 1.0}}'],
)
def test_a_file_of_something_else_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "surprise.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"surprise\.json holds no thresholds .* write it with"):
        Thresholds.load(path)


@pytest.mark.parametrize("value", [0.0, -1.0, "NaN"])
def test_thresholds_that_make_no_sense_are_refused(tmp_path: Path, value: float | str) -> None:
    path = tmp_path / "surprise.json"
    path.write_text(json.dumps({"checkpoint": "", "thresholds": {"4": value}}))
    with pytest.raises(ValueError, match="thresholds must be numbers above 0"):
        Thresholds.load(path)
