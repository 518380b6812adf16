"""What the command says when nobody answers; the way itself is in test_robot_link."""

import threading

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from dust_executor import home_command
from dust_executor.home_command import Traveller
from dust_msgs.msg import ExecutorState


class Interrupted(Traveller):
    """It is interrupted before anybody has answered; what `stop` answers is given."""

    def __init__(self, answer: tuple[bool, str]) -> None:
        self.answer, self._interrupted = answer, threading.Event()

    def ask(self, name: str) -> tuple[bool, str]:
        if name == "stop":
            return self.answer
        self._interrupted.set()
        return False, f"dust_executor/{name} did not answer"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((True, ""), "interrupted; the arm was stopped, call dust_executor/rearm to go on"),
        (
            (False, "nobody offers dust_executor/stop"),
            "interrupted, but the arm was NOT stopped: nobody offers dust_executor/stop; use the "
            "user stop",
        ),
    ],
)
def test_an_interruption_says_what_became_of_the_arm(capsys, answer, says):
    assert home_command._go(Interrupted(answer)) == home_command.REFUSED
    assert capsys.readouterr().err == f"dust-home: {says}\n"


def test_an_executor_that_falls_silent_on_the_way_is_noticed(monkeypatch):
    monkeypatch.setattr(home_command, "_SILENT_SEC", 0.1)
    traveller = Traveller.__new__(Traveller)
    heard = [ExecutorState(velocities=[0.1] * 7)]

    def spin_once(node: object, *, timeout_sec: float) -> None:
        if heard:
            traveller._on_state(heard.pop())

    traveller._node, traveller._interrupted = None, threading.Event()
    monkeypatch.setattr(home_command.rclpy, "spin_once", spin_once)
    assert traveller._wait() == "the executor fell silent; the arm follows what it was sent"
    assert heard == []
    traveller._interrupted.set()
    with pytest.raises(InterruptedError):
        traveller._wait()
