from collections.abc import Callable
from itertools import count

import pytest

from dust_eval.bench_timing import interleave, ratio, spread


def test_spread_is_median_and_quartiles() -> None:
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == (3.0, 2.0, 4.0, 5)
    assert spread([0.25]) == (0.25, 0.25, 0.25, 1)
    assert spread([0.0112, 0.012, 0.0135]).text(1e3) == "12.0 [11.6..12.8]"


def run(durations: dict[str, float], **limits: float) -> tuple[dict[str, list[float]], list[str]]:
    """Interleave works that let a clock advance by their duration; return times and order."""
    now, order = [0.0], []

    def work(name: str) -> Callable[[], None]:
        def advance() -> None:
            order.append(name)
            now[0] += durations[name]

        return advance

    times = interleave({name: work(name) for name in durations}, clock=lambda: now[0], **limits)
    return times, order


def test_works_take_turns_in_turning_order() -> None:
    times, order = run({"a": 1.0, "b": 2.0, "c": 3.0}, seconds=100.0, most=3)
    assert order == list("abcbcacab")
    assert times == {"a": [1.0] * 3, "b": [2.0] * 3, "c": [3.0] * 3}


@pytest.mark.parametrize(
    ("seconds", "least", "most", "repetitions"),
    [(10.0, 1, 100, 4), (0.0, 1, 100, 1), (0.0, 3, 100, 3), (1e9, 1, 5, 5)],
)
def test_repetitions_fit_the_time(seconds: float, least: int, most: int, repetitions: int) -> None:
    times, _ = run({"a": 1.0, "b": 2.0}, seconds=seconds, least=least, most=most)
    assert len(times["a"]) == len(times["b"]) == repetitions


def test_the_clock_is_real_unless_given() -> None:
    steps = count()
    times = interleave({"a": lambda: next(steps)}, seconds=0.0, least=2)
    assert next(steps) == 2
    assert all(value >= 0 for value in times["a"])


def test_ratios_are_of_the_same_repetition() -> None:
    """A machine that was twice as slow for a while changes no ratio."""
    assert ratio([1.0, 2.0, 1.0], [2.0, 4.0, 2.0]) == (0.5, 0.5, 0.5, 3)
