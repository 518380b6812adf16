"""Tests of dust_eval.robot_scene: what a person is told and asked."""

import io
import threading
import time
from types import SimpleNamespace

import pytest

from dust_eval.failure import Failure
from dust_eval.hand import JOINTS
from dust_eval.person import LeaveError, Person, RepeatError
from dust_eval.protocol import Protocol
from dust_eval.robot_scene import RobotScene
from dust_eval.trial import Flow, TrialSpec
from dust_msgs.msg import ExecutorState

SPEC = TrialSpec("box_to_bowl", "blue_cube", 4, ("teddy_bear",))
POSE = (0.0, -0.8, 0.0, -2.3, 0.0, 1.6, 0.8)
PROTOCOL = Protocol((SPEC,), {"box_to_bowl": "Put the {object} in the bowl."}, 45.0, POSE)
FLOW = Flow(5.0, 0.1, 0.2, 0, 0)


class Client:
    """An arm that is where it is told to be, and an executor that can be rearmed."""

    def __init__(self):
        positions = dict(zip(JOINTS, POSE, strict=True))
        self.arm = SimpleNamespace(mode=ExecutorState.IDLE, positions=positions)
        self.rearmed = 0

    def wait_idle(self, *, on_stop):
        while self.arm.mode == ExecutorState.STOPPED:
            on_stop()

    def rearm_if_stopped(self):
        self.rearmed += 1
        self.arm.mode = ExecutorState.IDLE


class Watch:
    begun = 0

    def begin(self):
        self.begun += 1

    def trace(self):
        return None

    def flow(self):
        return FLOW


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def scene(client, tmp_path):
    """Return a function that makes a scene whose person answers these lines; gives what is said."""

    def make(*lines, someone=None, **settings):
        said = io.StringIO()
        someone = someone or Person(io.StringIO("".join(f"{line}\n" for line in lines)), said)
        picture = tmp_path / "start.jpg"
        return RobotScene(
            client, someone, PROTOCOL, Watch(), picture=lambda spec: picture, **settings
        ), said

    return make


def end(error_msg=""):
    return SimpleNamespace(
        result=SimpleNamespace(elapsed_time=20.0, chunks=99, error_msg=error_msg)
    )


def test_the_person_is_told_what_to_put_where(scene, tmp_path):
    table, said = scene("")
    assert table.set_up(SPEC) == "Put the blue cube in the bowl."
    text = said.getvalue()
    assert "configuration 4 of box_to_bowl with the blue cube" in text
    assert "other objects in the scene: teddy bear" in text
    assert "the arm is told: Put the blue cube in the bowl." in text
    assert "should look like" not in text
    (tmp_path / "start.jpg").write_bytes(b"")
    table, said = scene("")
    table.set_up(SPEC)
    assert f"it should look like {tmp_path / 'start.jpg'}" in said.getvalue()


def test_an_arm_that_is_elsewhere_is_told(scene, client):
    client.arm.positions["fr3_joint4"] = -2.0
    table, said = scene("", "", "go")
    table.set_up(SPEC)
    assert said.getvalue().count("fr3_joint4 is 0.30 rad away from where a trial begins") == 2


def test_a_stop_for_cause_is_cleared_by_the_person_only(scene, client):
    client.arm.mode = ExecutorState.STOPPED
    table, said = scene("", "")
    table.set_up(SPEC)
    assert client.rearmed == 1
    assert "the executor stopped for cause; when it is safe, Enter rearms it" in said.getvalue()


def test_a_program_can_set_the_scene(scene):
    table, _ = scene("", reset=lambda spec: f"do {spec.name}")
    assert table.set_up(SPEC) == "do box_to_bowl-blue_cube-4"


@pytest.mark.parametrize(
    ("lines", "score", "failure", "picked", "reason"),
    [
        (("s", "1", ""), 1.0, Failure.NONE, "blue_cube", ""),
        (("h", "1", "on the rim"), 0.5, Failure.HALF, "blue_cube", "on the rim; told"),
        (("f", "2", "2", "went left"), 0.0, Failure.WRONG_OBJECT, "teddy_bear", "went left; told"),
        (("f", "1", "0", ""), 0.0, Failure.NEVER_REACHED, "", "told"),
    ],
)
def test_what_came_of_it_is_the_persons_word(scene, lines, score, failure, picked, reason):
    table, _ = scene(*lines)
    result = table.result(SPEC, end("told"))
    assert (result.score, result.failure, result.picked) == (score, failure, picked)
    assert result.reason == reason
    assert (result.elapsed_sec, result.chunks, result.flow) == (20.0, 99, FLOW)


def test_without_distractors_nobody_asks_what_was_picked_up(scene):
    table, said = scene("s", "fine")
    result = table.result(TrialSpec("box_to_bowl", "blue_cube", 0), end())
    assert (result.picked, result.reason) == ("", "fine")
    assert "picked up" not in said.getvalue()


def test_a_trial_can_be_repeated(scene):
    table, _ = scene("r")
    with pytest.raises(RepeatError):
        table.result(SPEC, end())


def test_a_key_ends_the_trial(scene):
    table, _ = scene("", "")
    table.set_up(SPEC)
    deadline, pause = time.monotonic() + 10, threading.Event()
    while not (pressed := table.is_done()) and time.monotonic() < deadline:
        pause.wait(0.01)  # the line is read in another thread
    assert pressed


STOPS = "Enter rearms it"
AWAY = "bring the arm there"


@pytest.mark.parametrize("question", ["Enter when the scene", STOPS, AWAY])
def test_an_enter_too_many_moves_and_rearms_nothing(scene, client, typist, question):
    """Whoever sees the question would say q; what was typed before it is an Enter or go."""
    client.arm.mode = ExecutorState.STOPPED if question == STOPS else ExecutorState.IDLE
    client.arm.positions["fr3_joint4"] = -2.0 if question == AWAY else POSE[3]
    someone = typist({"Enter when the scene": ["", "", "go"]} | {question: ["q"]})
    someone.keys.type("", "")
    table, _ = scene(someone=someone)
    with pytest.raises(LeaveError):
        table.set_up(SPEC)
    assert client.rearmed == 0
    assert not any("It runs" in text for text in someone.shown)


def test_an_enter_from_before_the_trial_does_not_end_it(scene, typist):
    someone = typist({"Enter when the scene": ["", ""]})
    table, _ = scene(someone=someone)
    table.set_up(SPEC)
    assert not table.is_done()
    someone.keys.type("")
    assert table.is_done()


def test_whoever_stops_while_the_executor_is_waited_for_starts_nothing(scene, client, typist):
    someone = typist({"Enter when the scene": [""]})
    client.wait_idle = lambda *, on_stop: someone.keys.type("q")
    table, _ = scene(someone=someone)
    with pytest.raises(LeaveError):
        table.set_up(SPEC)
