"""Joint states, whole and damaged."""

import numpy as np
import pytest

from dust_sim.faults import JointStateFaults
from dust_sim.joint_states import JointRow, JointStateFeed, joined

NAMES = ("a", "b", "c")


def row(stamp_ns):
    return JointRow(stamp_ns, NAMES, np.arange(3.0), np.arange(3.0) * 10, np.arange(3.0) * 100)


@pytest.fixture
def sent():
    return []


@pytest.fixture
def feed(sent):
    return JointStateFeed(sent.append)


def test_without_a_fault_every_row_leaves_as_it_is(feed, sent):
    for stamp in range(3):
        feed.publish(row(stamp), JointStateFaults())
    assert [each.stamp_ns for each in sent] == [0, 1, 2]
    assert sent[0].names == NAMES


def test_silence_is_silence(feed, sent):
    feed.publish(row(0), JointStateFaults(is_silent=True))
    assert sent == []


def test_stale_rows_keep_their_values_and_lose_their_time(feed, sent):
    feed.publish(row(100), JointStateFaults(age_ns=30))
    assert sent[0].stamp_ns == 70
    np.testing.assert_array_equal(sent[0].positions, row(0).positions)


def test_shuffled_rows_swap_places_and_their_joints_stand_in_reverse(feed, sent):
    for stamp in range(5):
        feed.publish(row(stamp), JointStateFaults(is_shuffled=True))
    assert [each.stamp_ns for each in sent] == [1, 0, 3, 2]
    assert sent[0].names == ("c", "b", "a")
    np.testing.assert_array_equal(sent[0].velocities, [20.0, 10.0, 0.0])
    feed.publish(row(5), JointStateFaults())
    assert [each.stamp_ns for each in sent] == [1, 0, 3, 2, 5]


def test_a_missing_joint_is_missing_in_every_field(feed, sent):
    feed.publish(row(0), JointStateFaults(missing=frozenset("b")))
    assert sent[0].names == ("a", "c")
    for values, factor in (
        (sent[0].positions, 1),
        (sent[0].velocities, 10),
        (sent[0].efforts, 100),
    ):
        np.testing.assert_array_equal(values, [0.0, 2.0 * factor])


def test_arm_and_fingers_are_joined():
    fingers = JointRow(0, ("f",), np.array([0.04]), np.array([0.1]))
    both = joined(row(7), fingers)
    assert both.stamp_ns == 7
    assert both.names == (*NAMES, "f")
    np.testing.assert_array_equal(both.positions, [0.0, 1.0, 2.0, 0.04])
    np.testing.assert_array_equal(both.efforts, [0.0, 100.0, 200.0, 0.0])
