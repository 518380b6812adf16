"""Episodes that are ended from outside: the operator's mark and the executor are not forgotten."""

from types import SimpleNamespace

import pytest
from rclpy.task import Future, Task

from dust_demos.teleop.conductor import Conductor
from dust_demos.teleop.controls import Button
from dust_demos.teleop.episodes import Outcome, Running
from dust_demos.teleop.scenes import Scene
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

    def go_on(self):
        for job in self.jobs:
            job()

    def get_name(self):
        return "dust_teleop"

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


class Link:
    """An executor that agrees when the test says so."""

    def __init__(self):
        self.agreed, self.started, self.ended = Future(), [], []

    async def start_task(self, task_id, *_, **__):
        self.started.append(task_id)
        await self.agreed
        return ""

    async def end_task(self, task_id, reason, **_):
        self.ended.append((task_id, reason))
        return ""


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
        task_started=lambda *_: None,
    )
    pilot.task_asked = lambda task_id, *_: setattr(pilot, "task", SimpleNamespace(task_id=task_id))
    pilot.task_over = lambda: setattr(pilot, "task", None)
    conductor = Conductor(node, pilot, [], SimpleNamespace())
    conductor.episode = Running("episode", "show it")
    conductor._link = Link()
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


def test_the_executor_hears_of_the_end_while_a_step_waits_for_the_arm_to_rest(conductor, node):
    conductor._pilot.task_asked("task")
    conductor.press({Button.SUCCESS})
    conductor.tick(0)
    node.go_on()
    assert not conductor.finish(WHY)
    # Nobody ticks any more.
    node.go_on()
    assert conductor._link.ended == [("task", WHY)]
    assert conductor.finish(WHY)


def test_a_task_that_is_just_being_started_is_ended(conductor, node):
    conductor.episode = None
    conductor.press({Button.START})
    conductor.tick(0)
    node.go_on()
    assert not conductor.finish(WHY)
    conductor._link.agreed.set_result(None)
    node.go_on()
    (started,) = conductor._link.started
    assert conductor._link.ended == [(started, WHY)]
    assert node.sent == []
    assert conductor.finish(WHY)


@pytest.mark.parametrize("scenes", [[], [Scene("box_to_bowl", "blue_cube", 1000)]])
def test_what_has_not_begun_yet_does_not_begin_until_it_may(conductor, node, scenes):
    conductor.episode = None
    conductor._scenes.extend(scenes)
    conductor.press({Button.START})
    conductor.tick(0)
    conductor.finish(WHY)
    node.go_on()
    assert conductor._link.started == node.sent == []
    conductor.begin()
    conductor.tick(0)
    node.go_on()
    assert len(conductor._link.started) == 1
