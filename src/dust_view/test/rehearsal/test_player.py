"""What the player waits for, in a graph in which everything is found as late as it may be."""

from collections.abc import Callable
from types import SimpleNamespace as Fields
from typing import Any

import pytest
from rclpy.task import Future
from trajectory_msgs.msg import JointTrajectory

from dust_msgs.msg import ActionChunk
from dust_view.rehearsal import player as module
from dust_view.rehearsal.player import EXECUTOR, Player

TRAJECTORY = "fr3_arm_controller/joint_trajectory"


class Graph:
    """The player's node, what spins it, and an executor that publishes a trajectory for each chunk.

    Both look for messages first. What comes while they look for questions and answers is found
    the next time, after what asked or answered later.
    """

    def __init__(self) -> None:
        self._callbacks: dict[str, Callable[[Any], None]] = {}
        self._look: Callable[[], None] | None = None
        self._looked = True
        self._sent, self._came = Post(), Post()
        self._asked: list[Future] = []

    def create_publisher(self, kind: Any, topic: str, profile: Any) -> Any:
        take = self._sent.put if topic == "action_chunk" else lambda message: None
        return Fields(publish=take)

    def create_subscription(self, kind: Any, topic: str, callback: Any, profile: Any) -> None:
        self._callbacks[topic] = callback

    def create_client(self, kind: Any, name: str) -> Any:
        return Fields(call_async=self._ask)

    def create_guard_condition(self, callback: Callable[[], None]) -> Any:
        self._look = callback
        return Fields(trigger=lambda: setattr(self, "_looked", False))

    def spin_once(self, timeout_sec: float) -> None:
        for _ in self._sent.find():
            self._came.put(JointTrajectory())
        answered, self._asked = self._asked, []
        for message in self._came.find():
            self._callbacks[TRAJECTORY](message)
        if not self._looked:
            assert self._look is not None
            self._looked = True
            self._look()
        for future in answered:
            future.set_result(None)

    def _ask(self, request: Any) -> Future:
        self._asked.append(Future())
        return self._asked[-1]


class Post:
    """Messages that are found one look late."""

    def __init__(self) -> None:
        self._new: list[Any] = []
        self._old: list[Any] = []

    def put(self, message: Any) -> None:
        self._new.append(message)

    def find(self) -> list[Any]:
        found, self._old, self._new = self._old, self._new, []
        return found


@pytest.fixture
def player(monkeypatch) -> Player:
    monkeypatch.setattr(module, "ActionClient", lambda *arguments: None)
    graph: Any = Graph()
    return Player(graph, graph, image_topics={})


def test_who_was_asked_twice_has_taken_a_chunk_and_its_trajectory_is_here(player) -> None:
    player.send_chunk(ActionChunk())
    player.agree(EXECUTOR, patience=5.0, questions=2)
    assert len(player.taken_trajectories()) == 1
    assert player.heard > 0


def test_what_was_sent_before_an_answer_is_here(player) -> None:
    player.send_chunk(ActionChunk())
    player.agree(EXECUTOR, patience=5.0)
    assert player.taken_trajectories() == []  # the answer overtook the chunk
    player.agree(EXECUTOR, patience=5.0)
    assert len(player.taken_trajectories()) == 1
