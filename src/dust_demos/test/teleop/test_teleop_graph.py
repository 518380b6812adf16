"""The node in a real graph: cell, executor, teleop, and a test that plays the device."""

import numpy as np
import pytest
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String
from std_srvs.srv import Trigger

from dust_demos.teleop.fr3 import ARM_JOINTS, HOME
from dust_msgs.msg import ActionChunk, CellState, Episode, ExecutorState
from dust_msgs.srv import AuditCommands
from dust_node.fr3_kinematics import hand_pose
from dust_node.qos import LATCHED, RELIABLE
from dust_sim.messages import from_pose
from dust_sim.objects import OBJECTS

CLUTCH, TOGGLE, SUCCESS, END, START = 10, 9, 0, 3, 6
UP = np.array([0.0, 0.0, 0.12])


# A machine that is busy with other things stalls nodes: more time for every way, at a slower pace.
PACE = {"publish_clock": "true", "real_time_factor": 0.6}
PATIENT = {
    "use_sim_time": "true",
    "watchdog.joint_state_timeout": 3.0,
    "watchdog.chunk_timeout": 5.0,
    "plan.lead": 0.28,
    "plan.lead_max": 0.3,
    "plan.transport": 0.25,
}


class Operator:
    """A gamepad in a person's hands, and what the arm does."""

    def __init__(self, graph):
        self.graph = graph
        self.axes, self.buttons = [0.0] * 6, [0] * 15
        self.publisher = graph.node.create_publisher(Joy, "joy", RELIABLE)
        self.timer = graph.node.create_timer(0.05, self.publish)
        self.plugged_in = True
        self.chunks = graph.listen(ActionChunk, "action_chunk")
        self.episodes = graph.listen(Episode, "episode", LATCHED)
        self.states = graph.listen(ExecutorState, "executor_state")
        self.joints = graph.listen(JointState, "joint_states")
        self.status = graph.listen(String, "teleop/status", LATCHED)

    def publish(self):
        if self.plugged_in:
            self.publisher.publish(Joy(axes=self.axes, buttons=self.buttons))

    def hold(self, button, down=True):
        self.buttons[button] = int(down)

    def press(self, button):
        self.hold(button)
        self.graph.spin(0.15)
        self.hold(button, False)
        self.graph.spin(0.15)

    def push(self, **axes):
        for name, value in axes.items():
            self.axes[{"x": 1, "y": 0, "z": 3, "yaw": 2}[name]] = value

    @property
    def positions(self):
        message = self.joints[-1]
        values = dict(zip(message.name, message.position, strict=True))
        return np.array([values[name] for name in ARM_JOINTS])

    @property
    def hand(self):
        return hand_pose(self.positions).position

    @property
    def mode(self):
        return self.states[-1].mode

    @property
    def words(self):
        return [message.data for message in self.status]

    @property
    def told(self):
        return self.words[-1]

    @property
    def width(self):
        message = self.joints[-1]
        values = dict(zip(message.name, message.position, strict=True))
        return values["fr3_finger_joint1"] + values["fr3_finger_joint2"]

    def steer_to(self, place, yaw):
        """Push the sticks until the hand is at a place, turned as wanted, as a person would."""

        def arrived():
            pose = hand_pose(self.positions)
            turned = np.arctan2(pose.rotation[1, 0], pose.rotation[0, 0])
            error = np.append(place - pose.position, np.angle(np.exp(1j * (yaw - turned))))
            push = np.clip(np.array([12.0, 12.0, 12.0, 3.0]) * error, -1, 1)
            push = np.sign(push) * (0.1 + 0.9 * np.abs(push))  # past the dead zone
            self.push(**dict(zip(("x", "y", "z", "yaw"), push.tolist(), strict=True)))
            return np.abs(error).max() < 0.006

        self.graph.wait(arrived, timeout_sec=60)
        self.push(x=0.0, y=0.0, z=0.0, yaw=0.0)
        self.rest()

    def engage(self):
        self.hold(CLUTCH)
        self.graph.wait(lambda: self.mode == ExecutorState.RUNNING)

    def rest(self):
        """Wait until neither the plan nor the arm moves any more."""
        self.graph.wait(lambda: not np.any(np.abs(self.states[-1].velocities) > 1e-6))
        moving = [1.0]
        self.joints.clear()
        while moving:
            self.graph.wait(lambda: len(self.joints) >= 12)
            moving = [m for m in self.joints[-12:] if np.abs(m.velocity).max() > 0.01]
            self.joints[:-1] = []


