from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from rclpy.context import Context
from rclpy.node import Node

from dust_executor.controller_state import TOPIC, ControllerStates
from dust_executor.messages import ReferenceReader, to_time
from dust_msgs.msg import ControllerState

MS = 1_000_000
NAMES = ["a", "b"]


@pytest.fixture
def node(fresh_ros_domain):
    context = Context()
    rclpy.init(context=context, domain_id=fresh_ros_domain)
    node = Node("listener", context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def state(at, *, names=("b", "finger", "a"), positions=(2.0, 9.0, 1.0)):
    message = ControllerState(joint_names=list(names))
    message.header.stamp = to_time(at)
    message.reference.positions = array("d", positions)
    return message


def test_the_reference_is_read_by_name():
    stamp, position = ReferenceReader(NAMES).read(state(5 * MS))
    assert stamp == 5 * MS
    np.testing.assert_array_equal(position, [1.0, 2.0])


@pytest.mark.parametrize(
    "changes",
    [
        {"names": ("b", "c", "d")},
        {"positions": (1.0, 2.0)},
        {"positions": (1.0, 9.0, float("nan"))},
    ],
)
def test_a_state_of_other_joints_or_without_numbers_says_nothing(changes):
    assert ReferenceReader(NAMES).read(state(5 * MS, **changes)) is None


@pytest.mark.parametrize(
    ("period", "always", "each"), [(20, False, True), (1, False, False), (1, True, True)]
)
def test_each_is_heard_unless_they_come_too_fast(node, period, always, each):
    heard = []
    states = ControllerStates(node, NAMES, lambda *what: heard.append(what), always=always)
    assert node.count_subscribers(TOPIC) == 1
    for index in range(150):
        states._on_state(state(index * period * MS))
    assert len(heard) == (150 if each else 99)
    # In either way it goes on.
    assert node.count_subscribers(TOPIC) == 1
    states.close()
    assert node.count_subscribers(TOPIC) == 0


def test_the_newest_of_many_is_heard_when_it_is_looked_for(probe):
    heard = []
    states = ControllerStates(probe.node, NAMES, lambda *what: heard.append(what), always=False)
    publisher = probe.node.create_publisher(ControllerState, TOPIC, 10)
    sent = 0

    def stream() -> bool:
        nonlocal sent
        sent += 1
        publisher.publish(state(sent * MS))
        return states._polled is not None

    probe.wait(stream)
    probe.wait(lambda: publisher.get_subscription_count() == 1)
    before = len(heard)

    def newest() -> bool:
        states.look()
        return heard[-1][0] == 9999 * MS

    for number in range(9000, 10000):
        publisher.publish(state(number * MS))
    probe.wait(newest)
    assert len(heard) - before < 500
    states.close()
