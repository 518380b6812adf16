import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_doctor.checks.cameras import (
    ENCODINGS,
    judge_bandwidth,
    judge_format,
    judge_rate,
    judge_skew,
    skews,
)
from dust_doctor.evidence import Stream
from dust_doctor.finding import Verdict
from dust_doctor.wishes import IMAGE_TOPICS, Machine, Wishes

stamps = st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(sorted)


def test_a_good_graph_passes(graph):
    for judge in (judge_rate, judge_skew, judge_bandwidth):
        assert judge(graph(), Wishes()).verdict is Verdict.OK
    assert judge_format(graph()).says == "wrist 640x360 bgra8, side 640x360 bgra8"


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({"rate": 12.0}, Verdict.WARN, "12.0 Hz"),
        ({"rate": 5.0}, Verdict.FAIL, "5.0 Hz"),
        ({"stamps": ()}, Verdict.FAIL, "nobody publishes"),
        (
            {"stamps": tuple(1000 + i / 30 + (i > 40) for i in range(80)), "ages": (0.0,) * 80},
            Verdict.WARN,
            "longest gap 1033 ms",
        ),
        ({"silence": 0.15}, Verdict.OK, "longest gap 150 ms"),
        ({"silence": 0.3}, Verdict.WARN, "longest gap 300 ms"),
        ({"silence": 2.0}, Verdict.FAIL, "has been silent for the last 2.0 s"),
    ],
)
def test_slow_and_halting_cameras_are_found(graph, camera, changes, verdict, words):
    cameras = {"wrist": camera("wrist", **changes), "side": camera("side")}
    found = judge_rate(graph(cameras=cameras), Wishes())
    assert found.verdict is verdict
    assert words in found.says


def test_a_silent_publisher_is_told_from_none(graph, camera):
    publishers = {IMAGE_TOPICS["wrist"]: ("/zed_wrist/zed_node",)}
    found = judge_rate(graph(cameras={"side": camera("side")}, publishers=publishers), Wishes())
    assert found.verdict is Verdict.FAIL
    assert "/zed_wrist/zed_node publishes, nothing arrives" in found.says


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(0.01, Verdict.OK), (0.033, Verdict.OK), (0.1, Verdict.FAIL), (900.0, Verdict.FAIL)],
)
def test_skew_is_the_distance_to_the_nearest(graph, camera, shift, verdict):
    # At 5 Hz, so that 100 ms is the furthest that two of them can lie apart.
    late = camera("side", rate=5.0)
    late = camera("side", stamps=tuple(stamp + shift for stamp in late.stamps))
    cameras = {"wrist": camera("wrist", rate=5.0), "side": late}
    assert judge_skew(graph(cameras=cameras), Wishes()).verdict is verdict


def test_one_view_has_no_skew(graph, camera):
    found = judge_skew(graph(cameras={"side": camera("side")}), Wishes())
    assert found.verdict is Verdict.SKIP


@given(stamps, stamps)
def test_skews_are_those_of_a_search(one, other):
    inside = [stamp for stamp in one if other[0] <= stamp <= other[-1]]
    assert skews(one, other) == [min(abs(stamp - o) for o in other) for stamp in inside]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"form": "jpeg", "width": 0, "height": 0}, Verdict.OK),
        ({"form": "mono8"}, Verdict.OK),
        ({"form": "yuyv"}, Verdict.FAIL),
        ({"form": "8UC3"}, Verdict.FAIL),
        ({"width": 0}, Verdict.FAIL),
        ({"width": 320, "height": 180}, Verdict.WARN),
    ],
)
def test_formats_are_judged(graph, camera, changes, verdict):
    cameras = {"side": camera("side", **changes)}
    assert judge_format(graph(cameras=cameras)).verdict is verdict
    assert judge_format(graph(cameras={})).verdict is Verdict.SKIP


def test_encodings_are_those_that_perception_reads():
    # The robot's machine has no perception, so the doctor has a list of its own.
    images = pytest.importorskip("dust_perception.images")
    assert set(ENCODINGS) == set(images.CHANNELS)


def test_bandwidth_is_held_against_the_way(graph, camera):
    full = {view: camera(view, rate=30.0, size=1920 * 1080 * 4.0) for view in ("wrist", "side")}
    assert judge_bandwidth(graph(cameras=full), Wishes()).verdict is Verdict.WARN
    network = judge_bandwidth(graph(cameras=full), Wishes(machine=Machine.GPU))
    assert network.verdict is Verdict.FAIL
    half = {"side": camera("side", rate=30.0, size=640 * 720 * 4.0)}
    assert judge_bandwidth(graph(cameras=half), Wishes(machine=Machine.GPU)).verdict is Verdict.WARN


def test_a_stream_counts_by_stamps():
    empty = Stream("topic")
    assert (empty.rate, empty.gap, empty.age, empty.bandwidth) == (0.0, 0.0, 0.0, 0.0)
    some = Stream("topic", stamps=(1.0, 1.1, 1.4), ages=(0.3, 0.1, 0.2), size=10.0)
    assert some.rate == pytest.approx(5.0)
    assert some.gap == pytest.approx(0.3)
    assert some.age == 0.2
    assert some.bandwidth == pytest.approx(50.0)
