"""What a load did to the policy, from made-up streams of chunks and promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_eval.bench_pressure import (
    Chunk,
    Phase,
    Promise,
    Underrun,
    find_underruns,
    recovery,
    summarise,
)

EPOCH = 1.7e9  # s, as a node's clock shows
PERIOD = 1 / 15
SPAN = 15 * PERIOD


def promises(splices, *, interval=1 / 30, until=None, first=0.0):
    """Return what an executor says whose chunks last a span each from their splice on."""
    said, time, end = [], EPOCH + first, None
    last = EPOCH + (until if until is not None else splices[-1] + 0.5)
    while time < last:
        # A chunk is accepted 80 ms before its splice.
        accepted = [splice for splice in splices if EPOCH + splice - 0.08 <= time]
        if accepted:
            end = EPOCH + accepted[-1] + SPAN
            buffer = max(0.0, end - time)
            said.append(Promise(time, buffer, EPOCH + accepted[-1], len(accepted)))
        time += interval
    return said


def test_chunks_in_time_leave_no_gap():
    assert find_underruns(promises([0.1 + 0.1 * i for i in range(30)])) == []


def test_a_late_chunk_leaves_a_gap_as_long_as_it_was_late():
    (gap,) = find_underruns(promises([0.1, 0.2, 0.2 + SPAN + 0.3, 1.8]))
    assert gap.begin == pytest.approx(EPOCH + 0.2 + SPAN, abs=1e-5)
    assert gap.length == pytest.approx(0.3, abs=1e-5)


def test_a_gap_between_two_words_of_the_executor_is_found():
    """It never says that it has nothing left, but the arm began to brake."""
    said = [Promise(0.0, 0.020, -0.5, 1), Promise(0.033, 0.9, 0.030, 2)]
    assert find_underruns(said) == [Underrun(0.020, pytest.approx(0.010))]


def test_of_two_chunks_between_two_words_the_first_may_have_been_in_time():
    said = [Promise(0.0, 0.020, -0.5, 1), Promise(0.033, 0.9, 0.030, 3)]
    assert find_underruns(said) == []
    empty = Promise(0.025, 0.0, -0.5, 1)
    assert len(find_underruns([said[0], empty, said[1]])) == 1


def test_a_gap_at_the_end_lasts_until_the_end():
    (gap,) = find_underruns(promises([0.1], until=2.0))
    assert gap.begin == pytest.approx(EPOCH + 0.1 + SPAN, abs=1e-5)
    assert gap.length == pytest.approx(2.0 - 0.1 - SPAN, abs=0.04)


def test_waiting_for_the_first_chunk_is_no_gap():
    waiting = [Promise(EPOCH + 0.1 * i, 0.0, 0.0, 0) for i in range(10)]
    assert find_underruns(waiting) == []
    assert find_underruns(waiting + promises([1.5, 1.6, 1.7], first=1.0)) == []
    assert find_underruns([]) == []


@given(st.lists(st.floats(0.05, 2.5), min_size=2, max_size=15), st.floats(0.005, 0.04))
def test_gaps_are_what_the_splices_say(distances, interval):
    splices = [sum(distances[:index], 0.1) for index in range(len(distances))]
    wanted = [d - SPAN for d in distances[:-1] if d > SPAN + 0.001]
    gaps = find_underruns(promises(splices, interval=interval))
    found = [gap.length for gap in gaps]
    # What lies within a millisecond of the span may count or not.
    kept = [length for length in found if length > 0.001]
    assert kept == pytest.approx(wanted, abs=1e-4)


PHASES = (Phase("before", 0, 20), Phase("during", 20, 40), Phase("after", 40, 60))


def stream(*parts):
    """Return chunks at 15 Hz: (until when, N_o) one after the other."""
    chunks, time = [], 0.0
    for until, steps in parts:
        while time < until:
            chunks.append(Chunk(time, steps))
            time += PERIOD
    return chunks


def test_a_phase_has_its_means_and_its_end():
    chunks = stream((10, 32), (20, 64), (40, 4), (60, 64))
    before, during, _ = (summarise(phase, chunks, []) for phase in PHASES)
    assert before.vision_steps == pytest.approx(48, abs=0.2)  # one chunk more or less
    assert before.vision_steps_end == 64
    assert during.vision_steps == during.vision_steps_end == 4
    assert during.chunk_rate == pytest.approx(15, rel=0.01)
    assert (during.underruns, during.longest, during.least_buffer) == (0, 0.0, None)


def test_a_phase_without_chunks_has_no_mean():
    summary = summarise(PHASES[1], stream((20, 64)), [Promise(19, 0.4, 18, 9)])
    assert (summary.vision_steps, summary.vision_steps_end) == (None, None)
    assert summary.chunk_rate == 0.0


def test_a_gap_belongs_to_the_phase_in_which_it_begins():
    said = [Promise(19.0, 0.9, 18.0, 1), Promise(21.0, 0.5, 20.5, 2)]
    before, during, _ = (summarise(phase, [], said) for phase in PHASES)
    assert (before.underruns, before.longest) == (1, pytest.approx(0.6))
    assert (during.underruns, during.longest) == (0, 0.0)
    assert (before.least_buffer, during.least_buffer) == (0.9, 0.5)


def test_recovery_is_the_time_to_as_many_steps_as_before():
    before, _, after = PHASES
    chunks = stream((20, 64), (40, 4), (42, 8), (43.5, 16), (60, 64))
    assert recovery(before, after, chunks) == pytest.approx(3.5, abs=PERIOD)
    assert recovery(before, after, stream((20, 64), (60, 4))) is None
    assert recovery(before, after, chunks[400:]) is None
