"""Fault table, rows of cameras, perception, policy and client: an untrained policy drives."""

import os
from pathlib import Path

import pytest

from dust_msgs.action import ExecuteTask
from dust_node.diagnostics import WARN
from support.rig import running_rig

pytestmark = pytest.mark.timeout(600)

Result = ExecuteTask.Result

LOADING_SEC = 240.0  # of wall time: torch and a checkpoint, on a busy machine

CELL = {
    "cameras": "true",
    "width": 160,
    "height": 96,
    "camera_rate": 10.0,
    "real_time_factor": 0.7,  # pictures and networks are work, and the machine may have more of it
}

POLICY = {
    "action_steps": 2,
    "vision_steps": 2,
    "feature_timeout": 1.0,
    "executor_timeout": 10.0,
}


@pytest.fixture(scope="module")
def whole(ros_domain, tmp_path_factory, tiny_checkpoint):
    """Cell with cameras, perception, policy and executor."""
    with running_rig(ros_domain, tmp_path_factory.mktemp("logs")) as rig:
        rig.start_cell(**CELL)
        # An untrained policy pushes the arm against anything.
        rig.start_executor(**{"watchdog.tracking_error": 1.0})
        rig.start_perception(tiny_checkpoint)
        rig.start_policy(tiny_checkpoint, **POLICY)
        yield rig


@pytest.fixture
def rig(whole):
    """The graph, ready for a task."""
    whole.ready()
    wait_up(whole)
    return whole


def wait_up(rig):
    """Wait until perception and policy have loaded their checkpoint and have nothing to do."""
    rig.seen.clear()
    rig.wait_told("dust_perception", "no instruction", timeout_sec=LOADING_SEC)
    rig.wait_told("dust_policy", "waiting for a task", timeout_sec=LOADING_SEC)


def check_no_features(rig, result):
    """Check that the task ends for want of features, and the arm rests without a stop for cause."""
    end = rig.end_of(result)
    assert end.error_code == Result.NO_FEATURES
    assert end.error_msg.startswith("features stay away: none for 1 s")
    rig.wait_mode("IDLE")
    rig.check_brakes("IDLE")
    rig.check_limits()


def check_blind(rig, fault, text, **fields):
    """Break cameras in the middle of a task; check how it ends and that it can go on."""
    result = rig.begin_motion()
    rig.break_(fault, **fields)
    check_no_features(rig, result)
    rig.wait_told("dust_perception", text, WARN)


def test_a_camera_that_stopped(rig):
    check_blind(rig, "camera_stop", "view wrist: newest image is", target="wrist")


# This one and the next two: dust_perception's own tests have them over DDS, too.
@pytest.mark.slow
def test_a_late_camera(rig):
    check_blind(rig, "camera_delay", "view side: newest image is", target="side", value=1.0)


@pytest.mark.slow
def test_a_frozen_camera(rig):
    check_blind(rig, "camera_freeze", "view side: the same picture", target="side")


@pytest.mark.slow
def test_swapped_cameras(rig):
    text = "view wrist: images come from frame 'zed_side_left_camera_frame_optical'"
    check_blind(rig, "camera_swap", text)


def check_left_alone(rig):
    """Check what becomes of a task whose client is gone."""
    rig.wait_mode("IDLE")
    rig.check_brakes("IDLE")
    rig.wait(
        lambda: "CANCELED, the client that gave the task is gone" in rig.parts["policy"].output
    )
    rig.check_limits()


# In the policy's own tests, too.
@pytest.mark.slow
def test_a_client_that_vanishes(rig):
    rig.begin_motion()
    rig.leave()
    check_left_alone(rig)


@pytest.mark.slow
def test_a_client_that_is_killed(rig, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    client = rig.start("support.goal")
    rig.wait_mode("RUNNING")
    rig.wait_motion()
    rig.kill(client)
    check_left_alone(rig)


def test_killed_perception(rig):
    result = rig.begin_motion()
    rig.crash("perception")
    check_no_features(rig, result)
    rig.restart("perception")
    wait_up(rig)
    rig.begin_motion()


def check_silence(rig):
    """Check what becomes of the arm when chunks stay away."""
    rig.wait_mode("HOLDING", "the actions ran out; the arm comes to rest")
    rig.check_rest_after(rig.last_action())
    rig.wait_mode("STOPPED", "no valid chunk for 2 s")
    rig.check_stays_stopped()


def test_a_policy_that_hangs(rig):
    result = rig.begin_motion()
    rig.parts["policy"].freeze()
    check_silence(rig)
    rig.parts["policy"].thaw()
    end = rig.end_of(result)
    assert end.error_code == Result.EXECUTOR_STOPPED
    assert end.error_msg == (
        "the executor stopped: no valid chunk for 2 s; mend the cause, then call "
        "dust_executor/rearm"
    )
    rig.check_stays_stopped()
    rig.check_limits()


def test_a_killed_policy(rig):
    rig.begin_motion()
    rig.crash("policy")
    check_silence(rig)
    rig.restart("policy")
    wait_up(rig)
    rig.check_stays_stopped()
    rig.rearm()
    rig.begin_motion()
    rig.check_limits()