@pytest.fixture(scope="module")
def graph(ros_domain, tmp_path_factory):
    from support.graph import Graph

    graph = Graph(ros_domain, logs=tmp_path_factory.mktemp("logs"))
    yield graph
    graph.close()


@pytest.fixture(scope="module")
def operator(graph):
    graph.start("dust_sim.cell_node", cameras="false", **PACE)
    graph.start("dust_executor.executor_node", **PATIENT)
    graph.start(
        "dust_demos.teleop.teleop_node",
        operator="tester",
        outcome="oracle",
        scenes="box_to_plate sponge 1000..1009",
        use_sim_time="true",
        input_timeout=1.0,
        service_timeout=10.0,
        **{"chunk.lead": 0.3, "chunk.horizon": 14},
    )
    operator = Operator(graph)
    graph.wait(lambda: operator.states and operator.states[-1].positions and operator.joints)
    graph.wait(lambda: operator.publisher.get_subscription_count() > 0)
    graph.spin(0.5)
    yield operator
    graph.end()


def test_the_hand_moves_where_it_is_told_and_only_with_the_clutch(operator):
    graph, start = operator.graph, operator.hand
    graph.call(AuditCommands, "dust_sim/audit", reset=True)
    operator.push(x=1.0)
    graph.spin(0.5)
    operator.push(x=0.0)
    assert operator.chunks == []
    operator.engage()
    operator.push(x=1.0, y=-1.0)
    graph.wait(lambda: operator.hand[0] > start[0] + 0.1)
    operator.push(x=0.0, y=0.0)
    operator.rest()
    moved = operator.hand - start
    assert moved[0] > 0.1
    np.testing.assert_allclose(moved[1:], [-moved[0], 0.0], atol=0.01)
    assert {chunk.source for chunk in operator.chunks} == {"dust_teleop"}
    sequences = [chunk.sequence for chunk in operator.chunks]
    assert sequences == sorted(sequences)
    operator.hold(CLUTCH, False)
    graph.wait(lambda: operator.mode == ExecutorState.IDLE)


def test_a_device_that_is_pulled_out_stops_the_arm_until_the_clutch_is_pressed_anew(operator):
    graph = operator.graph
    operator.engage()
    operator.push(x=-1.0, y=1.0)
    graph.wait(lambda: operator.mode == ExecutorState.RUNNING)
    graph.spin(0.7)
    operator.plugged_in = False
    pulled = operator.hand
    graph.wait(lambda: "nothing on /joy for 1 s" in operator.told)
    operator.rest()
    assert np.linalg.norm(operator.hand - pulled) < 0.25
    operator.plugged_in = True
    resting = operator.hand
    graph.spin(1.0)
    np.testing.assert_allclose(operator.hand, resting, atol=2e-3)
    operator.push(x=0.0, y=0.0)
    operator.hold(CLUTCH, False)
    graph.spin(0.2)
    operator.engage()
    operator.hold(CLUTCH, False)
    graph.wait(lambda: operator.mode == ExecutorState.IDLE)


def test_an_episode_from_start_to_the_operators_mark(operator):
    graph = operator.graph
    operator.episodes.clear()
    operator.press(START)
    graph.wait(lambda: operator.episodes)
    begun = operator.episodes[0]
    assert begun.event == Episode.START
    assert begun.outcome == Episode.UNKNOWN
    assert begun.operator_name == "tester"
    assert begun.instruction.startswith("Pick up the sponge")
    assert begun.episode_id.endswith("-000-box_to_plate-sponge-1000")
    graph.wait(lambda: operator.mode == ExecutorState.RUNNING)  # holds without the clutch
    np.testing.assert_allclose(operator.hand, hand_pose(HOME).position, atol=5e-3)
    operator.press(START)
    graph.wait(lambda: "runs: mark it first" in operator.told)
    operator.engage()
    operator.press(TOGGLE)
    graph.wait(lambda: operator.states[-1].gripper[0] == 0.0)
    operator.press(SUCCESS)
    graph.wait(lambda: len(operator.episodes) == 2)
    ended = operator.episodes[1]
    assert (ended.event, ended.outcome) == (Episode.END, Episode.SUCCESS)
    assert ended.note.startswith("failure for the cell: ")
    assert ended.episode_id == begun.episode_id
    graph.wait(lambda: operator.mode == ExecutorState.IDLE)
    operator.hold(CLUTCH, False)


