from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from sensor_msgs.msg import JointState as JointStateMessage

from dust_executor.messages import JointReader, StateWriter, TrajectoryWriter

NS = 1_000_000_000
NAMES = tuple(f"fr3_joint{index}" for index in range(1, 8))
FINGERS = ("fr3_finger_joint1", "fr3_finger_joint2")


@pytest.fixture
def reader():
    return JointReader(NAMES, FINGERS, width=0.08)


def joint_states(**changes):
    names = [FINGERS[0], *reversed(NAMES), FINGERS[1]]
    fields = {
        "name": names,
        "position": array("d", [0.01, *range(7, 0, -1), 0.01]),
        "velocity": array("d", [0.0, *range(70, 0, -10), 0.0]),
    }
    message = JointStateMessage(**{**fields, **changes})
    message.header.stamp.sec = 5
    return message


def test_joints_are_read_by_name(reader):
    state = reader.read(joint_states(), 6 * NS)
    assert state.position.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert state.velocity.tolist() == [10, 20, 30, 40, 50, 60, 70]
    assert (state.stamp, state.received, reader.defect) == (5 * NS, 6 * NS, "")
    assert state.opening == pytest.approx(0.25)


def test_a_stamp_of_zero_is_now(reader):
    message = joint_states()
    message.header.stamp.sec = 0
    assert reader.read(message, 6 * NS).stamp == 6 * NS


def test_missing_velocities_come_from_positions(reader):
    state = reader.read(joint_states(velocity=array("d")), 5 * NS)
    assert not state.velocity.any()
    later = joint_states(velocity=array("d"), position=array("d", [0.0, *range(8, 1, -1), 0.0]))
    later.header.stamp.nanosec = NS // 2
    np.testing.assert_allclose(reader.read(later, 6 * NS).velocity, 2.0)


def test_without_fingers_the_opening_is_unknown(reader):
    message = joint_states(name=list(NAMES), position=array("d", range(7)), velocity=array("d"))
    assert np.isnan(reader.read(message, 0).opening)


@pytest.mark.parametrize(
    ("changes", "defect"),
    [
        ({"name": [*NAMES[:6], *FINGERS, "x"]}, "fr3_joint7 is missing"),
        ({"position": array("d", [0.0] * 3)}, "9 names, but 3 positions"),
        (
            {"position": array("d", [0.0] * 8 + [float("nan")]), "name": [*FINGERS, *NAMES]},
            "finite",
        ),
        ({"velocity": array("d", [float("inf")] * 9)}, "finite"),
    ],
)
def test_defects_are_named(reader, changes, defect):
    assert reader.read(joint_states(**changes), 0) is None
    assert defect in reader.defect


def test_trajectory_has_an_absolute_stamp_and_growing_offsets():
    times = np.array([3 * NS + 5, 4 * NS, 6 * NS + 7], dtype=np.int64)
    states = np.arange(63.0).reshape(3, 3, 7)
    writer = TrajectoryWriter(NAMES)
    assert len(writer.write(np.arange(9) * NS, np.zeros((9, 3, 7))).points) == 9
    message = writer.write(times, states)
    assert message.joint_names == list(NAMES)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (3, 5)
    offsets = [(p.time_from_start.sec, p.time_from_start.nanosec) for p in message.points]
    assert offsets == [(0, 0), (0, NS - 5), (3, 2)]
    assert message.points[1].velocities.tolist() == states[1, 1].tolist()


def test_state_tells_the_committed_plan(make_bench):
    bench, writer = make_bench(), StateWriter(NAMES)
    message = writer.write(bench.executor, bench.now, samples=16)
    assert (message.mode, len(message.positions), message.buffer) == (0, 0, 0.0)
    bench.start()
    bench.run(bench.now + NS // 2)
    bench.send(bench.now, np.tile(bench.executor.plan.at(bench.now)[0], (16, 1)), sequence=7)
    message = writer.write(bench.executor, bench.now, samples=16)
    assert (message.mode, message.last_sequence, message.accepted) == (1, 7, 1)
    assert message.buffer == pytest.approx(1.0, abs=0.01)
    assert (
        np.array(message.positions).reshape(16, 7)[3].tolist() == bench.controller.position.tolist()
    )
    assert len(message.gripper) == 16
