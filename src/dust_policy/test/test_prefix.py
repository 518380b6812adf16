"""Committed actions and the delay that decides how many there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.prefix import CommittedPlan, PlanPiece, committed_prefix, leftover


def piece(
    stamp_ns: int, values: list[float], period_ns: int = 10, until_ns: int | None = None
) -> PlanPiece:
    """Make a plan of one column and a gripper that is open."""
    rows = np.array([[value, 1.0] for value in values])
    return PlanPiece(stamp_ns, period_ns, rows, until_ns)


def plan(*pieces: PlanPiece) -> CommittedPlan:
    """Make a plan from pieces."""
    result = CommittedPlan()
    for entry in pieces:
        result.add(entry)
    return result


def test_between_the_rows_it_is_linear() -> None:
    np.testing.assert_allclose(plan(piece(100, [1.0, 2.0])).at(104), [1.4, 1.0])


def test_a_command_to_the_gripper_holds_until_the_next() -> None:
    rows = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert [PlanPiece(0, 10, rows).at(time)[-1] for time in (0, 9, 10)] == [1.0, 1.0, 0.0]


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 8))
def test_a_straight_line_is_met_everywhere(start: int, asked: int, rows: int) -> None:
    line = piece(start, [float(start + 10 * row) for row in range(rows)])
    value = plan(line).at(asked)
    if start <= asked <= start + 10 * (rows - 1):
        assert value is not None
        assert value[0] == pytest.approx(asked)
    else:
        assert value is None


def test_the_newest_promise_about_a_time_counts() -> None:
    both = plan(piece(0, [0.0] * 10), piece(50, [5.0] * 10))
    assert both.at(40)[0] == 0.0
    assert both.at(50)[0] == 5.0
    assert both.at(150) is None


def test_a_clock_that_was_set_back_starts_anew() -> None:
    changed = plan(piece(1000, [1.0, 1.0]), piece(5, [2.0, 2.0]))
    assert changed.at(10)[0] == 2.0
    assert changed.at(1005) is None


def test_clear_forgets() -> None:
    filled = plan(piece(0, [1.0, 1.0]))
    filled.clear()
    assert filled.at(0) is None


def test_the_prefix_reaches_to_when_the_chunk_takes_effect() -> None:
    line = plan(piece(0, [float(value) for value in range(0, 200, 10)]))
    prefix = committed_prefix(line, stamp_ns=15, period_ns=20, until_ns=75, limit=7)
    np.testing.assert_allclose(prefix[:, 0], [15, 35, 55, 75])
    prefix = committed_prefix(line, stamp_ns=15, period_ns=20, until_ns=76, limit=7)
    np.testing.assert_allclose(prefix[:, 0], [15, 35, 55, 75, 95])


@given(
    stamp=st.integers(0, 100),
    until=st.integers(0, 300),
    limit=st.integers(0, 9),
    rows=st.integers(1, 20),
)
def test_prefix_keeps_limit_time_and_plan(stamp: int, until: int, limit: int, rows: int) -> None:
    line = plan(piece(0, [float(10 * row) for row in range(rows)]))
    prefix = committed_prefix(line, stamp_ns=stamp, period_ns=20, until_ns=until, limit=limit)
    assert len(prefix) <= limit
    for i, action in enumerate(prefix):
        due = stamp + 20 * i
        assert due < until + 20
        assert action[0] == pytest.approx(due)
    if len(prefix) < limit:
        due = stamp + 20 * len(prefix)
        assert due >= until + 20 or due > 10 * (rows - 1)


def test_the_leftover_ends_with_the_last_action() -> None:
    """What follows it is braking."""
    line = [float(value) for value in range(0, 200, 10)]
    told = plan(piece(0, line, until_ns=100))
    rest = leftover(told, begin_ns=35, period_ns=20, limit=9)
    np.testing.assert_allclose(rest[:, 0], [35, 55, 75, 95])
    assert len(leftover(told, begin_ns=35, period_ns=20, limit=2)) == 2
    assert len(leftover(told, begin_ns=101, period_ns=20, limit=9)) == 0
    assert len(leftover(plan(piece(0, line)), begin_ns=35, period_ns=20, limit=9)) == 0
    assert len(leftover(CommittedPlan(), begin_ns=35, period_ns=20, limit=9)) == 0
