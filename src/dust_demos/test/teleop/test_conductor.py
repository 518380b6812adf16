"""Episodes that are ended from outside: what the operator said of them is not lost."""

from types import SimpleNamespace

import pytest
from rclpy.task import Task

from dust_demos.teleop.conductor import Conductor
from dust_demos.teleop.controls import Button
from dust_demos.teleop.episodes import Outcome, Running
from dust_msgs.msg import Episode

VALUES = {
    "instruction": "show it",
    "cell_node": "dust_sim",
    "outcome": "oracle",
    "operator": "Ada",
    "service_timeout": 1.0,
}
WHY = "dust_teleop is being shut down"


class Node:
    """A node that sends into a list, and goes on with its jobs only where a test says so."""

    def __init__(self):
        self.values, self.sent, self.jobs = VALUES, [], []
        self.executor = SimpleNamespace(create_task=self.create_task)

    def create_task(self, job):
        self.jobs.append(Task(job))
        return self.jobs[-1]

    def create_client(self, *_):
        return SimpleNamespace()

    def create_publisher(self, *_):
        return SimpleNamespace(publish=self.sent.append)

    def get_clock(self):
        stamp = Episode().header.stamp
        return SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=0, to_msg=lambda: stamp))

    def steady_ns(self):
        return 0


@pytest.fixture
def node():
    node = Node()
    yield node
    for job in node.jobs:
        job.cancel()


@pytest.fixture
def conductor(node):
    """Return a conductor in whose episode the arm moves, and goes on moving."""
    pilot = SimpleNamespace(
        task=None,
        executor=None,
        is_stopped=False,
        in_episode=True,
        release=lambda: None,
        is_at_rest=lambda _: False,
        wants_task=lambda _: True,
        say=lambda *_: None,
        task_asked=lambda *_: None,
    )
    conductor = Conductor(node, pilot, [], SimpleNamespace())
    conductor.episode = Running("episode", "show it")
    return conductor


@pytest.mark.parametrize("reached", ["pressed", "begun", "waits for rest"])
@pytest.mark.parametrize(
    ("button", "outcome"),
    [
        (Button.SUCCESS, Outcome.SUCCESS),
        (Button.FAILURE, Outcome.FAILURE),
        (Button.DISCARD, Outcome.DISCARDED),
        (Button.END, Outcome.UNKNOWN),
    ],
)
def test_an_episode_that_is_marked_just_before_the_end_keeps_its_mark(
    conductor, node, button, outcome, reached
):
    conductor.press({button})
    if reached != "pressed":
        conductor.tick(0)
    if reached == "waits for rest":
        node.jobs[0]()
    assert node.sent == []
    conductor.finish(WHY)
    (message,) = node.sent
    assert (message.event, message.outcome, message.note) == (Episode.END, outcome, WHY)
    assert conductor.outcomes == [outcome]


def test_an_episode_that_nobody_has_marked_ends_unknown(conductor, node):
    conductor.press({Button.START})
    conductor.finish(WHY)
    assert node.sent[0].outcome == Outcome.UNKNOWN


def test_a_mark_counts_for_its_own_episode_only(conductor, node):
    conductor.press({Button.SUCCESS})
    conductor.tick(0)
    conductor.finish(WHY)
    conductor.episode = Running("next", "show it")
    conductor.finish(WHY)
    assert [message.outcome for message in node.sent] == [Outcome.SUCCESS, Outcome.UNKNOWN]


def test_a_mark_without_an_episode_is_not_kept(conductor, node):
    conductor.episode = None
    conductor.press({Button.SUCCESS})
    conductor.tick(0)
    conductor.episode = Running("next", "show it")
    conductor.finish(WHY)
    assert node.sent[0].outcome == Outcome.UNKNOWN
