"""Points of plan, tail, seam and arm are where the hand is."""

import numpy as np
import pytest

from dust_node.fr3_kinematics import hand_position
from dust_view.scene import Committed, Seams, arm_points, chunk_points, committed_path

HOME = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
PERIOD = 100_000_000


def committed(*, samples: int = 5, buffer: float = 0.25, sequence: int = 0, splice: float = 0.0):
    steps = np.linspace(0.0, 0.4, samples)[:, None] if samples else np.empty((0, 1))
    return Committed(
        stamp_ns=10 * PERIOD,
        period_ns=PERIOD,
        positions=HOME + steps * np.ones(7),
        buffer_ns=round(buffer * 1e9),
        sequence=sequence,
        splice_ns=round(splice * 1e9),
    )


def test_plan_and_tail_meet_where_the_actions_run_out() -> None:
    plan = committed()
    path = committed_path(plan)
    assert path.plan.shape == (4, 3)
    assert path.tail.shape == (3, 3)
    np.testing.assert_array_equal(path.plan[-1], path.tail[0])
    np.testing.assert_allclose(path.tail[0], hand_position(plan.positions[2:4].mean(axis=0)))


@pytest.mark.parametrize(("buffer", "plan", "tail"), [(9.0, 5, 0), (0.0, 2, 5)])
def test_all_may_be_plan_or_tail(buffer: float, plan: int, tail: int) -> None:
    path = committed_path(committed(buffer=buffer))
    assert (len(path.plan), len(path.tail)) == (plan, tail)


def test_without_samples_there_is_nothing_to_see() -> None:
    path = committed_path(committed(samples=0))
    assert len(path.plan) == len(path.tail) == 0


def test_a_seam_stays_where_it_was_first_seen() -> None:
    seams = Seams()
    assert seams.see(committed()) is None
    first = seams.see(committed(sequence=1, splice=1.15))
    np.testing.assert_allclose(first, hand_position(committed().at(1_150_000_000)))
    later = seams.see(committed(sequence=1, splice=0.2))
    np.testing.assert_array_equal(first, later)
    over = seams.see(committed(sequence=2, splice=0.2))  # the state came after the splice
    np.testing.assert_allclose(over, hand_position(HOME))


def test_the_arm_ends_in_the_hand() -> None:
    points = arm_points(HOME)
    np.testing.assert_array_equal(points[0], np.zeros(3))
    np.testing.assert_allclose(points[-1], hand_position(HOME), atol=1e-12)
    np.testing.assert_allclose(points[-1], [0.307, 0.0, 0.487], atol=2e-3)
    assert chunk_points(np.empty((0, 7))).shape == (0, 3)
