"""The cell's node over DDS, in a process of its own: topics, services, motion, faults."""

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dust_msgs.action import Gripper
from dust_msgs.msg import ActionChunk, CellState, ExecutorState, RobotState
from dust_msgs.srv import AuditCommands, InjectFault, JudgeCell, ResetCell
from dust_node.qos import LATCHED, RELIABLE
from dust_node.run import run
from dust_sim.cameras import intrinsics
from dust_sim.cell_node import CellNode
from dust_sim.control_adapter import State
from dust_sim.description import robot_description
from dust_sim.fr3 import ARM_JOINTS, HOME
from dust_sim.messages import from_trajectory
from dust_sim.placement import place
from dust_sim.scene import build_model
from dust_sim.simulation import Simulation
from dust_sim.variation import Variation
from support.program import refusal

CAMERA = "zed_{}/zed_node/rgb/color/rect/{}"


@pytest.fixture(scope="module")
def cell(graph):
    """One cell for all tests of the module, with a joint state listener."""
    graph.start("dust_sim.cell_node", object="sponge", seed=1, variation=0.5)
    graph.joints = graph.listen(JointState, "joint_states", qos_profile_sensor_data)
    graph.wait(lambda: len(graph.joints) > 0, timeout_sec=60.0)
    return graph


def stamp_of(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def rate_of(messages):
    stamps = [stamp_of(message) for message in messages]
    return (len(stamps) - 1) / (stamps[-1] - stamps[0])


def turn_base(angle):
    end = HOME.copy()
    end[0] += angle
    rest = {"velocities": [0.0] * 7, "accelerations": [0.0] * 7}
    return JointTrajectory(
        joint_names=list(reversed(ARM_JOINTS)),
        points=[
            JointTrajectoryPoint(positions=list(reversed(q)), time_from_start=t, **rest)
            for q, t in ((HOME.tolist(), Duration()), (end.tolist(), Duration(sec=1)))
        ],
    )


def test_a_late_listener_learns_what_the_robot_looks_like(cell):
    descriptions = cell.listen(String, "robot_description", LATCHED)
    cell.wait(lambda: descriptions)
    assert [message.data for message in descriptions] == [robot_description()]


def test_cameras_send_what_a_zed_sends(cell):
    images = {name: cell.listen(Image, CAMERA.format(name, "image")) for name in ("wrist", "side")}
    infos = cell.listen(CameraInfo, CAMERA.format("side", "camera_info"))
    cell.wait(lambda: all(len(rows) >= 20 for rows in images.values()))
    for name, rows in images.items():
        image = rows[-1]
        assert (image.height, image.width, image.encoding) == (360, 640, "bgra8")
        assert image.step == 640 * 4
        assert image.header.frame_id == f"zed_{name}_left_camera_frame_optical"
        pixels = np.frombuffer(image.data, np.uint8).reshape(360, 640, 4)
        assert pixels[..., :3].std() > 10
        assert (pixels[..., 3] == 255).all()
        assert rate_of(rows) == pytest.approx(15.0, rel=0.1)
    assert infos[-1].k[0] == pytest.approx(infos[-1].k[4])
    assert infos[-1].k[2] == pytest.approx(319.5)
    stamps = {stamp_of(row) for row in images["wrist"]} & {stamp_of(row) for row in images["side"]}
    assert len(stamps) >= 15


def test_looks_follow_the_seed_and_intrinsics_tell_the_truth(cell):
    infos = cell.listen(CameraInfo, CAMERA.format("side", "camera_info"))
    images = cell.listen(Image, CAMERA.format("side", "image"))
    model = build_model()
    brightness = {}
    for seed in (1000, 1001, 1000):
        where = {"task": "box_to_bowl", "object_name": "sponge", "seed": seed}
        assert cell.call(ResetCell, "dust_sim/reset", **where).success
        look = Variation.of(place("box_to_bowl", "sponge", seed), 0.5)
        lens = intrinsics(model, "side", variation=look)
        infos.clear()
        cell.wait(lambda focal=lens.fx: infos and infos[-1].k[0] == pytest.approx(focal, abs=1e-6))
        images.clear()
        cell.wait(lambda: len(images) >= 2)
        pixels = np.frombuffer(images[-1].data, np.uint8).reshape(360, 640, 4)
        brightness.setdefault(seed, []).append(pixels[..., :3].mean())
    assert brightness[1000][0] == pytest.approx(brightness[1000][1], abs=0.5)
    assert abs(brightness[1000][0] - brightness[1001][0]) > 1.0


def test_jpeg_comes_while_somebody_listens(cell):
    jpegs = cell.listen(CompressedImage, CAMERA.format("wrist", "image/compressed"))
    cell.wait(lambda: jpegs)
    assert bytes(jpegs[0].data[:3]) == b"\xff\xd8\xff"


def test_states_come_at_their_rates_with_fresh_stamps(cell):
    arm = cell.listen(JointState, "franka/joint_states", qos_profile_sensor_data)
    controller = cell.listen(State, "fr3_arm_controller/controller_state")
    robot = cell.listen(RobotState, "robot_state")
    fingers = cell.listen(JointState, "franka_gripper/joint_states")
    truth = cell.listen(CellState, "dust_sim/cell_state")
    cell.joints.clear()
    cell.wait(lambda: len(truth) >= 40)
    age = cell.node.get_clock().now().nanoseconds * 1e-9 - stamp_of(arm[-1])
    assert -0.05 < age < 0.5
    assert rate_of(arm) == pytest.approx(100.0, rel=0.1)
    assert rate_of(cell.joints) == pytest.approx(30.0, rel=0.1)
    assert rate_of(fingers) == pytest.approx(15.0, rel=0.1)
    assert rate_of(robot) == pytest.approx(10.0, rel=0.1)
    assert list(arm[-1].name) == list(ARM_JOINTS)
    assert len(cell.joints[-1].name) == len(cell.joints[-1].position) == 9
    assert robot[-1].robot_mode == RobotState.MOVE
    assert list(controller[-1].joint_names) == list(ARM_JOINTS)
    assert truth[-1].object_name == "sponge"
    assert len(truth[-1].poses) == len(truth[-1].names) == 3
    assert truth[-1].real_time_factor > 0.3


def test_reset_sets_the_scene_and_judge_looks_at_it(cell):
    truth = cell.listen(CellState, "dust_sim/cell_state")
    answer = cell.call(
        ResetCell,
        "dust_sim/reset",
        task="plate_to_basket",
        object_name="blue_cup",
        seed=3,
        distractors=["sponge"],
    )
    assert answer.success
    assert answer.instruction == (
        "Pick up the blue cup on the white plate and place it in the white basket."
    )
    cell.wait(lambda: truth and truth[-1].instruction == answer.instruction)
    assert sorted(truth[-1].names) == ["blue_cup", "sponge", "white_basket", "white_plate"]
    verdict = cell.call(JudgeCell, "dust_sim/judge")
    assert verdict.outcome == JudgeCell.Response.NONE
    assert verdict.score == 0.0
    assert "blue cup" in verdict.reason


def test_a_bad_reset_changes_nothing_and_says_what_is_allowed(cell):
    answer = cell.call(ResetCell, "dust_sim/reset", task="box_to_moon", object_name="sponge")
    assert not answer.success
    assert "plate_to_basket" in answer.message


def test_a_trajectory_moves_the_arm_and_the_audit_counts_it(cell):
    cell.call(AuditCommands, "dust_sim/audit", reset=True)
    topic = "fr3_arm_controller/joint_trajectory"
    publisher = cell.node.create_publisher(JointTrajectory, topic, 10)
    cell.wait(lambda: publisher.get_subscription_count() > 0)
    publisher.publish(turn_base(0.4))
    cell.wait(lambda: abs(cell.joints[-1].position[0] - 0.4) < 0.01)
    counts = cell.call(AuditCommands, "dust_sim/audit")
    assert counts.samples >= 500
    assert counts.outside_position + counts.outside_velocity == 0
    assert counts.outside_acceleration + counts.outside_jerk == 0
    assert counts.peak[1] == pytest.approx(0.4 * 1.875 / 2.62, rel=0.02)


def test_the_gripper_takes_one_goal_at_a_time(cell):
    goal = {"command": Gripper.Goal.MOVE, "width": 0.02, "speed": 0.1}
    first = cell.send_goal(Gripper, "franka_gripper/gripper", **goal)
    second = cell.send_goal(Gripper, "franka_gripper/gripper", **goal)
    assert first.accepted
    assert not second.accepted
    status, result = cell.result(first)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.success
    assert result.width == pytest.approx(0.02, abs=2e-3)


def test_the_gripper_can_be_stopped(cell):
    goal = {"command": Gripper.Goal.HOMING}
    handle = cell.send_goal(Gripper, "franka_gripper/gripper", **goal)
    assert cell.call(Trigger, "franka_gripper/stop").success
    status, result = cell.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert result.error == "stopped"


def test_a_canceled_gripper_goal_stops_the_fingers(cell):
    handle = cell.send_goal(Gripper, "franka_gripper/gripper", command=Gripper.Goal.HOMING)
    cell.wait(handle.cancel_goal_async().done)
    assert cell.result(handle)[0] == GoalStatus.STATUS_CANCELED


def test_a_camera_that_stops_is_silent_and_the_other_goes_on(cell):
    wrist = cell.listen(Image, CAMERA.format("wrist", "image"))
    side = cell.listen(Image, CAMERA.format("side", "image"))
    cell.wait(lambda: wrist and side)
    assert cell.call(
        InjectFault, "dust_sim/inject_fault", fault="camera_stop", target="wrist"
    ).success
    cell.spin(0.3)  # what was under way arrives
    wrist.clear()
    side.clear()
    cell.wait(lambda: len(side) >= 8)
    assert wrist == []
    assert cell.call(InjectFault, "dust_sim/inject_fault", fault="clear").success
    cell.wait(lambda: wrist)


def test_late_images_keep_the_time_they_were_taken_at(cell):
    side = cell.listen(Image, CAMERA.format("side", "image"))
    cell.wait(lambda: side)
    cell.call(InjectFault, "dust_sim/inject_fault", fault="camera_delay", value=0.6, duration=3.0)
    cell.spin(0.8)
    side.clear()
    cell.wait(lambda: side)
    age = cell.node.get_clock().now().nanoseconds * 1e-9 - stamp_of(side[-1])
    assert 0.55 < age < 2.0
    cell.call(InjectFault, "dust_sim/inject_fault", fault="clear")


def test_joint_states_can_stop(cell):
    cell.call(InjectFault, "dust_sim/inject_fault", fault="joint_states_stop")
    cell.spin(0.2)
    cell.joints.clear()
    cell.spin(0.3)
    assert cell.joints == []
    cell.call(InjectFault, "dust_sim/inject_fault", fault="clear")
    cell.wait(lambda: cell.joints)


def test_a_frozen_camera_shows_the_same_with_new_stamps(cell):
    wrist = cell.listen(Image, CAMERA.format("wrist", "image"))
    cell.wait(lambda: wrist)
    inject = {"fault": "camera_freeze", "target": "wrist"}
    assert cell.call(InjectFault, "dust_sim/inject_fault", **inject).success
    cell.spin(0.3)
    wrist.clear()
    # Reset to another scene: whoever looks sees something else.
    where = {"task": "plate_to_basket", "object_name": "sponge", "seed": 5}
    assert cell.call(ResetCell, "dust_sim/reset", **where).success
    cell.wait(lambda: len(wrist) >= 6)
    assert len({stamp_of(image) for image in wrist}) == len(wrist)
    assert all(image.data == wrist[0].data for image in wrist)
    cell.call(InjectFault, "dust_sim/inject_fault", fault="clear")
    cell.wait(lambda: wrist[-1].data != wrist[0].data)


def test_swapped_cameras_come_on_each_other_s_topics(cell):
    wrist = cell.listen(Image, CAMERA.format("wrist", "image"))
    infos = cell.listen(CameraInfo, CAMERA.format("wrist", "camera_info"))
    assert cell.call(InjectFault, "dust_sim/inject_fault", fault="camera_swap").success
    side = "zed_side_left_camera_frame_optical"
    cell.wait(lambda: wrist and wrist[-1].header.frame_id == side)
    cell.wait(lambda: infos and infos[-1].header.frame_id == side)
    cell.call(InjectFault, "dust_sim/inject_fault", fault="clear")
    cell.wait(lambda: wrist[-1].header.frame_id != side)


def test_joint_states_can_be_stale_shuffled_and_incomplete(cell):
    for fault, value in (("stale", 60.0), ("reorder", 0.0), ("missing", 0.0)):
        inject = {"fault": f"joint_states_{fault}", "value": value}
        assert cell.call(InjectFault, "dust_sim/inject_fault", **inject).success
    cell.wait(lambda: len(cell.joints[-1].name) == 8)
    cell.joints.clear()
    cell.wait(lambda: len(cell.joints) >= 6)
    now = cell.node.get_clock().now().nanoseconds * 1e-9
    stamps = [stamp_of(state) for state in cell.joints]
    assert now - max(stamps) > 59
    assert stamps != sorted(stamps)
    assert cell.joints[-1].name[0] == "fr3_finger_joint2"
    assert "fr3_joint7" not in cell.joints[-1].name
    cell.call(InjectFault, "dust_sim/inject_fault", fault="clear")
    cell.wait(lambda: len(cell.joints[-1].name) == 9)


def test_the_user_stop_is_reported_and_only_its_release_ends_it(cell):
    robot = cell.listen(RobotState, "robot_state")
    cell.call(InjectFault, "dust_sim/inject_fault", fault="user_stop")
    cell.wait(lambda: robot and robot[-1].robot_mode == RobotState.USER_STOPPED)
    refused = cell.call(Trigger, "dust_sim/recover")
    assert not refused.success
    assert "release it" in refused.message
    cell.call(InjectFault, "dust_sim/inject_fault", fault="clear")
    cell.wait(lambda: robot[-1].robot_mode == RobotState.MOVE)


def test_a_reflex_is_reported_and_can_be_recovered(cell):
    robot = cell.listen(RobotState, "robot_state")
    cell.call(InjectFault, "dust_sim/inject_fault", fault="reflex")
    cell.wait(lambda: robot and robot[-1].robot_mode == RobotState.REFLEX)
    assert list(robot[-1].errors) == ["cartesian_reflex"]
    assert cell.call(Trigger, "dust_sim/recover").success
    cell.wait(lambda: robot[-1].robot_mode == RobotState.MOVE)


def test_an_unknown_fault_is_refused_with_what_is_allowed(cell):
    answer = cell.call(InjectFault, "dust_sim/inject_fault", fault="flood")
    assert not answer.success
    assert "camera_stop" in answer.message


def test_sigint_ends_it_cleanly(cell):
    cell.end()


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("task:=box_to_moon", "box_to_plate"),
        ("distractors:=teapot", "no object 'teapot'"),
        ("real_time_factor:=2.0", "publish_clock"),
        ("use_sim_time:=true", "publish_clock"),
        ("camera_rte:=10.0", "did you mean 'camera_rate'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(ros_domain, parameter, text):
    assert text in refusal("dust_sim.cell_node", "--ros-args", "-p", parameter)


def test_with_its_own_clock_time_can_run_faster(graph):
    graph.start("dust_sim.cell_node", publish_clock="true", real_time_factor=3.0, cameras="false")
    clock = graph.listen(Clock, "/clock")
    truth = graph.listen(CellState, "dust_sim/cell_state")
    graph.wait(lambda: clock and truth and truth[-1].real_time_factor > 1.5, timeout_sec=60.0)
    times = [message.clock.sec + message.clock.nanosec * 1e-9 for message in clock]
    assert times == sorted(times)
    # The stamps are the clock's: no state is from another time.
    assert times[0] - 1.0 <= stamp_of(truth[-1]) <= times[-1] + 1.0
    graph.end()


def test_its_own_clock_waits_for_the_executor(graph):
    graph.start("dust_sim.cell_node", publish_clock="true", real_time_factor=3.0, cameras="false")
    clock = graph.listen(Clock, "/clock")
    states = graph.node.create_publisher(ExecutorState, "executor_state", 10)
    graph.wait(lambda: len(clock) > 20 and states.get_subscription_count())

    def speak():
        """Play an executor that reaches the present time now."""
        state = ExecutorState()
        state.header.stamp = clock[-1].clock
        states.publish(state)

    def seconds():
        return clock[-1].clock.sec + clock[-1].clock.nanosec * 1e-9

    speak()
    graph.spin(0.2)
    began = seconds()
    for _ in range(5):
        speak()
        graph.spin(0.2)
    # At three times real time a second would be three.
    assert 0.1 < seconds() - began < 1.2
    # Who falls silent is not waited for.
    before = seconds()
    graph.wait(lambda: seconds() > before + 1.5)
    graph.node.destroy_publisher(states)
    graph.end()


def test_its_own_clock_waits_for_chunks_while_there_is_a_task(graph):
    options = {"max_lead": 10.0, "max_chunk_lead": 0.2, "patience": 30.0, "cameras": "false"}
    graph.start("dust_sim.cell_node", publish_clock="true", real_time_factor=3.0, **options)
    clock = graph.listen(Clock, "/clock")
    states = graph.node.create_publisher(ExecutorState, "executor_state", 10)
    chunks = graph.node.create_publisher(ActionChunk, "action_chunk", RELIABLE)
    heard = (states.get_subscription_count, chunks.get_subscription_count)
    graph.wait(lambda: len(clock) > 20 and all(count() for count in heard))

    def seconds():
        return clock[-1].clock.sec + clock[-1].clock.nanosec * 1e-9

    def say(publisher, message):
        message.header.stamp = clock[-1].clock
        publisher.publish(message)

    say(states, ExecutorState(mode=ExecutorState.RUNNING))
    say(chunks, ActionChunk())
    began = seconds()
    graph.spin(1.0)
    assert seconds() - began < 1.0
    say(states, ExecutorState(mode=ExecutorState.IDLE))
    before = seconds()
    graph.wait(lambda: seconds() > before + 1.5, timeout_sec=20.0)
    graph.end()


def test_it_follows_a_lifecycle_manager(graph):
    def change(transition):
        return graph.call(
            ChangeState, "dust_sim/change_state", transition=Transition(id=transition)
        ).success

    joints = graph.listen(JointState, "joint_states", qos_profile_sensor_data)
    graph.start("dust_sim.cell_node", autostart="false")
    assert change(Transition.TRANSITION_CONFIGURE)
    assert joints == []
    assert change(Transition.TRANSITION_ACTIVATE)
    graph.wait(lambda: joints)
    assert change(Transition.TRANSITION_DEACTIVATE)
    graph.spin(0.2)
    joints.clear()
    graph.spin(0.3)
    assert joints == []
    assert change(Transition.TRANSITION_CLEANUP)
    assert change(Transition.TRANSITION_CONFIGURE)
    assert change(Transition.TRANSITION_ACTIVATE)
    graph.wait(lambda: joints)
    graph.end()


def test_a_motion_ends_with_the_deactivation(fresh_ros_domain):
    words = ["cell", "--ros-args", "-p", "cameras:=false"]
    rclpy.init(args=words, signal_handler_options=SignalHandlerOptions.NO)
    node = CellNode()
    try:
        node.autostart()
        number = node._simulation.accept(from_trajectory(turn_base(0.4)))
        node.trigger_deactivate()
        assert node._simulation.outcome(number) == "dust_sim was deactivated"
    finally:
        node.close()
        node.destroy_node()
        rclpy.try_shutdown()


def test_broken_physics_end_it_although_its_own_clock_stands_still(fresh_ros_domain, monkeypatch):
    def advance(*_):
        raise RuntimeError("physics broke")

    monkeypatch.setattr(Simulation, "advance", advance)
    given = ("use_sim_time:=true", "publish_clock:=true", "cameras:=false")
    words = [word for parameter in given for word in ("-p", parameter)]
    with pytest.raises(RuntimeError, match="physics broke"):
        run(CellNode, ["cell", "--ros-args", *words])