def test_an_episode_without_a_mark_is_judged_by_the_cell(operator):
    graph = operator.graph
    operator.episodes.clear()
    assert graph.call(Trigger, "dust_teleop/start").success
    graph.wait(lambda: operator.episodes)
    assert "1001" in operator.episodes[0].episode_id
    assert graph.call(Trigger, "dust_teleop/end").success
    graph.wait(lambda: len(operator.episodes) == 2)
    assert operator.episodes[1].outcome == Episode.FAILURE
    assert operator.episodes[1].note.startswith("judged by the cell: ")


def test_a_discarded_scene_is_given_once_more(operator):
    graph = operator.graph
    for expected in range(2):
        operator.episodes.clear()
        graph.call(Trigger, "dust_teleop/start")
        graph.wait(lambda: operator.episodes)
        assert operator.episodes[0].episode_id.endswith("-1002"), expected
        graph.call(Trigger, "dust_teleop/discard")
        graph.wait(lambda: len(operator.episodes) == 2)
        assert operator.episodes[1].outcome == Episode.DISCARDED
        assert operator.episodes[1].note == ""


def test_a_stop_for_cause_ends_the_episode_and_nothing_rearms_by_itself(operator):
    graph = operator.graph
    operator.episodes.clear()
    graph.call(Trigger, "dust_teleop/start")
    graph.wait(lambda: operator.episodes and operator.mode == ExecutorState.RUNNING)
    operator.engage()
    graph.call(Trigger, "dust_executor/stop")
    graph.wait(lambda: len(operator.episodes) == 2)
    assert operator.episodes[1].outcome == Episode.FAILURE
    assert "the executor stopped: stop was called" in operator.episodes[1].note
    assert "ros2 service call /dust_executor/rearm" in operator.words[-2] + operator.told
    operator.hold(CLUTCH, False)
    graph.spin(0.3)
    operator.hold(CLUTCH)
    graph.spin(1.0)
    assert operator.mode == ExecutorState.STOPPED
    operator.rest()
    assert graph.call(Trigger, "dust_executor/rearm").success
    graph.wait(lambda: operator.mode == ExecutorState.IDLE)
    graph.spin(0.5)
    assert operator.mode == ExecutorState.IDLE  # the clutch is still down
    operator.hold(CLUTCH, False)
    graph.spin(0.2)
    operator.engage()
    operator.hold(CLUTCH, False)
    graph.wait(lambda: operator.mode == ExecutorState.IDLE)


@pytest.mark.slow
def test_an_operator_who_watches_the_scene_places_the_object(operator):
    graph = operator.graph
    scenes = graph.listen(CellState, "dust_sim/cell_state")
    operator.episodes.clear()
    graph.call(Trigger, "dust_teleop/start")
    graph.wait(lambda: operator.episodes and scenes)
    scene = scenes[-1]
    places = {
        name: np.array([pose.position.x, pose.position.y, pose.position.z])
        for name, pose in zip(scene.names, scene.poses, strict=True)
    }
    thing, target = OBJECTS[scene.object_name], places[scene.target]
    turn = from_pose(scene.poses[scene.names.index(scene.object_name)]).yaw
    grasp = places[scene.object_name] + np.array([0.0, 0.0, thing.grasp_height])
    yaw = thing.hand_yaw(*grasp[:2], turn)
    operator.engage()
    for place in (grasp + UP, grasp):
        operator.steer_to(place, yaw)
    operator.press(TOGGLE)
    graph.wait(lambda: operator.width < thing.grasp_width + 0.004)
    for place in (grasp + 2 * UP, target + 2 * UP, target + UP / 3):
        operator.steer_to(place, yaw)
    operator.press(TOGGLE)
    graph.wait(lambda: operator.width > 0.07)
    operator.steer_to(target + 2 * UP, yaw)
    operator.press(END)
    graph.wait(lambda: len(operator.episodes) == 2)
    assert operator.episodes[1].outcome == Episode.SUCCESS, operator.episodes[1].note


def test_every_command_kept_to_the_limits_and_no_chunk_was_rejected_in_a_task(operator):
    audit = operator.graph.call(AuditCommands, "dust_sim/audit")
    assert audit.samples > 5_000
    outside = (
        audit.outside_position,
        audit.outside_velocity,
        audit.outside_acceleration,
        audit.outside_jerk,
    )
    assert outside == (0, 0, 0, 0)
    in_task = [state.rejected for state in operator.states if state.mode == ExecutorState.RUNNING]
    assert max(in_task) == 0
    # A test above stops the executor while chunks are on their way: to refuse those is its duty.
    refused = {state.last_rejection for state in operator.states if state.rejected}
    assert refused <= {"no task is running (stopped)"}
