"""The operator's side of a task: what engages, what stops, what is said."""

import numpy as np
import pytest

from dust_demos.teleop import fr3
from dust_demos.teleop.clutch import Style
from dust_demos.teleop.controls import Button, Command
from dust_demos.teleop.jog import Jog
from dust_demos.teleop.leader import Leader
from dust_demos.teleop.pilot import ExecutorView, Pilot, Word
from dust_demos.teleop.streams import Stream

NS = 1_000_000_000
PERIOD_NS = round(NS / 15)
IDLE = Command(np.zeros(6))
HELD = Command(np.zeros(6), frozenset({Button.CLUTCH}))
PUSHED = Command(np.array([1.0, 0, 0, 0, 0, 0]), frozenset({Button.CLUTCH}))


class Bench:
    """A pilot, a clock, and an executor that follows exactly."""

    def __init__(self, *, leader=None, style=Style.HOLD):
        self.said = []
        self.pilot = Pilot(
            leader or Jog(),
            Stream("/joy", 0.5),
            lambda text, word: self.said.append((word, text)),
            leader=Stream("/gello", 0.5) if leader else None,
            style=style,
            rearm="call /rearm",
        )
        self.now = 100 * NS
        self.ahead = 0  # of the chunks' clock, which may be set
        self.joints, self.task_id, self.stopped, self.reason = fr3.HOME, "", False, ""
        self.speeds = np.zeros(7)
        self.chunks = []

    def step(self, command=None, leader=None):
        """Let a period pass: device, executor, pilot, and the executor's agreement."""
        self.now += PERIOD_NS
        if command is not None:
            self.pilot.take_command(command, self.now)
        if leader is not None:
            self.pilot.take_leader(leader, self.now)
        self.tell()
        if self.pilot.task is None and self.pilot.wants_task(self.now):
            self.pilot.task_asked("t1")
            self.task_id = "t1"
            self.pilot.task_started(self.now)
        chunk = self.pilot.tick(self.now + self.ahead, self.now)
        if chunk is not None:
            self.chunks.append(chunk)
            self.joints = chunk.path.positions[0]
        return chunk

    def steps(self, count, *arguments):
        return [self.step(*arguments) for _ in range(count)]

    def tell(self):
        """Let the executor publish its state."""
        self.pilot.take_executor(
            ExecutorView(
                self.now,
                self.now + self.ahead,
                self.stopped,
                self.reason,
                self.task_id,
                self.joints,
                self.speeds,
                1.0,
            )
        )

    def engage(self):
        self.steps(2, IDLE)
        self.steps(3, HELD)
        assert self.pilot.engaged
        assert self.chunks


@pytest.fixture
def bench():
    return Bench()


def moved(chunks):
    positions = np.concatenate([chunk.path.positions for chunk in chunks])
    return float(np.ptp(positions, axis=0).max())


def test_nothing_is_sent_until_the_clutch_is_pressed(bench):
    assert bench.steps(10, Command(np.ones(6))) == [None] * 10
    assert bench.said == []


def test_pressing_the_clutch_starts_a_task_and_pushing_moves_the_arm(bench):
    bench.engage()
    assert moved(bench.chunks) == 0
    bench.steps(10, PUSHED)
    assert moved(bench.chunks) > 0.05
    assert [chunk.sequence for chunk in bench.chunks] == list(range(1, len(bench.chunks) + 1))


def test_letting_go_rests_the_arm_then_gives_the_task_back(bench):
    bench.engage()
    bench.steps(10, PUSHED)
    bench.steps(12, IDLE)
    assert moved([bench.chunks[-1]]) == 0
    assert bench.pilot.wants_task(bench.now)
    bench.steps(16, IDLE)
    assert not bench.pilot.wants_task(bench.now)


def test_in_an_episode_a_task_runs_without_the_clutch(bench):
    bench.pilot.in_episode = True
    chunks = bench.steps(40, IDLE)
    assert bench.pilot.wants_task(bench.now)
    assert len([chunk for chunk in chunks if chunk]) >= 38
    assert moved(bench.chunks) == 0


