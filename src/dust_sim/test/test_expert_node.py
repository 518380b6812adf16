"""The expert's node over DDS against an executor and a cell that the test plays."""

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Time
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import ClockType
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time as ClockTime
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ActionChunk, CellState, ExecutorState
from dust_msgs.srv import EndTask, StartTask
from dust_sim.expert_node import ExpertNode
from dust_sim.fr3 import ARM_JOINTS, FINGER_JOINTS, HOME
from dust_sim.messages import to_pose
from dust_sim.placement import place
from dust_sim.pose import BodyPose

PLACEMENT = place("box_to_bowl", "blue_cube", 0)
WORDS = PLACEMENT.instruction


class FakeWorld:
    """A cell that stands still, and an executor that agrees unless told otherwise."""

    def __init__(self, graph):
        self.node = graph.node
        self.refusal = ""
        self.mode = ExecutorState.IDLE
        self.task_id = ""
        self.source = ""
        self.ended = []
        self.states = graph.node.create_publisher(ExecutorState, "executor_state", 10)
        self.scene = graph.node.create_publisher(CellState, "dust_sim/cell_state", 10)
        self.joints = graph.node.create_publisher(JointState, "joint_states", 10)
        self.services = [
            graph.node.create_service(EndTask, "dust_executor/end_task", self.on_end),
        ]
        self.offer_start(True)
        self.timer = graph.node.create_timer(0.05, self.publish)
        self.chunks = graph.listen(ActionChunk, "action_chunk")

    def offer_start(self, offered):
        if offered:
            kind, name = StartTask, "dust_executor/start_task"
            self.services.append(self.node.create_service(kind, name, self.on_start))
        else:
            self.node.destroy_service(self.services.pop())

    def publish(self):
        self.states.publish(
            ExecutorState(mode=self.mode, task_id=self.task_id, buffer=0.5, reason="played")
        )
        self.scene.publish(
            CellState(
                task=PLACEMENT.task.name,
                object_name=PLACEMENT.object_name,
                instruction=WORDS,
                seed=PLACEMENT.seed,
                names=list(PLACEMENT.poses),
                poses=[self.upright(pose) for pose in PLACEMENT.poses.values()],
            )
        )
        self.joints.publish(
            JointState(name=[*ARM_JOINTS, *FINGER_JOINTS], position=[*HOME.tolist(), 0.04, 0.04])
        )

    @staticmethod
    def upright(pose):
        turn = np.array([np.cos(pose.yaw / 2), 0.0, 0.0, np.sin(pose.yaw / 2)])
        return to_pose(BodyPose(np.array([pose.x, pose.y, pose.z]), turn))

    def on_start(self, request, response):
        if self.refusal:
            response.message = self.refusal
            return response
        self.task_id, self.source, self.mode = (
            request.task_id,
            request.source,
            ExecutorState.RUNNING,
        )
        response.success = True
        return response

    def on_end(self, request, response):
        self.ended.append((request.task_id, request.reason))
        self.task_id, self.mode = "", ExecutorState.IDLE
        response.success = True
        return response

    def close(self):
        self.node.destroy_timer(self.timer)
        for service in self.services:
            self.node.destroy_service(service)


@pytest.fixture(scope="module")
def expert(graph):
    graph.start("dust_sim.expert_node", service_timeout=1.0)
    graph.world = FakeWorld(graph)
    yield graph
    graph.end()
    graph.world.close()


