"""The node over DDS against an executor that the test plays: other devices, and user's mistakes."""

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import Twist
from rclpy.clock import ClockType
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Float32, String

from dust_demos.teleop.fr3 import ARM_JOINTS, HOME
from dust_demos.teleop.keys import BUTTONS
from dust_demos.teleop.teleop_node import TeleopNode
from dust_msgs.msg import ActionChunk, Episode, ExecutorState
from dust_msgs.srv import EndTask, StartTask
from dust_node.fr3_kinematics import hand_pose
from dust_node.qos import LATCHED
from support.program import refusal

NODE = "dust_demos.teleop.teleop_node"
LEADER_NAMES = [f"leader_joint{i}" for i in range(7, 0, -1)]


class FakeExecutor:
    """Agrees to every task, and is where the newest chunk begins."""

    def __init__(self, node):
        self.node = node
        self.task_id, self.joints, self.chunks, self.refusal = "", HOME, [], ""
        self.states = node.create_publisher(ExecutorState, "executor_state", 10)
        self.entities = [
            node.create_service(StartTask, "dust_executor/start_task", self.on_start),
            node.create_service(EndTask, "dust_executor/end_task", self.on_end),
        ]
        node.create_subscription(ActionChunk, "action_chunk", self.on_chunk, 10)
        node.create_timer(1 / 30, self.publish)

    def on_start(self, request, response):
        response.success, response.message = not self.refusal, self.refusal
        if response.success:
            self.task_id = request.task_id
        return response

    def on_end(self, request, response):
        self.task_id, response.success = "", True
        return response

    def on_chunk(self, chunk):
        self.chunks.append(chunk)
        self.joints = np.reshape(chunk.positions, (-1, 7))[0]

    def publish(self):
        message = ExecutorState(
            mode=ExecutorState.RUNNING if self.task_id else ExecutorState.IDLE,
            task_id=self.task_id,
            joint_names=list(ARM_JOINTS),
            positions=self.joints.tolist(),
            velocities=[0.0] * 7,
            gripper=[self.chunks[-1].gripper[0] if self.chunks else 1.0],
        )
        message.header.stamp = self.node.get_clock().now().to_msg()
        self.states.publish(message)


class Desk:
    """The operator's devices, published again and again."""

    def __init__(self, graph):
        self.graph, node = graph, graph.node
        self.buttons = [0] * len(BUTTONS)
        self.twist, self.leader, self.opening = Twist(), None, None
        self.publishers = {
            kind: node.create_publisher(kind, topic, 10)
            for kind, topic in (
                (Joy, "joy"),
                (Twist, "franka_controller/target_cartesian_velocity_percent"),
                (JointState, "gello/joint_states"),
                (Float32, "opening"),
            )
        }
        self.timer = node.create_timer(0.04, self.publish)
        self.told = graph.listen(String, "teleop/status", LATCHED)
        self.episodes = graph.listen(Episode, "episode", LATCHED)

    def publish(self):
        self.publishers[Joy].publish(Joy(axes=[0.0] * 6, buttons=self.buttons))
        self.publishers[Twist].publish(self.twist)
        if self.leader is not None:
            values = (self.leader[::-1]).tolist()
            self.publishers[JointState].publish(JointState(name=LEADER_NAMES, position=values))
        if self.opening is not None:
            self.publishers[Float32].publish(Float32(data=self.opening))

    def press(self, button, down=1):
        self.buttons[BUTTONS.index(button)] = down


@pytest.fixture(scope="module")
def keyboard_buttons():
    return {f"buttons.{button}": f"b{index}" for index, button in enumerate(BUTTONS)}


@pytest.fixture
def graph(fresh_ros_domain, tmp_path):
    from support.graph import Graph

    graph = Graph(fresh_ros_domain, logs=tmp_path)
    graph.arm, graph.desk = FakeExecutor(graph.node), Desk(graph)
    yield graph
    graph.close()


def start(graph, **parameters):
    graph.start(NODE, input_timeout=2.0, service_timeout=10.0, **parameters)
    graph.wait(lambda: graph.desk.told)
    graph.spin(0.3)


