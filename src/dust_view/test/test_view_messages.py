"""Messages that no node should send are read without an exception."""

from types import SimpleNamespace

import pytest

from dust_view.ledger import Stage
from dust_view.messages import read_committed, read_stages

NAN, INF = float("nan"), float("inf")


def stamp(sec: int, nanosec: int = 0) -> SimpleNamespace:
    return SimpleNamespace(sec=sec, nanosec=nanosec)


def timing(duration: float, sec: int = 1) -> SimpleNamespace:
    return SimpleNamespace(stage="encode", stamp=stamp(sec), duration=duration)


def state(**fields: object) -> SimpleNamespace:
    values = {
        "header": SimpleNamespace(stamp=stamp(1)),
        "joint_names": ["a", "b"],
        "positions": [0.0] * 6,
        "period": 0.1,
        "buffer": 0.2,
        "last_sequence": 1,
        "last_splice": stamp(1),
    }
    return SimpleNamespace(**values | fields)


@pytest.mark.parametrize("duration", [NAN, INF, -INF, 1e300])
def test_rows_that_are_not_finite_are_left_out(duration: float) -> None:
    read = read_stages([timing(duration), timing(0.5)])
    assert read == [Stage("encode", 1_500_000_000, 0.5)]


def test_stamps_before_1970_are_read() -> None:
    assert read_stages([timing(0.5, sec=-1)]) == [Stage("encode", -500_000_000, 0.5)]


@pytest.mark.parametrize(
    "fields",
    [
        *({"period": value} for value in (NAN, INF, 0.0, -1.0, 1e-300, 1e300)),
        *({"buffer": value} for value in (NAN, INF, -INF, 1e300)),
        {"positions": [NAN] * 6},
    ],
)
def test_a_plan_that_is_not_finite_is_none(fields: dict[str, object]) -> None:
    assert read_committed(state(), ["a", "b"]) is not None
    assert read_committed(state(**fields), ["a", "b"]) is None
