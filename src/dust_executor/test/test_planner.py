import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.chunk import Chunk
from dust_executor.limits import named
from dust_executor.plan import Plan
from dust_executor.planner import Method, PlanError, Planner, PlanSettings

NS = 1_000_000_000
MS = 1_000_000
PERIOD = round(NS / 15)
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
# The times below reckon with this lead, whatever the default is.
LEAD = 0.05
PLANNER = Planner(named("fr3_rectangular"))


def chunk_of(actions, stamp, *, sequence=1, grips=None):
    actions = np.asarray(actions, dtype=float)
    grips = np.ones(len(actions)) if grips is None else np.asarray(grips, dtype=float)
    return Chunk(stamp, sequence, PERIOD, actions, grips, 0)


def splice_of(plan, chunk, now, planner=PLANNER):
    return planner.splice(plan, planner.clamp(chunk)[0], now, lead=LEAD)


def wave(at, phase=0.0):
    """Return a smooth path [N, 7] from home, at times [N] in ns."""
    t = at[:, None] * 1e-9
    grown = (1 - np.exp(-t)) ** 3
    return HOME + 0.25 * grown * np.sin(1.5 * t + phase + np.arange(7) / 3)


def grid(stamp, count=16):
    return stamp + PERIOD * np.arange(count, dtype=np.int64)


@pytest.fixture
def moving():
    """Return a plan in the middle of a wave, and the time."""
    plan = Plan.at_rest(wave(np.array([0]))[0], since=0, grip=1.0)
    now = 0
    for sequence in range(1, 9):
        now += 200 * MS
        stamp = now - 100 * MS
        chunk = chunk_of(wave(grid(stamp)), stamp, sequence=sequence)
        splice = splice_of(plan, chunk, now)
        assert splice.method is Method.DIRECT
        plan = splice.plan
    return plan, now


def test_a_smooth_path_is_followed_as_it_is(moving):
    plan, now = moving
    at = np.linspace(now, plan.action_end - 2 * PERIOD, 200).astype(np.int64)
    np.testing.assert_allclose(plan.sample(at)[:, 0], wave(at), atol=1e-4)
    np.testing.assert_array_equal(plan.at(plan.end)[1:], 0.0)
    assert plan.end - plan.action_end == 300 * MS


def test_the_same_chunk_again_changes_nothing(moving):
    plan, now = moving
    again = chunk_of(plan.sample(grid(now - 100 * MS))[:, 0], now - 100 * MS, sequence=9)
    assert again.times[-1] == plan.action_end
    splice = splice_of(plan, again, now + 30 * MS)
    assert splice.method is Method.UNCHANGED
    at = np.linspace(now - 500 * MS, plan.end + NS, 500).astype(np.int64)
    np.testing.assert_array_equal(splice.plan.sample(at)[:, 0], plan.sample(at)[:, 0])


@settings(deadline=None, max_examples=60)
@given(offset=st.integers(0, 400 * MS), delay=st.integers(0, 250 * MS))
def test_a_chunk_that_continues_the_plan_leaves_it(offset, delay):
    plan = Plan.at_rest(wave(np.array([0]))[0], since=0, grip=1.0)
    plan = splice_of(plan, chunk_of(wave(grid(20 * MS)), 20 * MS), 100 * MS).plan
    stamp = 20 * MS + offset
    times = grid(stamp)
    promised = times <= plan.action_end
    actions = wave(times)
    actions[promised] = plan.sample(times[promised])[:, 0]
    now = max(100 * MS, stamp + delay)
    splice = splice_of(plan, chunk_of(actions, stamp, sequence=2), now)
    # All but the last two promised actions stay, to rounding; the rest is new.
    left = times[promised][-3] - MS
    at = np.linspace(now, max(left, now), 100).astype(np.int64)
    old, new = plan.sample(at), splice.plan.sample(at)
    np.testing.assert_allclose(new, old, atol=1e-9)
    assert splice.method is Method.UNCHANGED or splice.changed >= left
    assert now < splice.start <= splice.changed


