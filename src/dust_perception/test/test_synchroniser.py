"""Sets of images: new enough, close together, or a reason."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_perception.synchroniser import FrameSet, Gap, Shortage, Synchroniser

MS = 1_000_000


def make(**limits: int) -> Synchroniser[str]:
    """Make a synchroniser of two views with limits in ms."""
    defaults = {"max_age": 250, "max_skew": 80, "max_ahead": 0} | limits
    return Synchroniser(
        ("wrist", "side"), **{f"{name}_ns": value * MS for name, value in defaults.items()}
    )


def fill(synchroniser: Synchroniser[str], **stamps_ms: list[int]) -> Synchroniser[str]:
    """Add frames; items tell view and stamp."""
    for view, stamps in stamps_ms.items():
        for stamp in stamps:
            synchroniser.add(view, stamp * MS, f"{view}{stamp}")
    return synchroniser


def items(found: FrameSet[str] | Gap) -> tuple[str, ...]:
    """Return the items of a set."""
    assert isinstance(found, FrameSet), found
    return tuple(frame.item for frame in found.frames)


def gap(found: FrameSet[str] | Gap) -> Gap:
    """Return the gap."""
    assert isinstance(found, Gap), found
    return found


def test_newest_frames_before_t_make_the_set() -> None:
    synchroniser = fill(make(), wrist=[0, 67, 133], side=[10, 77, 143])
    assert items(synchroniser.latest(140 * MS)) == ("wrist133", "side77")
    assert items(synchroniser.latest(150 * MS)) == ("wrist133", "side143")


def test_a_set_knows_its_stamp_and_skew() -> None:
    found = fill(make(), wrist=[100], side=[130]).latest(150 * MS)
    assert isinstance(found, FrameSet)
    assert (found.views, found.stamp_ns, found.skew_ns) == (("wrist", "side"), 130 * MS, 30 * MS)


def test_a_view_that_is_ahead_steps_back_to_the_slow_one() -> None:
    synchroniser = fill(make(), wrist=[100], side=[100, 133, 167, 200])
    assert items(synchroniser.latest(200 * MS)) == ("wrist100", "side167")


def test_frames_out_of_order_are_sorted() -> None:
    synchroniser = fill(make(), wrist=[100, 60], side=[90])
    assert items(synchroniser.latest(100 * MS)) == ("wrist100", "side90")


def test_missing_view_is_named() -> None:
    found = gap(fill(make(), wrist=[0]).latest(0))
    assert (found.shortage, found.view) == (Shortage.MISSING, "side")
    assert "no image has arrived" in found.text


def test_old_view_is_named_with_age_and_limit() -> None:
    found = gap(fill(make(), wrist=[0, 300], side=[0]).latest(300 * MS))
    assert (found.shortage, found.view) == (Shortage.OLD, "side")
    assert "0.300 s old, the limit is 0.250 s" in found.text


def test_frames_from_the_future_are_named() -> None:
    found = gap(fill(make(), wrist=[900], side=[0]).latest(100 * MS))
    assert (found.shortage, found.view) == (Shortage.AHEAD, "wrist")
    assert "0.800 s ahead" in found.text


def test_small_lead_of_another_clock_is_allowed() -> None:
    synchroniser = fill(make(max_ahead=20), wrist=[110], side=[100])
    assert items(synchroniser.latest(100 * MS)) == ("wrist110", "side100")


def test_views_too_far_apart_are_named() -> None:
    found = gap(fill(make(), wrist=[0], side=[200]).latest(200 * MS))
    assert (found.shortage, found.view) == (Shortage.SKEW, "wrist")
    assert "0.200 s behind the newest view, the limit is 0.080 s" in found.text


def test_a_clock_that_was_set_back_makes_the_old_frames_go() -> None:
    synchroniser = fill(make(), wrist=[100_000], side=[100_000])
    fill(synchroniser, wrist=[50], side=[60])
    assert items(synchroniser.latest(70 * MS)) == ("wrist50", "side60")


def test_clear_forgets_everything() -> None:
    synchroniser = fill(make(), wrist=[0], side=[0])
    synchroniser.clear()
    assert gap(synchroniser.latest(0)).shortage == Shortage.MISSING
    assert synchroniser.newest_stamp_ns("wrist") is None


@pytest.mark.parametrize("views", [(), ("wrist", "wrist")])
def test_views_must_be_different_names(views: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="different names"):
        Synchroniser(views, max_age_ns=1, max_skew_ns=1)


@dataclass
class Case:
    """One random history of three views."""

    stamps: dict[str, list[int]]
    t: int
    age: int
    skew: int
    ahead: int


CASES = st.builds(
    Case,
    stamps=st.fixed_dictionaries(
        {view: st.lists(st.integers(0, 1000), max_size=12) for view in ("a", "b", "c")}
    ),
    t=st.integers(0, 1100),
    age=st.integers(0, 500),
    skew=st.integers(0, 200),
    ahead=st.integers(0, 50),
)


def run_case(case: Case) -> FrameSet[int] | Gap:
    """Feed a case in an order of its own."""
    synchroniser: Synchroniser[int] = Synchroniser(
        tuple(case.stamps),
        max_age_ns=case.age,
        max_skew_ns=case.skew,
        max_ahead_ns=case.ahead,
        depth=99,
    )
    for view, stamps in case.stamps.items():
        for stamp in stamps:
            synchroniser.add(view, stamp, stamp)
    return synchroniser.latest(case.t)


@given(CASES)
def test_a_set_keeps_every_limit(case: Case) -> None:
    found = run_case(case)
    if isinstance(found, Gap):
        return
    stamps = [frame.stamp_ns for frame in found.frames]
    assert max(stamps) - min(stamps) <= case.skew
    assert all(case.t - case.age <= stamp <= case.t + case.ahead for stamp in stamps)


@given(CASES)
def test_newest_frames_are_the_set_whenever_they_fit(case: Case) -> None:
    newest = []
    for stamps in case.stamps.values():
        usable = [stamp for stamp in stamps if stamp <= case.t + case.ahead]
        newest.append(max(usable, default=-(10**6)))
    fits = case.t - min(newest) <= case.age and max(newest) - min(newest) <= case.skew
    found = run_case(case)
    if fits:
        assert isinstance(found, FrameSet)
        assert [frame.stamp_ns for frame in found.frames] == newest


@given(CASES)
def test_a_gap_blames_a_view_that_deserves_it(case: Case) -> None:
    found = run_case(case)
    if isinstance(found, FrameSet):
        return
    stamps = case.stamps[found.view]
    usable = [stamp for stamp in stamps if stamp <= case.t + case.ahead]
    match found.shortage:
        case Shortage.MISSING:
            assert not stamps
        case Shortage.AHEAD:
            assert stamps
            assert not usable
        case Shortage.OLD:
            assert case.t - max(usable) > case.age
        case Shortage.SKEW:
            others = [max(s for s in v if s <= case.t + case.ahead) for v in case.stamps.values()]
            assert max(others) - max(usable) > case.skew


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 5))
def test_buffer_keeps_the_newest_frames_only(stamps: list[int], depth: int) -> None:
    synchroniser: Synchroniser[int] = Synchroniser(
        ("a",), max_age_ns=10**9, max_skew_ns=0, depth=depth
    )
    for stamp in stamps:
        synchroniser.add("a", stamp, stamp)
    assert len(synchroniser._frames["a"]) == min(depth, len(set(stamps)))
    assert synchroniser.newest_stamp_ns("a") == max(stamps)
