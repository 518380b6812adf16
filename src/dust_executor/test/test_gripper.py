import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_executor.chunk import PERIODS
from dust_executor.gripper import Grip, Gripper, GripperSettings

NS = 1_000_000_000


def tell(gripper, command, now, *, until=1.0, then=None):
    """Update with a plan that says `command`, and `then` from so many seconds on."""
    commands = np.full(len(gripper.ahead), float(command))
    if then is not None:
        commands[gripper.ahead >= until * NS] = then
    return gripper.update(commands, now)


@pytest.fixture
def gripper():
    gripper = Gripper(GripperSettings())
    gripper.begin(1.0)
    return gripper


def test_nothing_is_sent_while_the_hand_is_as_wanted(gripper):
    assert tell(gripper, 1.0, NS) is None
    # Between the thresholds nothing changes.
    assert tell(gripper, 0.45, 2 * NS) is None


def test_hysteresis(gripper):
    assert tell(gripper, 0.39, NS) is Grip.CLOSE
    gripper.finished(1, reached=True)
    assert tell(gripper, 0.59, 3 * NS) is None
    assert tell(gripper, 0.61, 4 * NS) is Grip.OPEN


def test_one_goal_in_flight_and_the_latest_wins(gripper):
    assert tell(gripper, 0.0, NS) is Grip.CLOSE
    for time, command in ((2, 1.0), (3, 0.0), (4, 1.0)):
        assert tell(gripper, command, time * NS) is None
    gripper.finished(1, reached=True)
    assert tell(gripper, 1.0, 5 * NS) is Grip.OPEN
    assert gripper.goals == 2


def test_what_changed_back_meanwhile_is_not_sent(gripper):
    tell(gripper, 0.0, NS)
    tell(gripper, 1.0, 2 * NS)
    tell(gripper, 0.0, 3 * NS)
    gripper.finished(1, reached=True)
    assert tell(gripper, 0.0, 4 * NS) is None


def test_goals_keep_their_distance(gripper):
    tell(gripper, 0.0, NS)
    gripper.finished(1, reached=True)
    assert tell(gripper, 1.0, NS + NS // 10) is None
    assert tell(gripper, 1.0, NS + NS // 2) is Grip.OPEN


def test_a_goal_without_result_is_given_up(gripper):
    tell(gripper, 0.0, NS)
    assert not gripper.overdue(5 * NS)
    assert gripper.overdue(7 * NS)
    assert tell(gripper, 1.0, 7 * NS) is Grip.OPEN
    # The old goal's result comes late: it does not free the new one.
    gripper.finished(1, reached=True)
    assert tell(gripper, 0.0, 8 * NS) is None


def test_a_refused_goal_is_sent_again(gripper):
    assert tell(gripper, 0.0, NS) is Grip.CLOSE
    gripper.finished(1, reached=False)
    assert tell(gripper, 0.0, NS + 1) is None
    assert tell(gripper, 0.0, 2 * NS) is Grip.CLOSE


def test_the_first_command_counts_when_the_hand_is_unknown():
    gripper = Gripper(GripperSettings())
    gripper.begin(float("nan"))
    assert tell(gripper, 0.5, NS) is None
    assert tell(gripper, 1.0, NS) is Grip.OPEN


def test_an_object_in_the_hand_does_not_open_it(gripper):
    tell(gripper, 0.0, NS)
    gripper.finished(1, reached=True)
    gripper.begin(0.6)
    assert tell(gripper, 0.0, 9 * NS) is None


def test_a_command_that_does_not_last_never_becomes_a_goal(gripper):
    for tick in range(20):
        assert tell(gripper, 0.0, tick * NS // 50, until=0.19, then=1.0) is None
    # Not even while it is about to change back.
    assert tell(gripper, 1.0, NS) is None
    assert tell(gripper, 0.0, 2 * NS, until=0.21, then=1.0) is Grip.CLOSE


def test_a_hand_that_holds_something_does_not_open_for_a_moment(gripper):
    tell(gripper, 0.0, NS)
    gripper.finished(1, reached=True)
    assert tell(gripper, 1.0, 2 * NS, until=0.1, then=0.0) is None
    assert tell(gripper, 1.0, 3 * NS) is Grip.OPEN


def test_without_hold_every_command_counts():
    gripper = Gripper(GripperSettings(hold=0.0))
    gripper.begin(1.0)
    assert gripper.ahead.tolist() == [0]
    assert gripper.update(np.zeros(1), NS) is Grip.CLOSE


@given(st.floats(0, 2))
def test_no_action_is_overlooked(hold):
    ahead = Gripper(GripperSettings(hold=hold)).ahead
    assert ahead[0] == 0
    assert hold * NS - PERIODS[0] * NS < ahead[-1] <= hold * NS + 1
    assert np.all(np.diff(ahead) <= PERIODS[0] * NS)


def test_thresholds_must_be_ordered():
    with pytest.raises(ValueError, match=r"close_below \(0.7\) must be below"):
        GripperSettings(close_below=0.7)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_goals_alternate_and_never_overlap(commands):
    gripper = Gripper(GripperSettings())
    gripper.begin(1.0)
    sent, in_flight, now = [Grip.OPEN], False, 0
    for command, finish in commands:
        now += NS // 10
        goal = tell(gripper, command, now)
        if goal is not None:
            assert not in_flight
            assert goal is not sent[-1]
            sent.append(goal)
            in_flight = True
        if finish and in_flight:
            gripper.finished(gripper.goals, reached=True)
            in_flight = False
