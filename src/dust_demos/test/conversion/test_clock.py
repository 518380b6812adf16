import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from dust_demos.conversion.clock import check_arrival, check_stamps
from dust_demos.conversion.faults import EpisodeFault, Gate

MS = 1_000_000
STEP = 100 * MS
STAMPS = np.arange(0, 3000, 33) * MS


def check(received, stamps):
    check_stamps("/x", list(received), list(stamps), max_step_ns=STEP)


def jumped(stamps, at, by_ms):
    return np.where(np.arange(len(stamps)) >= at, stamps + by_ms * MS, stamps)


@pytest.mark.parametrize(("by", "word"), [(-2000, "back"), (-150, "back"), (500, "ahead")])
def test_a_jump_of_the_stamps_is_named(by, word):
    with pytest.raises(EpisodeFault, match=rf"stamps of /x step {word} by [0-9.]+ s$") as caught:
        check(STAMPS, jumped(STAMPS, 30, by))
    assert caught.value.gate is Gate.CLOCK


def test_what_is_no_jump():
    check(STAMPS, STAMPS)
    check([], [])
    check([5], [7])
    check(STAMPS, jumped(STAMPS, 30, 60))  # jitter
    silent = np.delete(STAMPS, slice(30, 60))
    check(silent, silent)  # a gap is another gate's affair
    check(np.maximum(STAMPS, STAMPS[40]), STAMPS)  # a burst after the recorder was busy
    check(STAMPS, 5 * STAMPS)  # a simulation faster than the recorder's clock,
    check(STAMPS, STAMPS // 4)  # or slower
    swapped = STAMPS.copy()
    swapped[[30, 31]] = swapped[[31, 30]]
    check(STAMPS, swapped)


def test_a_step_of_the_recorders_clock_shows_in_the_files_order(write_bag):
    good = write_bag("good")
    check_arrival(good, ["/joint_states"], max_step_ns=STEP)
    bad = write_bag("bad", receive_clock=lambda t: -0.8 if t > 2 else 0.0)
    with pytest.raises(EpisodeFault, match=r"the recorder's steps back by 0\.\d+ s at a message"):
        check_arrival(bad, ["/joint_states", "/executor_state"], max_step_ns=STEP)
    check_arrival(bad, ["/episode"], max_step_ns=STEP)  # only the topics asked for


def test_other_formats_and_broken_files_pass(write_bag):
    bag = write_bag("db", storage=StoragePlugin.SQLITE3, receive_clock=lambda t: -0.8 * (t > 2))
    check_arrival(bag, ["/joint_states"], max_step_ns=STEP)
    cut = write_bag("cut")
    file = next(cut.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:5000])
    check_arrival(cut, ["/joint_states"], max_step_ns=STEP)
