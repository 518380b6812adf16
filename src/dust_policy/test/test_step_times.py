"""What chunks take, learned from few of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.step_times import Cost, StepTimes

STEPS = st.sampled_from([0, 4, 8, 16, 32, 64])


def test_nothing_is_known_at_first() -> None:
    times = StepTimes()
    assert (times.predict(Cost(4, 4)), times.slowness, times.relief) == (0.0, 1.0, 1.0)


def test_a_load_that_slows_few_steps_slows_many() -> None:
    times = StepTimes()
    times.learn(Cost(4, 4), 0.02)
    times.learn(Cost(4, 64), 0.2)
    times.add(Cost(4, 4), 0.06)
    assert times.predict(Cost(4, 64)) == pytest.approx(0.6)
    assert times.undisturbed(Cost(4, 64)) == pytest.approx(0.2)


def test_a_load_is_forgotten_when_it_has_gone() -> None:
    times = StepTimes(window=20)
    times.learn(Cost(4, 4), 0.02)
    for _ in range(50):
        times.add(Cost(4, 4), 0.08)
    assert times.slowness == pytest.approx(4.0)
    for _ in range(20):
        times.add(Cost(4, 4), 0.02)
    assert times.slowness == pytest.approx(1.0)


def test_the_first_chunk_of_its_kind_is_no_sign_of_a_load() -> None:
    times = StepTimes()
    times.learn(Cost(4, 4), 0.02)
    times.add(Cost(4, 16), 0.9)  # it was recorded
    assert times.slowness == 1.0
    assert times.predict(Cost(4, 16)) == pytest.approx(0.08)


def test_hope_is_the_best_of_the_last_three() -> None:
    times = StepTimes()
    times.learn(Cost(4, 4), 0.02)
    for duration in (0.02, 0.08, 0.06, 0.1):
        times.add(Cost(4, 4), duration)
    assert times.relief == pytest.approx(3.0)
    assert times.hope(Cost(4, 4)) == pytest.approx(0.06)
    assert times.predict(Cost(4, 4)) == pytest.approx(0.1)


def test_a_clock_that_stands_still_does_no_harm() -> None:
    times = StepTimes()
    for _ in range(3):
        times.add(Cost(4, 4), 0.0)
    assert (times.predict(Cost(4, 4)), times.slowness) == (0.0, 1.0)


def test_chunks_that_go_on_are_counted_apart() -> None:
    times = StepTimes()
    times.learn(Cost(4, 4), 0.02)
    assert times.undisturbed(Cost(4, 4, continued=True)) == pytest.approx(0.02)
    times.learn(Cost(4, 4, continued=True), 0.06)
    assert times.undisturbed(Cost(4, 4, continued=True)) == pytest.approx(0.06)
    assert times.undisturbed(Cost(4, 4)) == pytest.approx(0.02)


@given(st.lists(st.tuples(STEPS, st.floats(0.001, 3.0)), min_size=1, max_size=40))
def test_more_steps_never_seem_quicker(seen: list[tuple[int, float]]) -> None:
    times = StepTimes()
    for steps, duration in seen:
        times.add(Cost(4, steps), duration)
    known = [times.predict(Cost(4, steps)) for steps in (0, 4, 8, 16, 32, 64)]
    assert known == sorted(known)
    assert times.slowness >= times.relief >= 1.0
    assert all(value > 0 for value in known)