def test_an_offset_fades_out_over_the_blend(moving):
    plan, now = moving
    stamp = now + 50 * MS
    actions = wave(grid(stamp)) + 0.02
    splice = splice_of(plan, chunk_of(actions, stamp, sequence=9), now + 100 * MS)
    assert splice.method is Method.DIRECT
    assert splice.start == now + 150 * MS
    before, after = plan.at(splice.start), splice.plan.at(splice.start)
    np.testing.assert_allclose(after, before, atol=1e-12)
    at = np.linspace(splice.start + 270 * MS, stamp + 13 * PERIOD, 50).astype(np.int64)
    np.testing.assert_allclose(splice.plan.sample(at)[:, 0], wave(at) + 0.02, atol=1e-4)


def test_late_chunks_are_refused(moving):
    plan, now = moving
    with pytest.raises(PlanError, match="came too late: 1 of 16 actions"):
        splice_of(plan, chunk_of(wave(grid(now)), now), now + 14 * PERIOD - 40 * MS)


def test_actions_outside_the_limits_are_clamped_and_counted(moving):
    plan, now = moving
    actions = wave(grid(now))
    actions[-4:, 3] = 0.0
    chunk, clamped = PLANNER.clamp(chunk_of(actions, now))
    assert clamped == 4
    splice = PLANNER.splice(plan, chunk, now, lead=LEAD)
    at = np.linspace(now, splice.plan.end, 3000).astype(np.int64)
    assert splice.plan.sample(at)[:, 0, 3].max() <= -0.4226


def test_noise_is_smoothed_and_jumps_are_limited(moving):
    plan, now = moving
    rng = np.random.default_rng(0)
    noisy = wave(grid(now)) + rng.normal(0, 0.02, (16, 7))
    assert splice_of(plan, chunk_of(noisy, now), now).method is Method.SMOOTHED
    jump = np.tile(HOME + 1.0, (16, 1))
    assert splice_of(plan, chunk_of(jump, now), now).method is Method.LIMITED


def test_gripper_commands_change_at_the_splice(moving):
    plan, now = moving
    chunk = chunk_of(wave(grid(now)), now, grips=np.linspace(0, 0.75, 16))
    new = splice_of(plan, chunk, now).plan
    at = np.array([now, now + 60 * MS, now + PERIOD, now + 10 * PERIOD, now + 99 * PERIOD])
    np.testing.assert_allclose(new.grip_at(at), [1.0, 0.0, 0.05, 0.5, 0.75])


def test_gripper_changes_though_the_arm_does_not(moving):
    plan, now = moving
    stamp = now - 100 * MS
    actions = plan.sample(grid(stamp))[:, 0]
    splice = splice_of(plan, chunk_of(actions, stamp, grips=np.zeros(16)), now)
    assert splice.method is Method.UNCHANGED
    assert splice.plan.grip_at(np.array([now + NS]))[0] == 0.0


def test_a_stop_is_sooner_than_the_plan_and_continuous(moving):
    plan, now = moving
    stopped = PLANNER.stop(plan, now, lead=LEAD)
    assert stopped.end <= now + 500 * MS < plan.end
    assert stopped.buffer(now) <= 0.05
    start = now + 50 * MS
    np.testing.assert_allclose(stopped.at(start), plan.at(start), atol=1e-9)
    assert PLANNER.stop(stopped, now + NS, lead=LEAD) is stopped


def test_a_resting_plan_starts_after_it_settled():
    plan = Plan.at_rest(HOME, since=500 * MS, grip=1.0)
    splice = splice_of(plan, chunk_of(np.tile(HOME + 0.01, (16, 1)), 200 * MS), 300 * MS)
    assert splice.start == 500 * MS


@pytest.mark.parametrize("horizon", [1, 2, 3, 4])
def test_short_chunks_are_followed(horizon):
    planner = Planner(named("fr3_rectangular"), settings=PlanSettings(min_actions=1))
    plan = Plan.at_rest(HOME, since=0, grip=1.0)
    actions = np.tile(HOME, (horizon, 1)) + 1e-3
    stamp = NS + 60 * MS if horizon == 1 else NS
    splice = splice_of(plan, chunk_of(actions, stamp), NS, planner)
    assert splice.plan.end > splice.plan.action_end == stamp + (horizon - 1) * PERIOD


def test_settings_must_fit_together():
    with pytest.raises(ValueError, match=r"plan.tail \(0.5 s\) must not be longer"):
        PlanSettings(tail=0.5)
