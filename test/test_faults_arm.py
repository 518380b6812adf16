"""Fault table, rows of arm, hand and executor: the scripted expert drives, something breaks."""

import pytest
from std_srvs.srv import Trigger

from dust_msgs.action import ExecuteTask
from dust_msgs.srv import StartTask
from dust_node.diagnostics import WARN
from support.rig import CHUNK_SEC, running_rig
from support.swing import Swing

pytestmark = pytest.mark.timeout(600)

Result = ExecuteTask.Result


@pytest.fixture(scope="module")
def whole(ros_domain, tmp_path_factory):
    """Cell, executor and expert."""
    with running_rig(ros_domain, tmp_path_factory.mktemp("logs")) as rig:
        rig.start_cell()
        rig.start_executor()
        rig.start_expert()
        yield rig


@pytest.fixture
def rig(whole):
    """The graph, ready for a task."""
    whole.ready()
    return whole


def check_stop(rig, fault, reason, **fields):
    """Break something in the middle of a task; check a stop for cause and the way out of it."""
    result = rig.begin_motion()
    rig.break_(fault, **fields)
    told = rig.wait_mode("STOPPED", reason).reason
    rig.check_brakes("STOPPED")
    end = rig.end_of(result)
    assert end.error_code == Result.EXECUTOR_STOPPED
    assert end.error_msg == (
        f"the executor stopped: {told}; mend the cause, then call dust_executor/rearm"
    )
    rig.check_stays_stopped()
    refused = rig.call(Trigger, "dust_executor/rearm")
    assert not refused.success
    assert reason in refused.message
    rig.mend()
    rig.check_stays_stopped()
    rig.rearm()
    rig.check_limits()


def test_joint_states_stopped(rig):
    check_stop(rig, "joint_states_stop", "s old; at most 0.5 s are allowed")


def test_joint_states_stale(rig):
    check_stop(rig, "joint_states_stale", "s old; at most 0.5 s are allowed", value=3.0)


def test_joint_states_with_a_joint_missing(rig):
    check_stop(rig, "joint_states_missing", "joint fr3_joint4 is missing", target="fr3_joint4")


def test_joint_states_reordered(rig):
    result = rig.begin_motion()
    rig.break_("joint_states_reorder")
    accepted = rig.states[-1].accepted
    rig.wait(lambda: rig.states[-1].accepted >= accepted + 8)
    rig.wait_mode("RUNNING")
    assert not result.done()
    rig.check_limits()


def test_a_reflex(rig):
    check_stop(rig, "reflex", "robot mode is REFLEX (cartesian_reflex)")


def test_the_user_stop(rig):
    check_stop(rig, "user_stop", "robot mode is USER_STOPPED")


def test_a_controller_that_is_switched_off(rig):
    check_stop(rig, "controller_off", "robot mode is IDLE; is the arm's controller active?")
    rig.break_("controller_off")
    rig.wait_told("dust_executor", "robot mode is IDLE")
    result = rig.begin_task()
    said = rig.end_of(result).error_msg
    assert said == "the executor refused: robot mode is IDLE; is the arm's controller active?"


def test_a_stuck_gripper(rig):
    swing = Swing(rig)
    swing.start()
    rig.break_("gripper_stuck")
    swing.grip = 0.0
    rig.wait_told("dust_executor", "are the fingers stuck?", WARN)
    assert rig.mode == "RUNNING"
    assert "gripper: close: timed out at 0.08" in rig.parts["executor"].output
    swing.close()
    rig.check_limits()


def test_a_second_policy(rig):
    result = rig.begin_motion()
    task_id = rig.states[-1].task_id
    request = {"task_id": "another", "source": "intruder"}
    refused = rig.call(StartTask, "dust_executor/start_task", **request)
    assert refused.message == f"task '{task_id}' of 'dust_expert' is running; end it first"
    intruder = Swing(rig, source="intruder", task_id=task_id)
    intruder.on = True
    reason = "source is 'intruder', but 'dust_expert' started the task"
    rig.wait(lambda: rig.states[-1].rejected >= 3 and reason in rig.rejections())
    accepted = rig.states[-1].accepted
    rig.wait(lambda: rig.states[-1].accepted >= accepted + 3)
    rig.wait_mode("RUNNING")
    assert not result.done()
    intruder.close()
    rig.check_limits()


def test_a_killed_executor(rig):
    result = rig.begin_motion()
    rig.crash("executor")
    rig.wait_rest()
    # It may have taken in a last chunk without a word about it.
    rig.check_rest_after(rig.last_action() + CHUNK_SEC)
    end = rig.end_of(result)
    assert end.error_code == Result.EXECUTOR_UNAVAILABLE
    assert end.error_msg == "the executor fell silent"
    rig.check_limits()
    # A new executor is idle: the arm moves with the next task, not before.
    where = rig.commands[-1].positions
    rig.states.clear()
    rig.restart("executor")
    rig.wait_mode("IDLE")
    rig.wait_told("dust_executor", "idle")
    assert (rig.commands[-1].positions == where).all()
    rig.begin_motion()
    rig.check_limits()
