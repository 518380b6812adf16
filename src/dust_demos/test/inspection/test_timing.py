import math
from dataclasses import replace

from dust_demos.conversion.mapping import Gates
from dust_demos.inspection.episode import Stream
from dust_demos.inspection.finding import Kind, Level
from dust_demos.inspection.timing import check_timing

GOOD = Stream(
    topic="/side", role="camera side", count=60, rate=15.0, age=0.03, worst_age=0.05, gap=0.07,
    gap_at=1.0, skew=0.01,
)  # fmt: skip


def kinds(data):
    return [(row.kind, row.level) for row in check_timing(data, Gates())]


def test_good_streams_pass(make_episode, collect):
    joints = replace(GOOD, role="state", skew=math.nan)
    silent = replace(GOOD, topic="/diagnostics", role="", rate=1.0, gap=3.0)
    assert kinds(collect(make_episode(streams=(GOOD, joints, silent)), converted=False)) == []


def test_each_limit_of_a_camera(make_episode, collect):
    for change, kind in (
        ({"gap": 0.4}, Kind.GAP),
        ({"rate": 9.0}, Kind.RATE),
        ({"age": 0.3}, Kind.AGE),
        ({"skew": 0.1}, Kind.SKEW),
    ):
        episode = make_episode(streams=(replace(GOOD, **change),))
        assert kinds(collect(episode, converted=False)) == [(kind, Level.WARNING)]


def test_stamps_of_another_clock_have_no_age(make_episode, collect):
    episode = make_episode(streams=(replace(GOOD, age=1.7e9),))
    assert kinds(collect(episode, converted=False)) == []


def test_verdicts(make_episode, collect):
    bad = make_episode(verdict="the clock jumps", faults=("12 Hz",))
    unwanted = make_episode("1", verdict="outcome failure", unwanted=True)
    data = collect(bad, unwanted, converted=False, left_out=(("x", "torn"),))
    assert kinds(data) == [
        (Kind.LEFT_OUT, Level.WARNING),
        (Kind.FLAGGED, Level.WARNING),
        (Kind.LEFT_OUT, Level.WARNING),
        (Kind.LEFT_OUT, Level.NOTE),
    ]


def test_datasets(make_episode, collect):
    old = make_episode(lag=0.4, faults=("12 Hz",))
    flagged, aged = check_timing(collect(old, left_out=(("x", "torn"),)), Gates())
    assert flagged.remedy == "convert again without --keep-flagged"
    assert aged.text == "a row shows an image that is 0.400 s old"
