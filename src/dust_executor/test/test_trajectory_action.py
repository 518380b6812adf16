from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.task import Future
from trajectory_msgs.msg import JointTrajectory

from dust_executor import trajectory_action
from dust_executor.trajectory_action import TrajectoryAction, failure, make_trajectory_action


class FakeClient:
    """An action client whose answers the test gives."""

    def __init__(self, node, kind, name):
        self.name, self.goals = name, []
        self.accepted, self.ended = Future(), Future()
        self.destroyed = False

    def server_is_ready(self):
        return True

    def send_goal_async(self, goal):
        self.goals.append(goal)
        return self.accepted

    def answer(self, *, accepted: bool):
        self.accepted.set_result(
            SimpleNamespace(accepted=accepted, get_result_async=lambda: self.ended)
        )

    def destroy(self):
        self.destroyed = True


class Follow:
    """The part of control_msgs/FollowJointTrajectory that is used."""

    class Goal:
        """Has the field trajectory."""

        def __init__(self, trajectory):
            self.trajectory = trajectory


@pytest.fixture
def action(monkeypatch):
    monkeypatch.setattr(trajectory_action, "ActionClient", FakeClient)
    return TrajectoryAction(None, "arm/follow_joint_trajectory", Follow)


def test_a_goal_that_is_reached_fails_nothing(action):
    told = []
    action.send(JointTrajectory(joint_names=["a"]), told.append)
    client = action._client
    assert client.goals[0].trajectory.joint_names == ["a"]
    client.answer(accepted=True)
    client.ended.set_result(SimpleNamespace(result=SimpleNamespace(error_code=0, error_string="")))
    assert told == [""]
    action.close()
    assert client.destroyed


def test_a_refusal_is_told(action):
    told = []
    action.send(JointTrajectory(), told.append)
    action._client.answer(accepted=False)
    assert told == ["the controller refused the trajectory; is it active?"]


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [(0, "", ""), (-4, "path tolerance", "path tolerance"), (-5, "", "error code -5")],
)
def test_results_are_told_in_words(code, text, words):
    assert failure(SimpleNamespace(error_code=code, error_string=text)) == words


def test_without_control_msgs_there_is_none(probe):
    made = make_trajectory_action(probe.node, "arm/follow_joint_trajectory")
    try:
        import control_msgs  # noqa: F401
    except ImportError:
        assert made is None
    else:
        assert made is not None
        made.close()
