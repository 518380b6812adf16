"""Gates: a steady stream passes at any speed, every disturbance is found while it happens."""

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from dust_demos.recording.facts import Fault, FaultKind
from dust_demos.recording.fault_log import FaultLog
from dust_demos.recording.gates import Gates, GateSettings, TopicLimits

SEC = 1_000_000_000
START = 1_000 * SEC
WRIST, SIDE, JOINTS = "/wrist", "/side", "/joint_states"
LIMITS = TopicLimits(min_rate=13.0, max_gap=0.2, max_age=0.25)
SETTINGS = GateSettings(
    {WRIST: LIMITS, SIDE: LIMITS},
    views=(WRIST, SIDE),
    required=(WRIST, SIDE),
    max_skew=0.08,
)


def ns(seconds: float) -> int:
    return START + round(seconds * SEC)


def watch(
    messages: list[tuple[str, float, float]], *, until: float, settings: GateSettings = SETTINGS
) -> dict[tuple[FaultKind, str], Fault]:
    """Let messages (topic, stamp, arrival in s) pass; return the faults by kind and topic."""
    log = FaultLog()
    gates = Gates(settings, log, start_ns=START)
    waiting = sorted(messages, key=lambda row: row[2])
    for step in range(round(until * 10) + 1):
        now = step / 10
        while waiting and waiting[0][2] <= now:
            topic, stamp, arrival = waiting.pop(0)
            gates.observe(topic, ns(stamp), ns(arrival))
        gates.check(ns(now))
    gates.finish(ns(until))
    return {(fault.kind, fault.topic): fault for fault in log.faults()}


def stream(
    topic: str, *, rate: float = 15.0, until: float = 5.0, delay: float = 0.03, shift: float = 0.0
) -> list[tuple[str, float, float]]:
    stamps = [shift + number / rate for number in range(round(until * rate))]
    return [(topic, stamp, stamp + delay) for stamp in stamps]


@hypothesis(deadline=None)
@given(rate=st.floats(14.0, 60.0), delay=st.floats(0.0, 0.24), shift=st.floats(0.0, 0.03))
def test_a_steady_stream_passes(rate: float, delay: float, shift: float) -> None:
    messages = stream(WRIST, rate=rate, delay=delay)
    messages += stream(SIDE, rate=rate, delay=delay, shift=shift)
    assert watch(messages, until=5.0) == {}


@hypothesis(deadline=None)
@given(begin=st.floats(0.5, 3.0), length=st.floats(0.3, 1.5))
def test_a_hole_is_found_with_its_length(begin: float, length: float) -> None:
    side = [row for row in stream(SIDE) if not begin <= row[1] < begin + length]
    faults = watch(stream(WRIST) + side, until=5.0)
    assert set(faults) - {(FaultKind.RATE, SIDE), (FaultKind.SKEW, SIDE)} == {(FaultKind.GAP, SIDE)}
    fault = faults[FaultKind.GAP, SIDE]
    assert fault.count == 1
    assert length - 1e-6 <= fault.worst <= length + 2 / 15 + 0.2
    assert fault.first_ns <= ns(begin + length + 0.2)


def test_silence_is_told_before_it_ends() -> None:
    log = FaultLog()
    limits = TopicLimits(max_gap=0.2, max_age=0.25)
    gates = Gates(GateSettings({WRIST: limits, SIDE: limits}), log, start_ns=START)
    for topic, stamp, arrival in stream(WRIST, until=1.0) + stream(SIDE, until=1.0):
        gates.observe(topic, ns(stamp), ns(arrival))
    gates.check(ns(1.2))
    assert log.take_new() == []
    gates.check(ns(1.6))
    assert {(fault.kind, fault.topic) for fault in log.take_new()} == {
        (FaultKind.GAP, WRIST),
        (FaultKind.GAP, SIDE),
    }
    gates.check(ns(3.0))
    assert log.take_new() == []
    assert log.faults()[0].worst == pytest.approx(3.0 - 14 / 15 - 0.03)


