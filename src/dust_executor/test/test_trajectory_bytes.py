import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.serialization import deserialize_message
from trajectory_msgs.msg import JointTrajectory

from dust_executor.messages import TrajectoryWriter
from dust_executor.trajectory_bytes import TrajectoryBytes

NAMES = st.lists(st.text("joint_1é", max_size=9), min_size=1, max_size=9)


@given(NAMES, st.integers(1, 40), st.integers(0, 2**61), st.integers(0, 1000))
def test_the_bytes_are_those_of_the_message(names, knots, begin, seed):
    rng = np.random.default_rng(seed)
    gaps = rng.integers(1, 3_000_000_000, knots)
    times = begin + np.cumsum(gaps).astype(np.int64)
    states = rng.normal(size=(knots, 3, len(names)))
    written = TrajectoryBytes(names).write(times, states)
    expected = TrajectoryWriter(names).write(times, states)
    assert deserialize_message(written, JointTrajectory) == expected
