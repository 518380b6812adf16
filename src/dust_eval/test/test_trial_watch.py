"""Tests of dust_eval.trial_watch with a node that publishes what a cell would."""

import numpy as np
import pytest
from geometry_msgs.msg import Pose
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from dust_eval.arm_watch import ArmWatch
from dust_eval.hand import FINGERS, JOINTS
from dust_eval.trial_watch import TrialWatch
from dust_msgs.msg import ActionChunk, CellState, ExecutorState
from dust_node.fr3_kinematics import hand_position
from dust_sim import fr3


@pytest.fixture
def cell(probe):
    """Return a function that publishes one moment of a trial, with the sponge at a height."""
    node = probe.node
    publishers = {
        JointState: node.create_publisher(JointState, "joint_states", 10),
        ExecutorState: node.create_publisher(ExecutorState, "executor_state", 10),
        CellState: node.create_publisher(CellState, "dust_sim/cell_state", 10),
        ActionChunk: node.create_publisher(ActionChunk, "action_chunk", 10),
        JointTrajectory: node.create_publisher(
            JointTrajectory, "fr3_arm_controller/joint_trajectory", 10
        ),
    }

    def publish(height, *, mode=ExecutorState.RUNNING, sequence=0):
        stamp = node.get_clock().now().to_msg()
        arm = JointState(name=[*JOINTS, *FINGERS], position=[*fr3.HOME.tolist(), 0.02, 0.02])
        state = ExecutorState(
            mode=mode, joint_names=list(JOINTS), positions=fr3.HOME.tolist(), gripper=[0.25]
        )
        sponge = Pose()
        sponge.position.z, sponge.orientation.w = height, 1.0
        scene = CellState(
            target="golden_bowl", names=["sponge"], poses=[sponge], real_time_factor=0.9
        )
        chunk = ActionChunk(sequence=sequence)
        scene.header.stamp = chunk.header.stamp = stamp
        messages = [arm, state, scene, *([chunk, JointTrajectory()] if sequence else [])]
        for message in messages:
            publishers[type(message)].publish(message)

    return publish


@pytest.fixture
def watch(probe):
    return TrialWatch(probe.node, ArmWatch(probe.node))


def test_what_moves_is_kept_with_the_arm_that_was_measured(probe, cell, watch):
    heights = iter(np.linspace(0, 1, 1000))

    def ten_rows_with_an_arm():
        cell(float(next(heights)))
        trace = watch.trace()
        return trace is not None and np.isfinite(trace.hand[-1]).all() and len(trace) >= 10

    probe.wait(ten_rows_with_an_arm)
    trace = watch.trace()
    np.testing.assert_allclose(trace.hand[-1], hand_position(fr3.HOME), atol=1e-9)
    assert trace.opening[-1] == pytest.approx(0.5)
    assert trace.command[-1] == pytest.approx(0.25)
    assert (np.diff(trace.times) > 0).all()
    assert (np.diff(trace.poses["sponge"][:, 2]) > 0).all()
    assert trace.target == "golden_bowl"


def test_each_trial_begins_anew(probe, cell, watch):
    probe.wait(lambda: (cell(0.0), watch.trace())[1])
    watch.begin()
    assert watch.trace() is None
    assert watch.flow() is None


def test_running_out_of_actions_is_counted(probe, cell, watch):
    sent = iter(range(1, 10_000))

    def step(mode):
        cell(0.0, mode=mode, sequence=next(sent))
        probe.spin(0.02)
        flow = watch.flow()
        return flow.underruns if flow else 0

    probe.wait(lambda: step(ExecutorState.RUNNING) == 0 and watch.flow())
    probe.wait(lambda: step(ExecutorState.HOLDING) == 1)
    probe.wait(lambda: step(ExecutorState.RUNNING) == 1)
    probe.wait(lambda: step(ExecutorState.HOLDING) == 2)
    flow = watch.flow()
    assert flow.chunk_rate > 2
    assert 0 <= flow.latency_p50 <= flow.latency_p95 < 2
    assert flow.real_time_factor == pytest.approx(0.9)
