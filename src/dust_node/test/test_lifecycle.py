"""Tests of dust_node.lifecycle and dust_node.diagnostics on a real node."""

import gc

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn

from dust_node.diagnostics import OK, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.parameters import Parameter


class Probe(DustNode):
    parameters = (
        Parameter("fail_in", "", "Hook that fails."),
        Parameter("interrupt_in", "", "Hook during which somebody presses Ctrl-C."),
    )

    def __init__(self, **options):
        self.calls = []
        super().__init__("probe", **options)

    def _note(self, hook):
        self.calls.append(hook)
        if self.values["fail_in"] == hook:
            raise UserError(f"{hook} went wrong")
        if self.values["interrupt_in"] == hook:
            raise KeyboardInterrupt

    def setup(self):
        self._note("setup")

    def start(self):
        self._note("start")

    def stop(self):
        self._note("stop")

    def teardown(self):
        self._note("teardown")


@pytest.fixture
def make_probe(ros_domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    nodes = []

    def make(**overrides):
        parameters = [rclpy.Parameter(name, value=value) for name, value in overrides.items()]
        nodes.append(Probe(context=context, parameter_overrides=parameters))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)
    # Lifecycle nodes and their services refer to each other; until they are collected, this
    # process would keep the shared memory of other tests' nodes open.
    nodes.clear()
    gc.collect()


def test_the_way_up_and_down(make_probe):
    node = make_probe()
    node.autostart()
    assert node.active
    assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert not node.active
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    node.close()
    assert node.calls == ["setup", "start", "stop", "start", "stop", "teardown"]


def test_what_an_interrupted_start_had_begun_is_stopped(make_probe):
    node = make_probe(interrupt_in="start")
    with pytest.raises(KeyboardInterrupt):
        node.autostart()
    node.close()
    assert node.calls == ["setup", "start", "stop", "teardown"]


def test_a_failing_setup_is_told_and_torn_down(make_probe):
    node = make_probe(fail_in="setup")
    with pytest.raises(UserError, match="setup went wrong"):
        node.autostart()
    assert node.calls == ["setup", "teardown"]
    assert not node.active
    node.close()
    assert node.calls == ["setup", "teardown"]


def test_a_failing_start_leaves_the_node_inactive_and_nothing_going_on(make_probe):
    node = make_probe(fail_in="start")
    with pytest.raises(UserError, match="start went wrong"):
        node.autostart()
    assert not node.active
    assert node.calls == ["setup", "start", "stop"]
    node.close()
    assert node.calls == ["setup", "start", "stop", "teardown"]


def test_without_autostart_a_manager_decides(make_probe):
    node = make_probe(autostart=False)
    node.autostart()
    assert node.calls == []
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.calls == ["setup"]


def test_the_monitor_publishes_what_it_was_fed(make_probe):
    node = make_probe()
    received = []
    node.create_subscription(DiagnosticArray, "/diagnostics", received.append, 10)
    monitor = Monitor(node, lambda: (OK, "fine"), period_sec=0.05)
    monitor.tick("images")
    monitor.observe("encode", 0.04)
    monitor.set("checkpoint", "abc")
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    deadline = node.get_clock().now().nanoseconds + 5_000_000_000
    while not received and node.get_clock().now().nanoseconds < deadline:
        executor.spin_once(timeout_sec=0.1)
    monitor.close()
    assert received
    status = received[0].status[0]
    values = {row.key: row.value for row in status.values}
    assert (status.level, status.message, status.name) == (OK, "fine", "probe")
    assert values["checkpoint"] == "abc"
    assert values["encode p50/p95/p99 [ms]"] == "40.0/40.0/40.0"
    assert values["images count"] == "1"
    assert "images [Hz]" in values


@pytest.fixture
def asked(make_probe):
    """A node, and a function that asks its lifecycle services over DDS."""
    node = make_probe()
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    asking = rclpy.create_node("asking", context=node.context)
    executor.add_node(asking)

    def ask(kind, name, **fields):
        client = asking.create_client(kind, f"probe/{name}")
        assert client.wait_for_service(timeout_sec=20)
        future = client.call_async(kind.Request(**fields))
        executor.spin_until_future_complete(future, timeout_sec=20)
        return future.result()

    yield node, ask
    executor.shutdown()
    asking.destroy_node()


@pytest.mark.parametrize(
    "transition",
    [
        Transition(id=Transition.TRANSITION_DEACTIVATE),
        Transition(id=0),
        Transition(id=10),
        Transition(id=250),
        Transition(id=Transition.TRANSITION_CONFIGURE, label="deactivate"),
        Transition(label="fly"),
    ],
)
def test_a_transition_that_does_not_fit_is_refused_and_the_node_lives(asked, transition):
    node, ask = asked
    assert not ask(ChangeState, "change_state", transition=transition).success
    assert ask(GetState, "get_state").current_state.label == "unconfigured"
    assert node.calls == []
    configure = Transition(id=Transition.TRANSITION_CONFIGURE)
    assert ask(ChangeState, "change_state", transition=configure).success
    assert node.calls == ["setup"]
