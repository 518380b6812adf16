"""Cell and executor on one clock."""

import numpy as np
import pytest

from dust_eval.bare.arm import BareArm
from dust_executor.parameters import PARAMETERS
from dust_msgs.msg import ActionChunk
from dust_policy.messages import chunk_message
from dust_policy.sampler import Chunk, Steps
from dust_sim.cell import Cell
from dust_sim.fr3 import ARM_JOINTS, HOME
from dust_sim.parameters import CELL_PARAMETERS
from dust_sim.placement import place

S = 1_000_000_000
PERIOD = 1 / 15


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture
def arm(cell):
    """An arm whose task has begun; 12 actions of each chunk are executed."""
    values = {row.name: row.default for row in PARAMETERS} | {"plan.execute_actions": 12}
    made = BareArm(
        cell,
        place("box_to_bowl", "blue_cube", 0),
        cell_values={row.name: row.default for row in CELL_PARAMETERS},
        executor_values=values,
    )
    made.begin()
    # The first plan settles.
    made.pass_time(made.now_ns + S // 2)
    return made


def chunk(arm, *, turn=0.0, grip=1.0, number=1) -> ActionChunk:
    """Return a chunk that turns the first joint within half a second, rad."""
    share = np.clip(np.arange(16) * PERIOD / 0.5, 0.0, 1.0)
    positions = np.tile(HOME, (16, 1))
    positions[:, 0] += turn * share**2 * (3 - 2 * share)
    actions = np.column_stack([positions, np.full(16, grip)])
    made = Chunk(arm.now_ns, actions, 0, Steps(4, 4), ())
    return chunk_message(
        made,
        source="trial",
        task_id="trial",
        sequence=number,
        period=PERIOD,
        joint_names=ARM_JOINTS,
    )


def test_the_arm_follows_a_chunk_inside_the_limits_and_comes_to_rest(arm):
    arm.simulation.take_audit(reset=True)
    assert arm.take(chunk(arm, turn=0.2)) == ""
    arm.pass_time(arm.now_ns + 2 * S)
    assert arm.state()[0] == pytest.approx(HOME[0] + 0.2, abs=0.01)
    audit = arm.simulation.take_audit(reset=True)
    assert audit.samples == pytest.approx(2000, abs=10)
    assert sum(audit.outside.values()) == 0
    assert not arm.stopped_by


def test_a_chunk_out_of_turn_is_foreseen(arm):
    assert arm.executor.takes_free_chunk(arm.now_ns)
    arm.take(chunk(arm))
    assert not arm.executor.takes_free_chunk(arm.now_ns + S // 10)
    assert arm.executor.takes_free_chunk(arm.now_ns + S)
    passed_over = arm.executor.ledger.passed_over
    arm.pass_time(arm.now_ns + S // 10)
    arm.take(chunk(arm, number=2))
    assert arm.executor.ledger.passed_over == passed_over + 1


def test_the_hand_closes_and_opens_when_it_is_told_to(arm):
    arm.take(chunk(arm, grip=0.0))
    arm.pass_time(arm.now_ns + 2 * S)
    assert arm.command == 0.0
    assert arm.state()[7] == pytest.approx(0.0, abs=0.03)
    arm.take(chunk(arm, grip=1.0, number=2))
    arm.pass_time(arm.now_ns + 2 * S)
    assert arm.state()[7] == pytest.approx(1.0, abs=0.03)
    assert arm.executor.gripper.goals == 2


def test_silence_stops_it_for_cause(arm):
    arm.take(chunk(arm))
    arm.pass_time(arm.now_ns + 5 * S)
    assert arm.stopped_by == "no valid chunk for 2 s"


def test_time_passes_to_the_millisecond(arm):
    until = arm.now_ns + 123_000_000
    arm.pass_time(until)
    assert arm.now_ns == until
