import numpy as np
import pytest

from dust_demos.inspection.streams import first_print, read_arrivals, streams_of
from dust_demos.recording.bag import Bag

SIDE = "/zed_side/zed_node/rgb/color/rect/image/compressed"
WRIST = SIDE.replace("side", "wrist")
ROLES = {WRIST: "camera wrist", SIDE: "camera side"}
NS = 1_000_000_000


@pytest.fixture
def read(write_bag):
    def call(**changes):
        with Bag.open(write_bag(**changes)) as bag:
            return read_arrivals(bag, ROLES), bag.episode

    return call


def test_rate_age_gap_and_skew(read):
    arrivals, facts = read(side_delay=0.02, silent={SIDE: (1.5, 2.5)})
    found = streams_of(arrivals, ROLES, facts.start_ns, facts.end_ns)
    assert [row.topic for row in found[:2]] == [WRIST, SIDE]
    wrist, side = found[:2]
    assert wrist.rate == pytest.approx(15.0, abs=0.01)
    assert wrist.age == pytest.approx(0.01, abs=1e-4)
    assert side.gap == pytest.approx(1.067, abs=0.07)
    assert side.gap_at == pytest.approx(1.15, abs=0.07)
    assert wrist.gap == pytest.approx(1 / 15, abs=0.001)
    assert side.skew == pytest.approx(0.02, abs=0.001)
    assert wrist.skew > 0.2  # a tenth and more of its images has none of the side
    joints = next(row for row in found if row.topic == "/joint_states")
    assert (joints.role, np.isnan(joints.skew)) == ("", True)
    assert joints.rate == pytest.approx(30.0, abs=0.01)


def test_digests_tell_pictures_apart_and_forget_stamps(read, write_bag):
    arrivals, facts = read()
    first = first_print(arrivals[WRIST], facts.start_ns)
    assert first == arrivals[WRIST].prints[5]  # 0.333 s, the start is at 0.3 s
    assert first_print(arrivals[WRIST], facts.end_ns + NS) == ""
    assert first_print(arrivals[SIDE], facts.start_ns) != first
    assert len(set(arrivals[WRIST].prints)) > 10


def test_messages_that_begin_with_no_stamp(read):
    arrivals, _ = read()
    assert all(known.stamped for known in arrivals.values())
    assert not arrivals["/episode"].prints
