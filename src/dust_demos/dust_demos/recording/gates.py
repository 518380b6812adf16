"""Is the take any good? Rate, gaps, age and skew of what arrives, while it arrives.

    stamps of a view   |     |     |           |      gap: two stamps further apart than max_gap,
    arrivals              |     |     |           |        or nothing arrives for that long
                       <->                            age: from stamp to arrival
    of another view      |     |     |     |          skew: from a stamp to the other's nearest one

Times are those of the node clock, so that a simulation may run at any speed.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dust_demos.recording.facts import FaultKind
from dust_demos.recording.fault_log import FaultLog

CLOCK_STEP_NS = 1_000_000_000
"""A stamp this much older than one before means that the clock was set back."""

_NS = 1e-9
_STAMPS = 64  # of a view that wait for another view's


@dataclass(frozen=True, slots=True)
class TopicLimits:
    """Limits of one topic; 0 means none.

    Attributes:
        min_rate: Lowest rate over the window. Unit: Hz.
        max_gap: Longest time between two messages. Unit: s.
        max_age: Longest time from stamp to arrival. Unit: s.
    """

    min_rate: float = 0.0
    max_gap: float = 0.0
    max_age: float = 0.0


@dataclass(frozen=True, slots=True)
class GateSettings:
    """All limits.

    Attributes:
        limits: Limits by topic.
        views: Topics of the views, whose stamps have to be close to each other.
        required: Topics that must bring something.
        max_skew: Longest time between nearest images of two views; 0: any. Unit: s.
        max_ahead: How far a stamp may be ahead of the clock. Unit: s.
        window: Time over which a rate is measured. Unit: s.
        patience: How long a required topic may be silent at first. Unit: s.
    """

    limits: Mapping[str, TopicLimits]
    views: Sequence[str] = ()
    required: Sequence[str] = ()
    max_skew: float = 0.0
    max_ahead: float = 0.05
    window: float = 2.0
    patience: float = 1.0


class Gates:
    """Watches one episode; what fails goes into the log.

    Args:
        settings: The limits.
        log: Takes the faults.
        start_ns: When the episode begins. Unit: ns.
    """

    def __init__(self, settings: GateSettings, log: FaultLog, *, start_ns: int) -> None:
        self._settings = settings
        self._log = log
        self._start_ns = self._now_ns = start_ns
        self._missing = set(settings.required)
        self._topics = {
            topic: _TopicGate(topic, limits, settings, log, start_ns)
            for topic, limits in settings.limits.items()
        }
        self._skew = _SkewGate(settings, log)

    def observe(self, topic: str, stamp_ns: int | None, arrival_ns: int) -> None:
        """Take note of a message.

        Args:
            topic: Its topic.
            stamp_ns: Its header's stamp; None if it has none. Unit: ns.
            arrival_ns: When it arrived, by the node clock. Unit: ns.
        """
        self._missing.discard(topic)
        gate = self._topics.get(topic)
        if gate is not None:
            gate.observe(stamp_ns, arrival_ns)
        if stamp_ns is not None and topic in self._settings.views:
            self._skew.observe(topic, stamp_ns, arrival_ns)

    def check(self, now_ns: int) -> None:
        """Look for what did not arrive; to be called several times a second."""
        if now_ns < self._now_ns - CLOCK_STEP_NS:
            self._note_step(now_ns)
        self._now_ns = now_ns
        for gate in self._topics.values():
            gate.check(now_ns)
        if (now_ns - self._start_ns) * _NS > self._settings.patience:
            self._report_missing(now_ns)

    def finish(self, end_ns: int) -> None:
        """Look a last time, at the end of the episode."""
        for gate in self._topics.values():
            gate.check(end_ns)
        self._report_missing(end_ns)

    def _report_missing(self, now_ns: int) -> None:
        for topic in sorted(self._missing):
            self._log.note(FaultKind.MISSING, topic, f"nothing came on {topic}", now_ns=now_ns)
        self._missing.clear()

    def _note_step(self, now_ns: int) -> None:
        step = (self._now_ns - now_ns) * _NS
        text = f"the clock was set back by {step:.3f} s"
        self._log.note(FaultKind.CLOCK, "", text, now_ns=now_ns, worst=step)
        self._start_ns = min(self._start_ns, now_ns)
        for gate in self._topics.values():
            gate.restart(now_ns)
        self._skew.restart()


class _TopicGate:
    """Rate, gaps and age of one topic."""

    def __init__(
        self, topic: str, limits: TopicLimits, settings: GateSettings, log: FaultLog, now_ns: int
    ) -> None:
        self._topic = topic
        self._limits = limits
        self._max_ahead = settings.max_ahead
        self._window_ns = round(settings.window * 1e9)
        self._log = log
        self.restart(now_ns)

    def restart(self, now_ns: int) -> None:
        """Forget what came; a new clock begins."""
        self._stamp_ns: int | None = None
        self._arrival_ns: int | None = None
        self._window_start_ns = now_ns
        self._count = 0
        self._is_silent = False

    def observe(self, stamp_ns: int | None, arrival_ns: int) -> None:
        """Take note of a message."""
        self._count += 1
        if stamp_ns is not None:
            self._check_age(stamp_ns, arrival_ns)
        self._check_gap(arrival_ns if stamp_ns is None else stamp_ns, arrival_ns)
        if self._arrival_ns is None:
            self._window_start_ns, self._count = arrival_ns, 0
        self._arrival_ns = arrival_ns
        self._is_silent = False

    def check(self, now_ns: int) -> None:
        """Look for silence, and at the rate when a window is over."""
        self._check_silence(now_ns)
        elapsed_ns = now_ns - self._window_start_ns
        if elapsed_ns < self._window_ns or self._arrival_ns is None:
            return
        rate, limit = self._count / (elapsed_ns * _NS), self._limits.min_rate
        if rate < limit:
            text = f"{self._topic} came at {rate:.1f} Hz, the limit is {limit:g} Hz"
            self._log.note(FaultKind.RATE, self._topic, text, now_ns=now_ns, worst=limit - rate)
        self._window_start_ns, self._count = now_ns, 0

    def _check_age(self, stamp_ns: int, arrival_ns: int) -> None:
        age, limit = (arrival_ns - stamp_ns) * _NS, self._limits.max_age
        if limit and age > limit:
            text = f"{self._topic} was {age:.3f} s old when it came, the limit is {limit:g} s"
            self._log.note(FaultKind.AGE, self._topic, text, now_ns=arrival_ns, worst=age)
        if -age > self._max_ahead:
            text = (
                f"{self._topic} is stamped {-age:.3f} s ahead of the clock: "
                "synchronise the clocks of the hosts"
            )
            self._log.note(FaultKind.CLOCK, self._topic, text, now_ns=arrival_ns, worst=-age)

    def _check_gap(self, time_ns: int, arrival_ns: int) -> None:
        before, limit = self._stamp_ns, self._limits.max_gap
        self._stamp_ns = time_ns
        if before is None:
            return
        gap = (time_ns - before) * _NS
        if gap < -CLOCK_STEP_NS * _NS:
            text = f"{self._topic}: stamps went back by {-gap:.3f} s"
            self._log.note(FaultKind.CLOCK, self._topic, text, now_ns=arrival_ns, worst=-gap)
        if limit and gap > limit:
            if self._is_silent:
                self._log.worsen(FaultKind.GAP, self._topic, gap)
            else:
                self._note_gap(gap, arrival_ns)

    def _check_silence(self, now_ns: int) -> None:
        limit = self._limits.max_gap
        if not limit or self._arrival_ns is None:
            return
        silence = (now_ns - self._arrival_ns) * _NS
        # What arrives late but at its time is for the age to judge.
        if silence > limit + self._limits.max_age:
            if self._is_silent:
                self._log.worsen(FaultKind.GAP, self._topic, silence)
            else:
                self._note_gap(silence, now_ns)
            self._is_silent = True

    def _note_gap(self, gap: float, now_ns: int) -> None:
        limit = self._limits.max_gap
        text = f"{self._topic}: {gap:.3f} s without a message, the limit is {limit:g} s"
        self._log.note(FaultKind.GAP, self._topic, text, now_ns=now_ns, worst=gap)


class _SkewGate:
    """How far the views' images are apart."""

    def __init__(self, settings: GateSettings, log: FaultLog) -> None:
        self._views = tuple(settings.views)
        self._limit = settings.max_skew
        self._log = log
        self.restart()

    def restart(self) -> None:
        """Forget what came."""
        self._stamps = {view: deque[int](maxlen=_STAMPS) for view in self._views}
        self._waiting = deque[int](maxlen=_STAMPS)

    def observe(self, view: str, stamp_ns: int, arrival_ns: int) -> None:
        """Take note of an image; the first view's are judged when all others have passed them."""
        if not self._limit or len(self._views) < 2:
            return
        first, *others = self._views
        stamps = self._stamps[view]
        if stamps and stamp_ns < stamps[-1] - CLOCK_STEP_NS:
            self.restart()
        self._stamps[view].append(stamp_ns)
        if view == first:
            self._waiting.append(stamp_ns)
        newest = [self._stamps[other][-1] for other in others if self._stamps[other]]
        while self._waiting and len(newest) == len(others) and self._waiting[0] <= min(newest):
            self._judge(self._waiting.popleft(), others, arrival_ns)

    def _judge(self, stamp_ns: int, others: Sequence[str], now_ns: int) -> None:
        for view in others:
            if stamp_ns < self._stamps[view][0]:
                continue  # its nearest one may have come before we looked
            skew = min(abs(stamp_ns - other) for other in self._stamps[view]) * _NS
            if skew > self._limit:
                text = (
                    f"{view}: {skew:.3f} s from the nearest image of {self._views[0]}, "
                    f"the limit is {self._limit:g} s"
                )
                self._log.note(FaultKind.SKEW, view, text, now_ns=now_ns, worst=skew)
