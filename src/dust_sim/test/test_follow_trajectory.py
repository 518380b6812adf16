"""What FollowJointTrajectory answers, with stand-ins for control_msgs and for the arm."""

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.action import GoalResponse
from rclpy.clock import ClockType
from rclpy.task import Task
from trajectory_msgs.msg import JointTrajectory

from dust_sim import control_adapter
from dust_sim.arm_action import FollowTrajectoryServer


class Follow:
    """The part of control_msgs/FollowJointTrajectory that is used."""

    class Result:
        INVALID_GOAL = -1

        def __init__(self):
            self.error_code, self.error_string = 0, ""


class Arm:
    """A simulation that says of its newest trajectory what the test says."""

    def __init__(self):
        self.count, self.ended = 0, None

    def accept(self, _):
        self.count, self.ended = self.count + 1, None
        return self.count

    def outcome(self, number):
        return self.ended if number == self.count else "preempted by a newer trajectory"

    def hold(self, why):
        self.ended = why


class Goal:
    """A goal's handle; going on with it is up to the test."""

    def __init__(self, server):
        self.server, self.is_cancel_requested, self.status = server, False, ""

    def execute(self):
        self.task = Task(self.server._execute(self))
        self.task()

    def succeed(self):
        self.status = "succeeded"

    def abort(self):
        self.status = "aborted"

    def canceled(self):
        self.status = "canceled"


class Controller:
    """The server, its arm, and its timer."""

    def __init__(self):
        self.arm = Arm()
        node = SimpleNamespace(
            active=True,
            executor=None,
            values={"real_time_factor": 1.0},
            get_parameter=lambda _: SimpleNamespace(value=False),
            create_timer=self.create_timer,
        )
        self.server = FollowTrajectoryServer(node, self.arm)

    def create_timer(self, _, callback, *, clock):
        assert clock.clock_type == ClockType.STEADY_TIME
        self.poll = callback

    def take(self):
        asked = SimpleNamespace(trajectory=JointTrajectory())
        assert self.server._check(asked) == GoalResponse.ACCEPT
        goal = Goal(self.server)
        self.server._begin(goal)
        return goal

    def result(self, goal):
        self.poll()
        goal.task()
        result = goal.task.result()
        return goal.status, result.error_code, result.error_string


@pytest.fixture
def controller(monkeypatch):
    stand_in = SimpleNamespace(FollowJointTrajectory=Follow)
    monkeypatch.setattr(control_adapter, "actions", stand_in)
    monkeypatch.setattr("rclpy.action.ActionServer", lambda *_, **__: None)
    return Controller()


def test_a_goal_succeeds_at_the_end_of_its_trajectory(controller):
    goal = controller.take()
    controller.poll()
    goal.task()
    assert not goal.task.done()
    controller.arm.ended = ""
    assert controller.result(goal) == ("succeeded", 0, "")


def test_a_goal_whose_motion_is_stopped_is_aborted_with_the_reason(controller):
    goal = controller.take()
    controller.arm.ended = "the robot is stopped by a reflex; recover it first"
    said = (Follow.Result.INVALID_GOAL, controller.arm.ended)
    assert controller.result(goal) == ("aborted", *said)


def test_a_goal_is_preempted_by_what_comes_on_the_topic_too(controller):
    goal = controller.take()
    controller.arm.accept(JointTrajectory())
    status, _, said = controller.result(goal)
    assert (status, said) == ("aborted", "preempted by a newer trajectory")


@pytest.mark.parametrize("is_newest", [True, False])
def test_canceling_holds_the_arm_unless_it_follows_another_trajectory(controller, is_newest):
    goal = controller.take()
    if not is_newest:
        controller.arm.accept(JointTrajectory())
    goal.is_cancel_requested = True
    assert controller.result(goal)[0] == "canceled"
    assert controller.arm.ended == ("canceled" if is_newest else None)
