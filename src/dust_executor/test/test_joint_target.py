from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from sensor_msgs.msg import JointState

from dust_executor.joint_target import JointTargets, target
from dust_executor.plan import Plan
from dust_executor.quintic import NS

REST = Plan.at_rest(np.arange(7.0), since=10 * NS, grip=1.0)
MOVE = replace(
    REST, times=np.array([9, 10]) * NS, states=np.repeat(REST.states, 2, axis=0), action_end=10 * NS
)


@pytest.mark.parametrize(
    ("plan", "seconds", "in_task", "sent"),
    [
        (None, 10.0, True, False),
        (MOVE, 9.5, False, True),
        (MOVE, 10.05, False, True),
        (MOVE, 11.0, False, False),
        (MOVE, 11.0, True, True),
        (REST, 10.0, False, False),
        (REST, 10.0, True, True),
    ],
)
def test_targets_are_sent_while_the_plan_moves_the_arm(plan, seconds, in_task, sent):
    found = target(plan, int(seconds * NS), in_task=in_task)
    assert (found is not None) == sent
    if found is not None:
        assert np.array_equal(found, np.arange(7.0))


def test_they_name_all_joints_in_order_and_no_velocity(probe):
    heard = probe.listen(JointState, "target_joint")
    names = [f"joint{index}" for index in range(7)]
    answers = iter([(1, None), *(((5 + i) * NS, np.arange(7.0)) for i in range(10_000))])
    targets = JointTargets(
        probe.node, "target_joint", names, rate=50.0, sample=lambda: next(answers)
    )
    probe.wait(lambda: len(heard) >= 2)
    targets.close()
    assert heard[0].name == names
    assert list(heard[0].position) == list(range(7))
    assert len(heard[0].velocity) == 0
    assert heard[0].header.stamp.sec >= 5
