"""Fault table, rows of the clock: that of executor and policy jumps, that of the robot does not."""

import pytest
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from support.rig import CHUNK_SEC, running_rig
from support.swing import Swing

pytestmark = pytest.mark.timeout(600)

HOUR = 3600.0


@pytest.fixture(scope="module")
def whole(ros_domain, tmp_path_factory):
    """Cell and executor, with a clock between them that the test can set."""
    with running_rig(ros_domain, tmp_path_factory.mktemp("logs")) as rig:
        clock = rig.node.create_publisher(Clock, "/clock", 10)
        rig.ahead = 0.0

        def relay(message):
            stamp = Time.from_msg(message.clock).nanoseconds + round(rig.ahead * 1e9)
            clock.publish(Clock(clock=Time(nanoseconds=stamp).to_msg()))

        rig.node.create_subscription(Clock, "cell_clock", relay, 10)
        rig.start_cell(remap={"/clock": "cell_clock"})
        rig.start_executor()
        yield rig


@pytest.fixture
def swing(whole):
    """A policy on the executor's clock, in a task that moves the arm."""
    whole.ahead = 0.0
    whole.ready()
    swing = Swing(whole)
    swing.ahead = lambda: whole.ahead
    swing.start()
    yield swing
    swing.close()


def check_jump(swing, seconds, reason):
    """Let the clock jump, there and back; the arm has to end as the controller was told before."""
    rig = swing.rig
    # One more chunk may be under way.
    until = rig.last_action() + CHUNK_SEC
    # Chunks come faster than the executor looks at the clock by itself.
    swing.every = 0.0
    rig.ahead = seconds
    rig.wait_mode("STOPPED", reason)
    rig.check_rest_after(until)
    rig.check_stays_stopped()
    assert not rig.call(Trigger, "dust_executor/rearm").success
    rig.ahead = 0.0
    rig.check_stays_stopped()
    rig.rearm()
    rig.check_limits()


def test_a_clock_that_jumps_ahead(swing):
    check_jump(swing, HOUR, "")


def test_a_clock_that_jumps_back(swing):
    check_jump(swing, -HOUR, "the clock jumped by -3")