@hypothesis(deadline=None)
@given(rate=st.floats(6.0, 12.5))
def test_a_low_rate_is_told_with_its_figure(rate: float) -> None:
    faults = watch(stream(WRIST) + stream(SIDE, rate=rate), until=5.0)
    fault = faults[FaultKind.RATE, SIDE]
    assert (FaultKind.RATE, WRIST) not in faults
    assert fault.worst == pytest.approx(13.0 - rate, abs=0.6)
    assert fault.first_ns <= ns(2.3)


@hypothesis(deadline=None)
@given(delay=st.floats(0.26, 1.0))
def test_old_messages_are_told(delay: float) -> None:
    faults = watch(stream(WRIST) + stream(SIDE, delay=delay), until=6.5)
    assert faults[FaultKind.AGE, SIDE].worst == pytest.approx(delay, abs=1e-6)
    assert (FaultKind.AGE, WRIST) not in faults


def test_stamps_ahead_of_the_clock_name_the_remedy() -> None:
    faults = watch(stream(WRIST) + stream(SIDE, delay=-0.07), until=5.0)
    assert "synchronise the clocks" in faults[FaultKind.CLOCK, SIDE].text


@hypothesis(deadline=None)
@given(shift=st.floats(0.0, 0.6))
def test_skew_is_the_distance_to_the_nearest_image(shift: float) -> None:
    period = 0.5
    settings = GateSettings({}, views=(WRIST, SIDE), max_skew=0.08)
    messages = stream(WRIST, rate=1 / period) + stream(SIDE, rate=1 / period, shift=shift)
    faults = watch(messages, until=6.0, settings=settings)
    within = min(shift % period, period - shift % period)
    assume(abs(within - 0.08) > 1e-6)  # stamps are whole nanoseconds
    assert ((FaultKind.SKEW, SIDE) in faults) == (within > 0.08)


def test_views_one_frame_apart_are_fine() -> None:
    """The slower camera's newest image is a period old until its next one comes."""
    faults = watch(stream(WRIST, delay=0.01) + stream(SIDE, delay=0.06), until=5.0)
    assert faults == {}


def test_a_missing_topic_is_told_after_the_patience() -> None:
    settings = GateSettings({}, required=(JOINTS,), patience=1.0)
    log = FaultLog()
    gates = Gates(settings, log, start_ns=START)
    gates.check(ns(0.9))
    assert log.faults() == ()
    gates.check(ns(1.1))
    assert [(fault.kind, fault.topic) for fault in log.faults()] == [(FaultKind.MISSING, JOINTS)]


def test_a_missing_topic_is_told_at_the_end_of_a_short_episode() -> None:
    settings = GateSettings({}, required=(JOINTS,), patience=10.0)
    assert set(watch([], until=0.5, settings=settings)) == {(FaultKind.MISSING, JOINTS)}


def test_a_clock_that_is_set_back_is_told_once() -> None:
    log = FaultLog()
    gates = Gates(SETTINGS, log, start_ns=START)
    for offset in (0.0, -100.0):
        for topic, stamp, arrival in stream(WRIST, until=3.0) + stream(SIDE, until=3.0):
            gates.observe(topic, ns(stamp + offset), ns(arrival + offset))
        gates.check(ns(3.0 + offset))
    assert {fault.kind for fault in log.faults()} == {FaultKind.CLOCK}
    assert all("back by" in fault.text for fault in log.faults())


def test_topics_without_stamps_are_judged_by_their_arrival() -> None:
    settings = GateSettings({JOINTS: TopicLimits(max_gap=0.2)})
    log = FaultLog()
    gates = Gates(settings, log, start_ns=START)
    for time in (0.0, 0.1, 0.2, 0.6):
        gates.observe(JOINTS, None, ns(time))
    assert [fault.kind for fault in log.faults()] == [FaultKind.GAP]


def test_a_fault_is_noted_once_and_counted() -> None:
    log = FaultLog()
    for worst in (1.0, 3.0, 2.0):
        log.note(FaultKind.AGE, JOINTS, f"{worst} s old", now_ns=round(worst), worst=worst)
    assert log.take_new() == [Fault(FaultKind.AGE, JOINTS, "1.0 s old", 1, 1, 1.0)]
    assert log.take_new() == []
    assert log.faults() == (Fault(FaultKind.AGE, JOINTS, "1.0 s old", 1, 3, 3.0),)
