"""Stages are matched by task, number and stamp, whatever is missing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_view.ledger import (
    CAMERA_TO_CHUNK,
    CAMERA_TO_FEATURES,
    CAMERA_TO_POINT,
    CHUNK_TO_POINT,
    Ledger,
    Stage,
)

MS = 1_000_000


def stages(stamp_ns: int) -> list[Stage]:
    return [
        Stage("encode", stamp_ns + 30 * MS, 0.03),
        Stage("sample", stamp_ns + 80 * MS, 0.05),
    ]


def told(ledger: Ledger) -> dict[str, float]:
    return {row.stage: row.p50 for row in ledger.rows()}


def test_the_whole_way_is_measured_by_stamps() -> None:
    ledger = Ledger()
    ledger.begin("task")
    ledger.features(0, stages(0)[:1])
    ledger.chunk("task", 1, 0, stages(0), now_ns=500 * MS)
    ledger.accepted("task", 1, 160 * MS)
    assert told(ledger) == pytest.approx(
        {
            CAMERA_TO_FEATURES: 0.03,
            "encode": 0.03,
            "sample": 0.05,
            CAMERA_TO_CHUNK: 0.08,
            CHUNK_TO_POINT: 0.08,
            CAMERA_TO_POINT: 0.16,
        }
    )


def test_a_driver_without_stages_counts_by_arrival() -> None:
    ledger = Ledger()
    ledger.begin("task")
    ledger.chunk("task", 1, 0, [], now_ns=70 * MS)
    assert told(ledger) == pytest.approx({CAMERA_TO_CHUNK: 0.07})


def test_the_executors_word_may_come_before_the_chunk() -> None:
    ledger = Ledger()
    ledger.begin("task")
    assert ledger.accepted("task", 1, 160 * MS) == []
    ledger.chunk("task", 1, 0, stages(0), now_ns=0)
    assert len(ledger.accepted("task", 1, 160 * MS)) == 2
    assert ledger.accepted("task", 1, 160 * MS) == []  # told again at 30 Hz


@pytest.mark.parametrize(
    ("task", "sequence", "splice_ns"),
    [("other", 1, 9), ("task", 0, 9), ("task", 1, 0), ("task", 1, -9)],
)
def test_what_does_not_belong_is_not_counted(task: str, sequence: int, splice_ns: int) -> None:
    ledger = Ledger()
    ledger.begin("task")
    ledger.chunk("task", 1, 0, stages(0), now_ns=0)
    assert ledger.accepted(task, sequence, splice_ns) == []


def test_another_task_begins_a_new_page() -> None:
    ledger = Ledger()
    ledger.begin("one")
    ledger.chunk("one", 1, 0, stages(0), now_ns=0)
    ledger.begin("two")
    assert told(ledger) == {}
    ledger.chunk("two", 1, 0, [], now_ns=MS)
    assert ledger.task_id == "two"
    assert list(told(ledger)) == [CAMERA_TO_CHUNK]


def test_a_stray_chunk_leaves_the_page_alone() -> None:
    ledger = Ledger()
    ledger.begin("task")
    ledger.chunk("task", 1, 0, stages(0), now_ns=0)
    before = told(ledger)
    assert ledger.chunk("stray", 1, 0, stages(0), now_ns=0) == []
    assert ledger.task_id == "task"
    assert told(ledger) == before
    assert len(ledger.accepted("task", 1, 160 * MS)) == 2


def test_a_chunk_may_come_before_the_executors_word_of_its_task() -> None:
    ledger = Ledger()
    ledger.begin("one")
    for number in range(1000):
        ledger.chunk("stray", number, 0, [], now_ns=MS)
    ledger.chunk("two", 1, 0, [], now_ns=70 * MS)
    learnt = ledger.begin("two")
    assert [row.stage for row in learnt] == [CAMERA_TO_CHUNK]
    assert told(ledger) == pytest.approx({CAMERA_TO_CHUNK: 0.07})
    assert len(ledger.accepted("two", 1, 160 * MS)) == 2
    assert ledger.begin("two") == []


def test_the_table_has_a_line_per_stage_in_milliseconds() -> None:
    ledger = Ledger()
    ledger.begin("task")
    ledger.chunk("task", 1, 0, stages(0), now_ns=0)
    lines = ledger.table().splitlines()
    assert lines[0].split() == ["stage", "count", "p50", "p95", "p99", "[ms]"]
    assert lines[1].split() == ["encode", "1", "30.0", "30.0", "30.0"]
    assert Ledger().table() == "no chunk was published"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(-(10**9), 10**10)),
        max_size=40,
    )
)
def test_nothing_is_negative_whatever_comes(events: list[tuple[str, int, int]]) -> None:
    ledger = Ledger()
    for task, sequence, time_ns in events:
        if not sequence:
            ledger.begin(task)
        ledger.chunk(task, sequence, time_ns, [], now_ns=0)
        ledger.accepted(task, sequence, time_ns)
    assert all(row.p50 >= 0 for row in ledger.rows())
