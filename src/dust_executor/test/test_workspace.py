import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.chunk import ChunkRules
from dust_executor.core import Executor
from dust_executor.limits import named
from dust_executor.quintic import sample_pieces
from dust_executor.settings import Settings
from dust_executor.workspace import Workspace, WorkspaceSettings, make_workspace
from dust_node.fr3_kinematics import hand_motion, hand_pose, hand_position

NS = 1_000_000_000
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
BOX = WorkspaceSettings(True, (0.2, -0.2, 0.4), (0.4, 0.2, 0.6), 0.5)


@pytest.fixture
def bench(make_bench):
    bench = make_bench(workspace=BOX)
    bench.start()
    bench.run(bench.now + 300_000_000)
    return bench


def way(direction, speed, count=16):
    """Return postures [count, 7] that move the hand from home in a straight line."""
    postures = [HOME]
    for _ in range(count - 1):
        jacobian = hand_pose(postures[-1]).jacobian
        step = np.concatenate([np.asarray(direction) * speed / 15, np.zeros(3)])
        postures.append(postures[-1] + np.linalg.pinv(jacobian) @ step)
    return np.array(postures)


def hand_of(bench):
    rows = bench.controller.history()
    position, velocity = hand_motion(rows[:, 0], rows[:, 1])
    return position, np.linalg.norm(velocity, axis=-1)


def check(bench):
    position, speed = hand_of(bench)
    assert np.all(position >= BOX.lower)
    assert np.all(position <= BOX.upper)
    assert speed.max() <= BOX.speed
    bench.assert_inside_limits()
    bench.assert_smooth_seams()


@pytest.mark.parametrize("direction", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1)])
def test_a_chunk_that_leads_out_is_cut_and_the_hand_stops_inside(bench, direction):
    assert bench.send(bench.now, way(direction, 0.2), sequence=1) == ""
    assert bench.executor.ledger.limited == 1
    bench.run(bench.now + 2 * NS)
    check(bench)
    position, _ = hand_of(bench)
    moved = (position[-1] - hand_position(HOME)) @ np.array(direction)
    assert moved > 0.03


def test_a_chunk_inside_is_not_cut(bench):
    assert bench.send(bench.now, way((0, 1, 0), 0.15), sequence=1) == ""
    assert bench.executor.ledger.limited == 0
    bench.run(bench.now + 2 * NS)
    check(bench)


def test_too_fast_a_hand_is_refused_with_the_speed(make_bench):
    slow = WorkspaceSettings(True, (0.0, -0.5, 0.2), (0.8, 0.5, 0.8), 0.1)
    bench = make_bench(workspace=slow)
    bench.start()
    bench.run(bench.now + 300_000_000)
    reason = bench.send(bench.now, way((0, 1, 0), 0.3), sequence=1)
    assert "the hand would move at" in reason
    assert "workspace.speed is 0.1 m/s" in reason


def test_a_chunk_that_is_outside_at_once_is_refused_with_the_place(bench):
    actions = np.tile(HOME + np.array([0, 0.6, 0, 0, 0, 0, 0]), (16, 1))
    reason = bench.send(bench.now, actions, sequence=1)
    assert "the hand would be at x = 0.4" in reason or "the hand would be at z" in reason
    assert "outside the workspace's" in reason


def test_a_task_does_not_start_outside(make_bench):
    elsewhere = WorkspaceSettings(True, (0.5, -0.2, 0.4), (0.8, 0.2, 0.6))
    answer = make_bench(workspace=elsewhere).executor.start_task("task", "test")
    assert answer == (
        False,
        "the hand would be at x = 0.307 m, outside the workspace's [0.5, 0.8] m",
    )


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_comes_the_hand_stays_inside(make_bench, seed):
    rng = np.random.default_rng(seed)
    bench = make_bench(workspace=BOX)
    bench.start()
    bench.run(bench.now + 300_000_000)
    for sequence in range(1, 9):
        bench.run(bench.now + int(rng.uniform(0.05, 0.3) * NS))
        drift = rng.uniform(-1, 1, 7) * rng.uniform(0, 0.6)
        start = bench.executor.plan.at(bench.now)[0]
        actions = start + drift * np.arange(16)[:, None] / 15
        bench.send(bench.now - int(rng.uniform(0, 0.2) * NS), actions, sequence=sequence)
    bench.executor.end_task("task")
    bench.run(bench.now + NS)
    check(bench)


def test_samples_between_the_proofs_stay_inside():
    rng = np.random.default_rng(0)
    times = np.arange(4, dtype=np.int64) * 100_000_000
    for _ in range(20):
        states = rng.normal(0, 1, (4, 3, 7)) * np.array([0.02, 0.2, 2.0])[:, None]
        states[:, 0] += HOME
        fine = sample_pieces(times, states, step=2e-4)
        position, velocity = hand_motion(fine[0], fine[1])
        low, high = position.min(axis=(0, 1)), position.max(axis=(0, 1))
        speed = float(np.linalg.norm(velocity, axis=-1).max())
        tight = WorkspaceSettings(True, tuple(low + 1e-5), tuple(high + 1.0), speed + 1.0)
        assert Workspace(tight).violation(times, states)
        slow = WorkspaceSettings(True, tuple(low - 1.0), tuple(high + 1.0), 0.999 * speed)
        assert "m/s" in Workspace(slow).violation(times, states)
        wide = WorkspaceSettings(True, tuple(low - 1e-4), tuple(high + 1e-4), speed + 0.011)
        assert Workspace(wide).violation(times, states) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lower": (0.0, 0.0)}, "workspace.lower needs 3 numbers"),
        ({"upper": (0.1, 1.0, 1.0)}, "workspace.lower .x 0.1 m. must be below"),
        ({"speed": 0.001}, "too small to move"),
    ],
)
def test_settings_must_make_a_box(changes, words):
    with pytest.raises(ValueError, match=words):
        WorkspaceSettings(**changes)


def test_it_is_off_unless_asked_for_and_needs_a_known_arm():
    assert make_workspace(WorkspaceSettings(), 3) is None
    with pytest.raises(ValueError, match="needs the 7 joints"):
        Executor(
            Settings(named("panda"), ChunkRules(("a",)), workspace=BOX),
            clock=lambda: 0,
            publish=lambda times, states: None,
        )
