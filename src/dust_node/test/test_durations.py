"""Latencies per stage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_node.durations import Durations


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_percentiles_are_numpy_s(durations: list[float]) -> None:
    taken = Durations()
    for duration in durations:
        taken.add("encode", duration)
    (row,) = taken.rows()
    assert (row.stage, row.count) == ("encode", len(durations))
    assert (row.p50, row.p95, row.p99) == pytest.approx(np.percentile(durations, (50, 95, 99)))
    assert row.p50 <= row.p95 <= row.p99


def test_stages_keep_the_order_of_their_first_appearance() -> None:
    taken = Durations()
    for stage in ("wait", "encode", "wait", "sample"):
        taken.add(stage, 0.1)
    assert [row.stage for row in taken.rows()] == ["wait", "encode", "sample"]


def test_table_shows_milliseconds() -> None:
    taken = Durations()
    taken.add("encode", 0.0405)
    taken.add("image to chunk", 0.1234)
    header, encode, total = taken.table().splitlines()
    assert header.split() == ["stage", "count", "p50", "p95", "p99", "[ms]"]
    assert encode.split() == ["encode", "1", "40.5", "40.5", "40.5"]
    assert total.split()[-1] == "123.4"
    assert len(encode) == len(total)


def test_an_empty_table_says_so() -> None:
    assert Durations().table() == "no chunk was published"


def test_what_is_cleared_is_gone() -> None:
    taken = Durations()
    taken.add("encode", 0.1)
    taken.clear()
    assert taken.rows() == []
