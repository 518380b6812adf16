"""Fault table, rows of chunks: what must not be executed is rejected, and the arm comes to rest."""

import math
from array import array

import pytest

from dust_msgs.srv import StartTask
from support.rig import running_rig
from support.swing import Swing

pytestmark = pytest.mark.timeout(600)

MILLION = 1_000_000


@pytest.fixture(scope="module")
def whole(ros_domain, tmp_path_factory):
    """Cell and executor; the test is the policy."""
    with running_rig(ros_domain, tmp_path_factory.mktemp("logs")) as rig:
        rig.start_cell()
        rig.start_executor()
        yield rig


@pytest.fixture
def swing(whole):
    """A policy whose chunks the test can spoil, in a task that moves the arm."""
    whole.ready()
    swing = Swing(whole)
    swing.start()
    yield swing
    swing.close()


def not_a_number(chunk):
    chunk.positions[17] = math.nan


def infinity(chunk):
    chunk.gripper[3] = -math.inf


def wrong_joint_names(chunk):
    chunk.joint_names = [name.replace("fr3", "panda") for name in chunk.joint_names]


def wrong_size(chunk):
    chunk.positions = chunk.positions[:-1]


def old_stamp(chunk):
    chunk.header.stamp.sec -= 3


def future_stamp(chunk):
    chunk.header.stamp.sec += 3


def repeated_sequence(chunk):
    chunk.sequence -= 1


def reordered_sequence(chunk):
    chunk.sequence = 1


def million_actions(chunk):
    # Smaller ones that are sent later may overtake it.
    chunk.sequence += 1000
    chunk.positions = array("d", bytes(8 * 7 * MILLION))
    chunk.gripper = array("d", bytes(8 * MILLION))


BAD = {
    not_a_number: "positions[17] is nan",
    infinity: "gripper[3] is -inf",
    wrong_joint_names: "joint fr3_joint1 is missing among: panda_joint1",
    wrong_size: "has 111 positions; 16 actions of 7 joints need 112",
    old_stamp: "s old; at most 1 s are allowed",
    future_stamp: "s in the future; are the clocks of all machines in step?",
    repeated_sequence: "does not follow",
    reordered_sequence: "does not follow",
    million_actions: "has 1000000 gripper commands; 1 to 64 are allowed",
}


# The others come all at once in the next test, and one by one in dust_executor's own.
QUICK = (not_a_number, wrong_size, reordered_sequence, million_actions)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(spoil, marks=[] if spoil in QUICK else pytest.mark.slow, id=spoil.__name__)
        for spoil in BAD
    ],
)
def test_a_bad_chunk_is_rejected_and_the_good_ones_go_on(swing, spoil):
    rig = swing.rig
    rig.wait(lambda: rig.states[-1].accepted >= 3)
    chunk = swing.chunk()
    spoil(chunk)
    logged = len(rig.parts["executor"].output)
    # Ten newer ones would push 64 MB out of the publisher's history before they have arrived.
    swing.on = spoil is not million_actions
    swing.send(chunk)
    # 64 MB may take longer than a second; then they are refused for their age.
    allowed = (BAD[spoil], *([BAD[old_stamp]] if spoil is million_actions else []))
    # A later rejection may come before the next state tells of this one; the log has both.
    rig.wait(
        lambda: any(
            text in rig.rejections() + rig.parts["executor"].output[logged:] for text in allowed
        )
    )
    swing.on = True
    accepted = rig.states[-1].accepted
    rig.wait(lambda: rig.states[-1].accepted >= accepted + 3)
    rig.wait_mode("RUNNING")
    rig.check_limits()


def test_nothing_but_bad_chunks_is_a_stop_for_cause(swing):
    rig = swing.rig
    swing.on = False
    # What repeats a chunk that was rejected repeats nothing.
    spoilers = [spoil for spoil in BAD if spoil not in (million_actions, repeated_sequence)]

    def spoiled():
        chunk = swing.chunk()
        spoilers[swing.sequence % len(spoilers)](chunk)
        return chunk

    swing.make, swing.on = spoiled, True
    rig.wait_mode("HOLDING", "the actions ran out; the arm comes to rest")
    rig.check_rest_after(rig.last_action())
    state = rig.wait_mode("STOPPED", "no valid chunk for 2 s")
    assert state.rejected >= 8
    # Good chunks come again, and a task is asked for: nothing moves, nothing is rearmed.
    swing.make = swing.chunk
    request = {"task_id": "another", "source": "test"}
    answer = rig.call(StartTask, "dust_executor/start_task", **request)
    assert answer.message == "stopped: no valid chunk for 2 s; call rearm first"
    rig.check_stays_stopped()
    rig.rearm()
    swing.start()
    rig.check_limits()