def test_a_leader_is_followed_by_name_sign_and_offset(graph, keyboard_buttons):
    arm, desk = graph.arm, graph.desk
    names = ", ".join(reversed(LEADER_NAMES))
    signs = [1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    parameters = {
        "input": "leader",
        "opening_topic": "opening",
        "leader.joint_names": f"[{names}]",
        "leader.signs": signs,
        "leader.offsets": [0.1] * 7,
    }
    start(graph, **parameters, **keyboard_buttons)
    wanted = HOME + 0.15
    desk.leader, desk.opening = (wanted - 0.1) * np.array(signs), 1.0
    graph.spin(0.3)
    desk.press("clutch")
    graph.wait(lambda: np.abs(arm.joints - wanted).max() < 0.02)
    assert any("comes slowly to the leader" in message.data for message in desk.told)
    desk.opening = 0.0
    graph.wait(lambda: arm.chunks[-1].gripper[0] == 0.0)
    desk.press("clutch", 0)
    graph.wait(lambda: not arm.task_id)
    graph.end()


def test_a_twist_moves_the_hand_while_it_is_deflected(graph, keyboard_buttons):
    arm, desk = graph.arm, graph.desk
    start(graph, input="twist", clutch="neutral", instruction="show it", **keyboard_buttons)
    desk.twist.linear.z = -0.8
    height = hand_pose(HOME).position[2]
    graph.wait(lambda: hand_pose(arm.joints).position[2] < height - 0.05)
    desk.twist.linear.z = 0.0
    graph.wait(lambda: not arm.task_id)
    assert desk.episodes == []
    desk.press("start")
    graph.wait(lambda: desk.episodes)
    desk.press("gripper_close")
    graph.wait(lambda: arm.chunks[-1].gripper[0] == 0.0)
    desk.press("discard")
    graph.wait(lambda: len(desk.episodes) == 2)
    assert desk.episodes[1].outcome == Episode.DISCARDED
    assert desk.episodes[1].instruction == "show it"
    graph.end()


def test_what_is_missing_for_an_episode_is_told(graph, keyboard_buttons):
    desk = graph.desk
    start(graph, **keyboard_buttons)
    desk.press("success")
    graph.wait(lambda: "no episode runs" in desk.told[-1].data)
    desk.press("start")
    graph.wait(lambda: "no instruction: set the parameter" in desk.told[-1].data)
    publisher = graph.node.create_publisher(String, "teleop/instruction", 10)
    graph.wait(publisher.get_subscription_count)
    publisher.publish(String(data="wipe the table"))
    graph.wait(lambda: "to be shown next: wipe the table" in desk.told[-1].data)
    graph.arm.refusal = "the arm moves"
    desk.press("start", 0)
    graph.spin(0.3)
    desk.press("start")
    graph.wait(lambda: "the executor does not start: the arm moves" in desk.told[-1].data)
    assert desk.episodes == []
    graph.end()


def test_a_node_that_ends_in_an_episode_says_so(graph, keyboard_buttons):
    desk = graph.desk
    start(graph, instruction="show it", **keyboard_buttons)
    desk.press("start")
    graph.wait(lambda: desk.episodes and graph.arm.chunks)
    for program in graph.programs:
        program.interrupt()
    graph.spin_until(lambda: len(desk.episodes) == 2 and not graph.arm.task_id, timeout_sec=10)
    assert desk.episodes[1].outcome == Episode.UNKNOWN
    assert "is being shut down" in desk.episodes[1].note
    assert graph.arm.task_id == ""
    graph.end()


@pytest.fixture
def make_node(fresh_ros_domain):
    """Return a function that makes the node in this process, configured but not active."""
    nodes = []

    def make(**parameters):
        words = [w for name, value in parameters.items() for w in ("-p", f"{name}:={value}")]
        rclpy.init(
            args=["test", "--ros-args", *words],
            domain_id=fresh_ros_domain,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        nodes.append(TeleopNode())
        nodes[-1].trigger_configure()
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()
        node.destroy_node()
    rclpy.try_shutdown()


def clutch_engages(node, *presses):
    """Let the device send these states of the clutch button; return whether the arm follows."""
    for pressed in presses:
        buttons = [int(button == "clutch" and pressed) for button in BUTTONS]
        node._on_joy(Joy(axes=[0.0] * 6, buttons=buttons))
    return node._pilot.engaged


@pytest.mark.parametrize(("style", "press"), [("hold", (0, 1)), ("toggle", (0, 1, 0))])
def test_a_clutch_pressed_while_the_node_is_not_active_engages_nothing(
    make_node, keyboard_buttons, style, press
):
    node = make_node(clutch=style, **keyboard_buttons)
    held = press[-1]
    assert not clutch_engages(node, *press)
    node.trigger_activate()
    assert not node._pilot.engaged
    assert not clutch_engages(node, held, held)
    assert clutch_engages(node, *press)
    node.trigger_deactivate()
    assert not node._pilot.engaged
    # The button is held, and let go of and pressed again meanwhile.
    assert not clutch_engages(node, held, *press)
    node.trigger_activate()
    assert not clutch_engages(node, 1, 1)
    assert clutch_engages(node, 0, 1)


def test_it_goes_by_a_steady_clock_and_begins_anew_after_a_stop(make_node):
    node = make_node()
    node.trigger_activate()
    assert node._timer.clock.clock_type == ClockType.STEADY_TIME
    node.trigger_deactivate()
    begun = []
    node._conductor.begin = lambda: begun.append(True)
    node.trigger_activate()
    assert begun


def test_a_button_held_over_the_activation_is_not_pressed(make_node, keyboard_buttons):
    node = make_node(input="twist", clutch="neutral", **keyboard_buttons)
    wanted = []
    node._conductor.press = wanted.extend
    start = Joy(axes=[0.0] * 6, buttons=[int(button == "start") for button in BUTTONS])
    node._on_joy(Joy(axes=[0.0] * 6, buttons=[0] * len(BUTTONS)))
    node.trigger_activate()
    node._on_joy(start)
    node._on_joy(start)
    assert wanted == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (["axes.x:=stick"], "parameter 'axes.x': 'stick' is not a control"),
        (["input:=mouse"], "parameter 'input' is 'mouse'; allowed: joy, twist, leader"),
        (["input:=twist"], "clutch is 'hold', but a twist brings no buttons"),
        (["input:=leader", "clutch:=neutral"], "not for a leader"),
        (["chunk.horizon:=6"], "chunk.horizon is 6"),
        (["scenes:=box_to_bowl blue_cube 2"], "the seeds 0 to 5 are kept for trials"),
        (["limits.speed:=[1.0]"], "parameter 'limits.speed' has 1 entries; it needs 7"),
        (["jog.sped:=1.0"], "has no parameter 'jog.sped'"),
    ],
)
def test_a_users_mistake_ends_in_one_line(ros_domain, parameters, said):
    words = [word for parameter in parameters for word in ("-p", parameter)]
    assert said in refusal(NODE, "--ros-args", *words)