def stamp_of(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def give(graph, instruction=WORDS, time_limit=30.0):
    graph.world.chunks.clear()
    graph.world.ended.clear()
    return graph.send_goal(
        ExecuteTask, "execute_task", instruction=instruction, time_limit=time_limit
    )


def test_chunks_come_in_order_and_continue_each_other_until_canceled(expert):
    world = expert.world
    handle = give(expert)
    expert.wait(lambda: len(world.chunks) >= 4)
    assert world.source == "dust_expert"
    assert [chunk.sequence for chunk in world.chunks[:4]] == [1, 2, 3, 4]
    first, second = world.chunks[1:3]
    assert first.task_id == world.task_id
    assert first.period == pytest.approx(1 / 15)
    assert list(first.joint_names) == list(ARM_JOINTS)
    assert len(first.positions) == 16 * 7
    assert list(first.gripper) == [1.0] * 16
    stamps = [
        chunk.header.stamp.sec + chunk.header.stamp.nanosec * 1e-9 for chunk in (first, second)
    ]
    assert stamps[1] - stamps[0] == pytest.approx(0.2, abs=0.1)
    # Both are samples of one path: the second, read between its samples, agrees with the first.
    times = stamps[0] + np.arange(16) / 15
    inside = times >= stamps[1]
    for joint in range(7):
        later = np.reshape(second.positions, (16, 7))[:, joint]
        read = np.interp(times[inside], stamps[1] + np.arange(16) / 15, later)
        wanted = np.reshape(first.positions, (16, 7))[inside, joint]
        np.testing.assert_allclose(read, wanted, atol=5e-3)
    task_id = world.task_id
    expert.wait(handle.cancel_goal_async().done)
    status, result = expert.result(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert result.error_code == ExecuteTask.Result.CANCELED
    assert result.chunks >= 4
    assert world.ended[0][0] == task_id


def test_a_second_task_is_refused_while_one_runs(expert):
    first = give(expert)
    expert.wait(lambda: expert.world.chunks)
    second = give(expert)
    status, result = expert.result(second)
    assert status == GoalStatus.STATUS_ABORTED
    assert result.error_code == ExecuteTask.Result.BUSY
    assert WORDS in result.error_msg
    expert.wait(first.cancel_goal_async().done)
    assert expert.result(first)[1].error_code == ExecuteTask.Result.CANCELED


def test_another_instruction_than_the_scenes_is_refused_with_both(expert):
    _, result = expert.result(give(expert, instruction="Make tea."))
    assert result.error_code == ExecuteTask.Result.INVALID_GOAL
    assert "Make tea." in result.error_msg
    assert WORDS in result.error_msg
    assert expert.world.ended == []


def test_the_time_limit_ends_the_task(expert):
    _, result = expert.result(give(expert, time_limit=0.8))
    assert result.error_code == ExecuteTask.Result.TIMEOUT
    assert result.elapsed_time == pytest.approx(0.8, abs=0.4)
    assert len(expert.world.ended) == 1


def test_an_executor_that_stops_ends_the_task(expert):
    handle = give(expert)
    expert.wait(lambda: expert.world.chunks)
    expert.world.mode = ExecutorState.STOPPED
    _, result = expert.result(handle)
    assert result.error_code == ExecuteTask.Result.EXECUTOR_STOPPED
    assert "played" in result.error_msg
    assert "rearm" in result.error_msg


def test_an_executor_that_refuses_is_quoted(expert):
    expert.world.refusal = "the arm moves"
    _, result = expert.result(give(expert))
    expert.world.refusal = ""
    assert result.error_code == ExecuteTask.Result.EXECUTOR_UNAVAILABLE
    assert "the arm moves" in result.error_msg
    assert expert.world.ended == []


def test_a_goal_out_of_range_is_refused(expert):
    _, result = expert.result(give(expert, time_limit=-1.0))
    assert result.error_code == ExecuteTask.Result.INVALID_GOAL
    assert "time_limit" in result.error_msg


def test_a_goal_before_the_first_tick_of_a_simulation_waits_for_it(expert):
    expert.start("dust_sim.expert_node", remap={"__ns": "/late"}, use_sim_time="true")
    handle = expert.send_goal(ExecuteTask, "late/execute_task", instruction="", time_limit=30.0)
    asked = handle.get_result_async()
    clock = expert.node.create_publisher(Clock, "/clock", 10)

    def tell():
        clock.publish(Clock(clock=Time(sec=3)))
        return asked.done()

    expert.wait(tell)
    # The clock is no obstacle any more; the next one is that nothing is asked for.
    assert asked.result().result.error_code == ExecuteTask.Result.INVALID_GOAL
    expert.node.destroy_publisher(clock)


# Waits for a clock as long as a user would have to.
@pytest.mark.slow
def test_a_goal_without_a_clock_is_refused_in_one_line(expert):
    expert.start("dust_sim.expert_node", remap={"__ns": "/silent"}, use_sim_time="true")
    goal = {"instruction": WORDS, "time_limit": 30.0}
    handle = expert.send_goal(ExecuteTask, "silent/execute_task", **goal)
    _, result = expert.result(handle)
    assert result.error_code == ExecuteTask.Result.NOT_ACTIVE
    assert result.error_msg == "the clock stands at 0: does anybody publish /clock?"


@pytest.mark.parametrize("asked", ["to start", "to end"])
def test_a_cleanup_during_a_task_ends_the_task_and_not_the_node(expert, asked):
    world = expert.world
    if asked == "to start":
        # The expert goes on looking for who offers it.
        world.offer_start(False)
    handle = give(expert)
    if asked == "to start":
        expert.spin(0.2)
    else:
        expert.wait(lambda: world.chunks)
    change(expert, Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
    status, result = expert.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert result.error_code == ExecuteTask.Result.NOT_ACTIVE
    assert [task for task, _ in world.ended[:1]] == [bytes(handle.goal_id.uuid).hex()]
    if asked == "to start":
        world.offer_start(True)
    change(expert, Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
    _, result = expert.result(give(expert, time_limit=0.5))
    assert result.error_code == ExecuteTask.Result.TIMEOUT


def change(graph, *transitions):
    """Ask for transitions one right after the other, without waiting for the first."""
    graph.meet_server("dust_expert/change_state")
    client = graph.node.create_client(ChangeState, "dust_expert/change_state")
    graph.wait(client.service_is_ready)
    asked = [
        client.call_async(ChangeState.Request(transition=Transition(id=number)))
        for number in transitions
    ]
    graph.wait(lambda: all(answer.done() for answer in asked))
    assert all(answer.result().success for answer in asked)
    graph.node.destroy_client(client)


@pytest.fixture
def node(fresh_ros_domain):
    """The node in this process, configured, on a system clock that the test can set."""
    rclpy.init(domain_id=fresh_ros_domain, signal_handler_options=SignalHandlerOptions.NO)
    node = ExpertNode()
    node.trigger_configure()
    yield node
    node.close()
    node.destroy_node()
    rclpy.try_shutdown()


def test_limits_and_chunks_do_not_wait_for_a_clock_that_was_set_back(node):
    before_ns = node._now_ns()
    node.get_clock()._set_ros_time_is_active(True)
    node.get_clock().set_ros_time_override(ClockTime(seconds=1, clock_type=ClockType.ROS_TIME))
    node._hear(ExecutorState())
    assert node._world.executor.arrival_ns >= before_ns
    assert node._timer.clock.clock_type == ClockType.STEADY_TIME
