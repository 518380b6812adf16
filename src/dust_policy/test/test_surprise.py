"""Scores of predicted futures: what they measure, and which images they are compared with."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.surprise import Alarm, FutureWatch, Prediction, distance

MS = 1_000_000
DEVIATION = np.array([1.0, 2.0, 0.5])


def tokens(value: float = 0.0, count: int = 16) -> np.ndarray:
    """Make an embedding whose tokens are all alike."""
    return np.full((count, 3), value, np.float32)


def predicted(sequence: int, due_ms: int) -> Prediction:
    """Make a prediction of zeros for a time."""
    return Prediction(sequence, 0, due_ms * MS, 4, tokens())


def watch(*dues_ms: int) -> FutureWatch:
    """Make a watch that waits for predictions due at these times, tolerance 33 ms."""
    made = FutureWatch(DEVIATION, tolerance_ns=33 * MS)
    for sequence, due_ms in enumerate(dues_ms, 1):
        made.expect(predicted(sequence, due_ms))
    return made


def test_what_was_predicted_is_no_surprise() -> None:
    assert distance(tokens(1.0), tokens(1.0), DEVIATION) == 0.0


def test_gaps_count_in_deviations() -> None:
    seen = np.tile(DEVIATION.astype(np.float32), (16, 1))
    assert distance(tokens(), 2 * seen, DEVIATION) == pytest.approx(2.0)


def test_what_is_unrelated_scores_about_the_root_of_two() -> None:
    generator = np.random.default_rng(0)
    pairs = generator.normal(size=(2, 16, 400))
    score = distance(pairs[0].astype(np.float32), pairs[1].astype(np.float32), np.ones(400))
    assert score == pytest.approx(math.sqrt(2), rel=0.06)


def test_a_few_tokens_are_enough() -> None:
    """Two of 16 tokens are off by three deviations: the mean of all would show 0.4."""
    seen = tokens()
    seen[3:5] = 3 * DEVIATION
    assert distance(tokens(), seen, DEVIATION) == pytest.approx(1.5)


@given(st.integers(0, 1000), st.floats(0.1, 5))
def test_it_is_a_distance(seed: int, factor: float) -> None:
    generator = np.random.default_rng(seed)
    one, other = generator.normal(size=(2, 16, 3)).astype(np.float32)
    score = distance(one, other, DEVIATION)
    assert score == pytest.approx(distance(other, one, DEVIATION))
    assert distance(one, other, DEVIATION * factor) == pytest.approx(score / factor)
    shuffled = generator.permutation(16)
    assert distance(one[shuffled], other[shuffled], DEVIATION) == pytest.approx(score)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"an embedding \(4, 3\) can't be compared with \(16, 3\)"):
        distance(tokens(), tokens(count=4), DEVIATION)


def test_the_nearest_image_counts_before_or_after() -> None:
    for stamps, nearest in (((90, 130), 90), ((80, 115), 115), ((100,), 100), ((120,), 120)):
        waiting = watch(100)
        found = [hit for stamp in stamps for hit in waiting.see(stamp * MS, tokens())]
        assert [hit.seen_ns for hit in found] == [nearest * MS]


def test_no_image_near_enough_is_no_score() -> None:
    waiting = watch(100)
    assert waiting.see(60 * MS, tokens()) == []
    assert waiting.see(140 * MS, tokens()) == []
    assert waiting.see(141 * MS, tokens()) == []


def test_several_may_come_due_at_once_in_order() -> None:
    found = watch(90, 100, 300).see(110 * MS, tokens(1.0))
    assert [hit.prediction.sequence for hit in found] == [1, 2]
    assert all(hit.score > 0 for hit in found)


def test_what_was_forgotten_is_not_compared() -> None:
    waiting = watch(100)
    waiting.clear()
    assert waiting.see(100 * MS, tokens()) == []


def test_a_clock_that_was_set_back_forgets() -> None:
    waiting = watch(5000)
    waiting.see(4000 * MS, tokens())
    waiting.see(10 * MS, tokens())
    assert waiting.see(5000 * MS, tokens()) == []


@given(
    dues=st.lists(st.integers(0, 500), max_size=20),
    stamps=st.lists(st.integers(0, 600), min_size=1, max_size=30, unique=True),
)
def test_each_prediction_is_scored_once_by_the_nearest_image(
    dues: list[int], stamps: list[int]
) -> None:
    waiting, stamps = watch(*dues), sorted(stamps)
    found = [hit for stamp in stamps for hit in waiting.see(stamp * MS, tokens())]
    assert len({hit.prediction.sequence for hit in found}) == len(found)
    for hit in found:
        due = hit.prediction.due_ns // MS
        nearest = min(abs(stamp - due) for stamp in stamps)
        assert abs(hit.seen_ns // MS - due) == nearest <= 33
    scored = {hit.prediction.sequence for hit in found}
    for sequence, due in enumerate(dues, 1):
        near = [stamp for stamp in stamps if abs(stamp - due) <= 33]
        assert (sequence in scored) == (bool(near) and stamps[-1] >= due)


def test_an_alarm_needs_several_in_a_row() -> None:
    alarm = Alarm(3)
    heard = [alarm.hear(score, 1.0) for score in (2, 2, 0.5, 2, 2, 2, 2, 0.5)]
    assert heard == [False] * 5 + [True, True, False]
    alarm.hear(2, 1.0)
    alarm.clear()
    assert not any(alarm.hear(2, 1.0) for _ in range(2))


def test_without_a_threshold_nothing_is_a_surprise() -> None:
    assert not Alarm(1).hear(1e9, math.nan)
