import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.clock import ClockType, ROSClock
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMessage

from dust_node.clock import beat, nanoseconds, told


def test_it_is_the_clocks_own_time():
    clock = ROSClock()
    before = clock.now().nanoseconds
    assert before <= nanoseconds(clock) <= clock.now().nanoseconds


def test_simulated_time_counts_where_it_is_active():
    clock = ROSClock()
    clock._set_ros_time_is_active(True)
    clock.set_ros_time_override(Time(seconds=12.5, clock_type=clock.clock_type))
    assert nanoseconds(clock) == 12_500_000_000


def use_simulated_time(probe):
    probe.node.set_parameters([Parameter("use_sim_time", value=True)])


def test_a_beat_is_steady_unless_time_is_simulated(probe):
    beats = []
    timer = beat(probe.node, 0.01, lambda: beats.append(1))
    assert timer.clock.clock_type == ClockType.STEADY_TIME
    probe.wait(lambda: len(beats) > 2)
    probe.node.destroy_timer(timer)
    use_simulated_time(probe)
    timer = beat(probe.node, 0.01, lambda: beats.append(1))
    assert timer.clock is probe.node.get_clock()
    beats.clear()
    # Nobody publishes /clock.
    probe.spin(0.1)
    assert beats == []
    probe.node.destroy_timer(timer)


def test_who_has_the_time_is_told_at_once(probe):
    task = probe.executor.create_task(told(probe.node, timeout_sec=0.0))
    probe.wait(task.done)
    assert task.result()


def test_a_clock_that_is_heard_later_is_waited_for(probe):
    use_simulated_time(probe)
    task = probe.executor.create_task(told(probe.node))
    probe.spin(0.2)
    assert not task.done()
    publisher = probe.node.create_publisher(ClockMessage, "/clock", 10)

    def tell():
        publisher.publish(ClockMessage(clock=Time(seconds=3).to_msg()))
        return task.done()

    probe.wait(tell)
    assert task.result()
    assert nanoseconds(probe.node.get_clock()) == 3_000_000_000


def test_without_a_clock_the_wait_ends(probe):
    use_simulated_time(probe)
    task = probe.executor.create_task(told(probe.node, timeout_sec=0.2))
    probe.wait(task.done)
    assert not task.result()