def test_a_device_that_falls_silent_stops_the_arm_and_needs_the_clutch_again(bench):
    bench.engage()
    bench.steps(10, PUSHED)
    bench.steps(4)
    assert bench.pilot.engaged
    slowing = bench.chunks[-1].path.positions
    bench.steps(5)
    np.testing.assert_array_equal(bench.joints, slowing[-1])
    (word, text) = bench.said[-1]
    assert word is Word.WARNING
    assert "nothing on /joy for 0.5 s: the arm comes softly to rest" in text
    assert not bench.pilot.engaged
    rest = bench.joints
    bench.steps(8)
    bench.steps(5, PUSHED)
    assert not bench.pilot.engaged
    np.testing.assert_array_equal(bench.joints, rest)
    bench.step(IDLE)
    bench.steps(2, PUSHED)
    assert bench.pilot.engaged
    assert len([1 for _, text in bench.said if "nothing on" in text]) == 1


def test_a_stop_for_cause_ends_all_and_names_the_service(bench):
    bench.engage()
    bench.steps(5, PUSHED)
    bench.stopped, bench.reason = True, "robot mode is REFLEX"
    assert bench.steps(5, PUSHED) == [None] * 5
    assert bench.said == [
        (Word.ERROR, "the executor stopped: robot mode is REFLEX; mend the cause, then call /rearm")
    ]
    bench.steps(2, IDLE)
    assert bench.steps(2, PUSHED) == [None] * 2
    assert len(bench.said) == 2  # said again to who presses the clutch
    bench.stopped = False
    bench.task_id = ""
    assert bench.steps(3, PUSHED) == [None] * 3
    assert "armed again" in bench.said[-1][1]
    bench.step(IDLE)
    assert any(bench.steps(4, PUSHED))


def test_a_task_that_somebody_else_ends_is_noticed(bench):
    bench.engage()
    bench.steps(8, HELD)
    bench.task_id = ""
    bench.step(HELD)
    assert "the executor left the task" in bench.said[-1][1]
    assert not bench.pilot.engaged


@pytest.mark.parametrize("back", [PERIOD_NS + 1, 0.15 * NS, 0.3 * NS, NS, 3600 * NS])
@pytest.mark.parametrize("moving", [True, False])
def test_a_clock_that_is_set_back_stops_the_arm_and_begins_anew(bench, back, moving):
    bench.engage()
    bench.steps(8, PUSHED if moving else HELD)
    bench.ahead -= PERIOD_NS + int(back)
    assert bench.step(PUSHED) is None
    (word, text) = bench.said[-1]
    assert word is Word.WARNING
    assert text.startswith("the clock was set back by ")
    assert text.endswith("the arm stops; press the clutch again")
    rest = bench.joints
    for chunk in bench.steps(4, PUSHED):
        assert chunk.path.stamp_ns <= bench.now + bench.ahead
        np.testing.assert_array_equal(chunk.path.positions, np.tile(rest, (10, 1)))
    assert not bench.pilot.engaged
    bench.step(IDLE)
    bench.steps(8, PUSHED)
    assert np.abs(bench.joints - rest).max() > 0.005
    assert len(bench.said) == 1


def test_after_the_clock_was_set_back_what_the_executor_said_before_does_not_count(bench):
    bench.engage()
    bench.steps(8, PUSHED)
    bench.ahead -= NS
    bench.step(PUSHED)
    bench.speeds = np.full(7, 0.1)
    assert bench.steps(3, PUSHED) == [None] * 3
    bench.speeds = np.zeros(7)
    assert bench.step(PUSHED) is not None


def test_a_clock_that_is_set_back_while_no_task_runs_is_nobodys_concern(bench):
    bench.steps(3, IDLE)
    bench.ahead -= NS
    bench.engage()
    assert bench.said == []


@pytest.mark.parametrize("style", [Style.HOLD, Style.TOGGLE])
def test_a_clutch_that_is_in_has_to_be_let_go_of_to_start_anew(style):
    bench = Bench(style=style)
    bench.steps(2, IDLE)
    bench.steps(3, HELD)
    bench.pilot.forget_operator()
    assert not bench.pilot.engaged
    bench.steps(3, HELD)
    assert not bench.pilot.engaged
    bench.step(IDLE)
    bench.step(HELD)
    assert bench.pilot.engaged
    assert bench.said == []


def test_a_device_that_was_forgotten_is_not_missed(bench):
    bench.step(PUSHED)
    bench.pilot.forget_operator()
    bench.steps(10)
    assert bench.said == []


