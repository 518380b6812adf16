"""A topic at a high rate costs the executor nothing until it is asked for."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from std_msgs.msg import Int64

from dust_node.polled import Polled


def test_the_newest_is_taken_once(probe):
    publisher = probe.node.create_publisher(Int64, "fast", 10)
    polled = Polled(probe.node, Int64, "fast")
    probe.wait(lambda: publisher.get_subscription_count() == 1)
    assert polled.take() is None
    taken = []

    def newest() -> bool:
        message = polled.take()
        taken.extend([message.data] if message else [])
        return bool(taken) and taken[-1] == 20

    for number in range(1, 21):
        publisher.publish(Int64(data=number))
    probe.wait(newest)
    assert len(taken) < 20
    assert polled.take() is None
    polled.close()


def test_it_wakes_no_executor(probe):
    publisher = probe.node.create_publisher(Int64, "fast", 10)
    polled = Polled(probe.node, Int64, "fast")
    woken = []
    probe.node.create_subscription(Int64, "fast", woken.append, 10)
    probe.wait(lambda: publisher.get_subscription_count() == 2)
    publisher.publish(Int64(data=1))
    probe.wait(lambda: woken)
    probe.wait(lambda: polled.take() is not None)
    polled.close()
