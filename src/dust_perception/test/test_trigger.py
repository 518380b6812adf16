"""Sets are encoded once, when every view is fresh."""

from dust_perception.pacer import Pacer
from dust_perception.synchroniser import FrameSet, Gap, Shortage, Synchroniser
from dust_perception.trigger import Trigger

MS = 1_000_000


class Bench:
    """A trigger with its synchroniser; times in ms."""

    def __init__(self, rate: float = 0.0) -> None:
        self.synchroniser: Synchroniser[str] = Synchroniser(
            ("wrist", "side"), max_age_ns=250 * MS, max_skew_ns=80 * MS
        )
        self.trigger = Trigger(self.synchroniser, Pacer(rate))

    def image(self, view: str, stamp: int, *, now: int | None = None) -> FrameSet[str] | Gap | None:
        """Let an image arrive and poll."""
        self.synchroniser.add(view, stamp * MS, f"{view}{stamp}")
        return self.trigger.poll((stamp if now is None else now) * MS)


def test_one_set_per_pair_of_images() -> None:
    bench = Bench()
    sets = []
    for i in range(10):
        stamp = i * 67
        sets += [
            bench.image("wrist", stamp, now=stamp + 5),
            bench.image("side", stamp, now=stamp + 9),
        ]
    found = [entry for entry in sets if isinstance(entry, FrameSet)]
    assert len(found) == 10
    assert all(entry.skew_ns == 0 for entry in found)


def test_a_gap_is_told_when_both_are_new_but_apart() -> None:
    bench = Bench()
    bench.image("wrist", 0)
    found = bench.image("side", 150)
    assert isinstance(found, Gap)
    assert found.shortage == Shortage.SKEW


def test_nothing_is_due_without_a_new_image_of_each_view() -> None:
    bench = Bench()
    bench.image("wrist", 0)
    assert isinstance(bench.image("side", 0), FrameSet)
    assert bench.image("side", 67) is None
    assert isinstance(bench.image("wrist", 67), FrameSet)


def test_rearming_makes_the_newest_set_due_again() -> None:
    bench = Bench()
    bench.image("wrist", 0)
    bench.image("side", 0)
    assert bench.trigger.poll(10 * MS) is None
    bench.trigger.rearm()
    assert isinstance(bench.trigger.poll(10 * MS), FrameSet)


def test_rate_limit_holds_sets_back() -> None:
    bench = Bench(rate=5.0)
    found = 0
    for i in range(30):
        bench.image("wrist", i * 67)
        found += isinstance(bench.image("side", i * 67), FrameSet)
    assert 9 <= found <= 11


def test_pairs_that_began_on_the_wrong_foot_find_each_other() -> None:
    bench = Bench()
    bench.synchroniser.add("side", 0, "side0")
    skews = []
    for i in range(1, 6):
        for view, delay in (("wrist", 5), ("side", 9)):
            found = bench.image(view, i * 67, now=i * 67 + delay)
            if isinstance(found, FrameSet):
                skews.append(found.skew_ns // MS)
    assert skews == [67, 0, 0, 0, 0, 0]


def test_cameras_out_of_phase_give_one_set_per_period() -> None:
    bench = Bench()
    found = 0
    for i in range(20):
        found += isinstance(bench.image("wrist", i * 67), FrameSet)
        found += isinstance(bench.image("side", i * 67 + 33), FrameSet)
    assert found == 20


def test_a_clock_that_was_set_back_does_not_block() -> None:
    bench = Bench()
    bench.image("wrist", 100_000)
    bench.image("side", 100_000)
    bench.image("wrist", 5)
    assert isinstance(bench.image("side", 5), FrameSet)
