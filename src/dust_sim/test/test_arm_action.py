"""FollowJointTrajectory and franka_gripper's actions over DDS, where their types are installed."""

import pytest

control_actions = pytest.importorskip("control_msgs.action", reason="control_msgs is not installed")

from action_msgs.msg import GoalStatus  # noqa: E402
from builtin_interfaces.msg import Duration  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint  # noqa: E402

from dust_msgs.srv import InjectFault  # noqa: E402
from dust_sim.fr3 import ARM_JOINTS, HOME  # noqa: E402

ACTION = "fr3_arm_controller/follow_joint_trajectory"


@pytest.fixture(scope="module")
def cell(graph):
    graph.start("dust_sim.cell_node", cameras="false")
    graph.joints = graph.listen(JointState, "joint_states")
    graph.wait(lambda: graph.joints, timeout_sec=60.0)
    yield graph
    graph.end()


def turn_base(angle, seconds=1):
    end = HOME.copy()
    end[0] += angle
    still = [0.0] * 7
    point = JointTrajectoryPoint(
        positions=end.tolist(), velocities=still, time_from_start=Duration(sec=seconds)
    )
    return JointTrajectory(joint_names=list(ARM_JOINTS), points=[point])


def send(cell, trajectory):
    return cell.send_goal(control_actions.FollowJointTrajectory, ACTION, trajectory=trajectory)


def test_a_goal_succeeds_when_the_trajectory_has_ended(cell):
    status, _ = cell.result(send(cell, turn_base(0.2)))
    assert status == GoalStatus.STATUS_SUCCEEDED
    cell.wait(lambda: abs(cell.joints[-1].position[0] - 0.2) < 0.02)


def test_a_newer_goal_preempts(cell):
    first = send(cell, turn_base(0.0, seconds=5))
    second = send(cell, turn_base(0.1))
    status, result = cell.result(first)
    assert status == GoalStatus.STATUS_ABORTED
    assert "preempted" in result.error_string
    assert cell.result(second)[0] == GoalStatus.STATUS_SUCCEEDED


def test_a_reflex_aborts(cell):
    handle = send(cell, turn_base(0.0, seconds=5))
    cell.call(InjectFault, "dust_sim/inject_fault", fault="reflex")
    status, result = cell.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert "reflex" in result.error_string
    assert cell.call(Trigger, "dust_sim/recover").success


def test_cancelling_holds_the_arm(cell):
    handle = send(cell, turn_base(1.0, seconds=5))
    cell.spin(0.5)
    cell.wait(handle.cancel_goal_async().done)
    assert cell.result(handle)[0] == GoalStatus.STATUS_CANCELED
    cell.spin(0.5)
    assert abs(cell.joints[-1].velocity[0]) < 0.05
    assert cell.joints[-1].position[0] < 0.9


def test_a_bad_goal_is_rejected(cell):
    assert not send(cell, JointTrajectory(joint_names=["a"])).accepted


def test_frankas_gripper_takes_move_and_grasp(cell):
    franka_actions = pytest.importorskip(
        "franka_msgs.action", reason="franka_msgs is not installed"
    )
    move = cell.send_goal(franka_actions.Move, "franka_gripper/move", width=0.03, speed=0.1)
    status, result = cell.result(move)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.success
    grasp = franka_actions.Grasp.Goal(width=0.03, speed=0.1, force=20.0)
    fields = {name: getattr(grasp, name) for name in ("width", "speed", "force")}
    status, result = cell.result(
        cell.send_goal(franka_actions.Grasp, "franka_gripper/grasp", **fields)
    )
    assert status == GoalStatus.STATUS_ABORTED
    assert "outside" in result.error


def test_the_gripper_command_gives_half_the_width(cell):
    from control_msgs.msg import GripperCommand

    handle = cell.send_goal(
        control_actions.GripperCommand,
        "franka_gripper/gripper_action",
        command=GripperCommand(position=0.02),
    )
    status, result = cell.result(handle)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.position == pytest.approx(0.04, abs=3e-3)