def test_it_begins_only_from_a_plan_at_rest(bench):
    bench.speeds = np.full(7, 0.1)
    bench.steps(2, IDLE)
    assert bench.steps(5, HELD) == [None] * 5
    bench.speeds = np.zeros(7)
    assert bench.step(HELD) is not None


def test_a_plan_that_does_not_follow_is_told_and_the_arm_rests(bench):
    bench.engage()
    for _ in range(12):
        bench.joints = bench.joints + 0.2
        bench.tell()
        bench.step(HELD)
        bench.joints = bench.joints + 0.2
    assert any("rad away from what was asked for" in text for _, text in bench.said)
    assert not bench.pilot.engaged


def test_an_executor_that_falls_behind_is_waited_for(bench):
    bench.engage()
    bench.steps(8, PUSHED)
    held = bench.joints
    for _ in range(12):
        bench.step(PUSHED)
        bench.joints = held  # it rejects every chunk
    asked = bench.chunks[-1].path.positions
    assert np.abs(asked - held).max() < 0.15
    assert np.ptp(asked, axis=0).max() == 0
    assert bench.pilot.engaged
    bench.joints = asked[0]
    before = len(bench.chunks)
    bench.steps(6, PUSHED)
    assert moved(bench.chunks[before:]) > 0.01


def test_gripper_buttons_act_in_a_task_only(bench):
    bench.pilot.press(Button.GRIPPER_CLOSE)
    bench.engage()
    assert bench.chunks[-1].opening == 1.0
    for button, opening in (
        (Button.GRIPPER_TOGGLE, 0.0),
        (Button.GRIPPER_TOGGLE, 1.0),
        (Button.GRIPPER_CLOSE, 0.0),
        (Button.GRIPPER_OPEN, 1.0),
        (Button.START, 1.0),
    ):
        bench.pilot.press(button)
        assert bench.step(HELD).opening == opening


def test_presses_are_told_once(bench):
    pressed = Command(np.zeros(6), frozenset({Button.START}))
    assert bench.pilot.take_command(IDLE, 0) == frozenset()
    assert bench.pilot.take_command(pressed, 1) == {Button.START}
    assert bench.pilot.take_command(pressed, 2) == frozenset()


def test_a_leader_is_followed_while_the_clutch_is_held():
    bench = Bench(leader=Leader())
    away = fr3.HOME + 0.2
    bench.steps(2, IDLE, away)
    bench.steps(40, HELD, away)
    np.testing.assert_allclose(bench.joints, away, atol=0.02)
    assert [text for _, text in bench.said] == [
        "the arm comes slowly to the leader",
        "the arm has come to the leader and follows it",
    ]
    bench.steps(10, IDLE, fr3.HOME)
    np.testing.assert_allclose(bench.joints, away, atol=0.02)


def test_a_leader_that_is_not_there_or_too_far_is_told():
    bench = Bench(leader=Leader())
    bench.steps(2, IDLE)
    bench.steps(3, HELD)
    assert "no leader arm on /gello" in bench.said[-1][1]
    far = fr3.HOME + 1.5
    bench.steps(2, IDLE, far)
    bench.steps(4, HELD, far)
    assert "bring the leader to within 1 rad" in bench.said[-1][1]
    assert np.array_equal(bench.joints, fr3.HOME)


def test_a_leader_that_falls_silent_stops_the_arm():
    bench = Bench(leader=Leader())
    bench.steps(2, IDLE, fr3.HOME + 0.3)
    bench.steps(10, HELD, fr3.HOME + 0.3)
    bench.steps(9, HELD)
    assert "nothing on /gello" in bench.said[-1][1]
    assert not bench.pilot.engaged
    assert moved(bench.steps(8, HELD)[-1:]) == 0


def test_the_operators_gripper_counts_by_its_changes():
    bench = Bench(leader=Leader())
    bench.pilot.take_opening(0.0)
    bench.steps(2, IDLE, fr3.HOME)
    bench.steps(4, HELD, fr3.HOME)
    assert bench.chunks[-1].opening == 1.0  # engaging drops and grasps nothing
    bench.pilot.take_opening(1.0)
    bench.pilot.take_opening(0.1)
    assert bench.step(HELD, fr3.HOME).opening == 0.0
    bench.pilot.take_opening(0.5)
    assert bench.step(HELD, fr3.HOME).opening == 0.0
    bench.pilot.take_opening(0.9)
    assert bench.step(HELD, fr3.HOME).opening == 1.0
