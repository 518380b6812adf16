"""Tests of dust_eval.task_client with a node that answers as executor and policy would."""

import threading

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionServer
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from dust_eval.task_client import GraphError, TaskClient
from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ExecutorState
from support.probe import Probe

MODES = ExecutorState


class Arm(Probe):
    """An executor whose mode follows a list, one entry per message; rearming ends STOPPED."""

    def __init__(self, domain_id):
        super().__init__(domain_id)
        self.modes = [MODES.IDLE]
        self.rearmed = 0
        self.active = False
        self.clock = 0
        node = self.node
        self._diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._states = node.create_publisher(ExecutorState, "executor_state", 10)
        self._joints = node.create_publisher(JointState, "joint_states", 10)
        node.create_timer(0.02, self._publish)
        node.create_service(Trigger, "dust_executor/rearm", self._rearm)
        node.create_service(GetState, "dust_policy/get_state", self._state)
        self.server = ActionServer(node, ExecuteTask, "execute_task", self._execute)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            self.executor.spin_once(timeout_sec=0.05)

    def rest(self):
        """Answer nothing more, and serve no tasks."""
        if not self._over.is_set():
            self._over.set()
            self._thread.join(10)
            self.server.destroy()

    def _publish(self):
        mode = self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]
        self._states.publish(ExecutorState(mode=mode, joint_names=["j"], positions=[0.0]))
        self._joints.publish(JointState(name=["j"], position=[0.0]))
        told = DiagnosticArray(status=[DiagnosticStatus(name="lab/dust_policy")])
        told.header.stamp.sec = self.clock
        self._diagnostics.publish(told)

    def _rearm(self, _, response):
        self.rearmed += 1
        self.modes = [MODES.IDLE]
        response.success = True
        return response

    def _state(self, _, response):
        state = State.PRIMARY_STATE_ACTIVE if self.active else State.PRIMARY_STATE_INACTIVE
        response.current_state.id = state
        return response

    def _execute(self, goal):
        goal.succeed()
        return ExecuteTask.Result(chunks=3, elapsed_time=1.5)

    def close(self):
        self.rest()
        super().close()


@pytest.fixture
def arm(ros_domain):
    arm = Arm(ros_domain)
    yield arm
    arm.close()


@pytest.fixture
def client(arm, ros_domain):
    with TaskClient(domain_id=ros_domain) as client:
        client.wait_ready(timeout_sec=30)
        yield client


def test_a_task_is_sent_and_its_end_waited_for(client):
    task = client.start_task("do it", time_limit_sec=10)
    end = client.wait_task(task, timeout_sec=20)
    assert end.succeeded
    assert (end.result.chunks, end.result.elapsed_time) == (3, 1.5)


def test_an_executor_that_is_free_is_not_waited_for(client, arm):
    client.wait_idle()
    assert arm.rearmed == 0


def until_heard(client, mode):
    """Wait until no older mode can still be on its way."""
    while client.arm.mode != mode:
        client.arm.forget()
        assert client.arm.planned.wait(20)


def test_a_task_whose_driver_is_gone_is_waited_out_and_its_stop_cleared(client, arm):
    arm.modes = [MODES.RUNNING] * 20 + [MODES.HOLDING] * 5 + [MODES.STOPPED]
    until_heard(client, MODES.RUNNING)
    client.wait_idle()
    assert arm.rearmed == 1


def test_who_clears_a_stop_can_be_asked_first(client, arm):
    arm.modes = [MODES.STOPPED]
    until_heard(client, MODES.STOPPED)
    asked = []

    def ask():
        asked.append(arm.rearmed)
        client.rearm_if_stopped()

    client.wait_idle(on_stop=ask)
    assert asked == [0]


def test_nodes_are_waited_for_until_they_are_active(client, arm):
    arm.clock = 5
    looks = []

    def alive():
        looks.append(arm.active)
        arm.active = len(looks) >= 3
        return True

    client.wait_active(["dust_policy"], timeout_sec=30, alive=alive)
    assert looks[:3] == [False] * 3


def test_nodes_that_have_not_heard_of_the_clock_are_waited_for(client, arm):
    arm.active = True
    looks = []

    def alive():
        looks.append(arm.clock)
        arm.clock = int(len(looks) >= 3)
        return True

    client.wait_active(["dust_policy"], timeout_sec=30, alive=alive)
    assert looks[:3] == [0] * 3


def test_nodes_that_never_are_active_are_named(client):
    with pytest.raises(GraphError, match=r"dust_policy was not active within 0\.2 s"):
        client.wait_active(["dust_policy"], timeout_sec=0.2, alive=lambda: True)
    with pytest.raises(GraphError, match="the graph ended before dust_expert was active"):
        client.wait_active(["dust_expert"], timeout_sec=30, alive=lambda: False)


def test_whoever_still_serves_tasks_is_not_gone(client, arm):
    with pytest.raises(GraphError, match="still serves execute_task"):
        client.wait_gone(timeout_sec=0.2)
    arm.rest()
    client.wait_gone(timeout_sec=20)


def test_what_does_not_come_up_is_named(fresh_ros_domain):
    with TaskClient(domain_id=fresh_ros_domain) as client:
        with pytest.raises(GraphError, match="rearm did not come up within 1 s"):
            client.wait_ready(timeout_sec=1)
        with pytest.raises(GraphError, match="the graph ended while waiting"):
            client.wait_ready(timeout_sec=30, alive=lambda: False)
