"""Latencies per stage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.ledger import Ledger


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_percentiles_are_numpy_s(durations: list[float]) -> None:
    ledger = Ledger()
    for duration in durations:
        ledger.add("encode", duration)
    (row,) = ledger.rows()
    assert (row.stage, row.count) == ("encode", len(durations))
    assert (row.p50, row.p95, row.p99) == pytest.approx(np.percentile(durations, (50, 95, 99)))
    assert row.p50 <= row.p95 <= row.p99


def test_stages_keep_the_order_of_their_first_appearance() -> None:
    ledger = Ledger()
    for stage in ("wait", "encode", "wait", "sample"):
        ledger.add(stage, 0.1)
    assert [row.stage for row in ledger.rows()] == ["wait", "encode", "sample"]


def test_table_shows_milliseconds() -> None:
    ledger = Ledger()
    ledger.add("encode", 0.0405)
    ledger.add("image to chunk", 0.1234)
    header, encode, total = ledger.table().splitlines()
    assert header.split() == ["stage", "count", "p50", "p95", "p99", "[ms]"]
    assert encode.split() == ["encode", "1", "40.5", "40.5", "40.5"]
    assert total.split()[-1] == "123.4"
    assert len(encode) == len(total)


def test_an_empty_table_says_so() -> None:
    assert Ledger().table() == "no chunk was published"
