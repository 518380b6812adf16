from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.chunk import Chunk, ChunkError, Conditioning
from dust_executor.merge import Merge, Merger, MergeSettings, NotYetError, PrefixLate
from dust_executor.plan import Plan

NS = 1_000_000_000
PERIOD = NS // 15
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
REST = Plan.at_rest(HOME, since=0, grip=1.0)


def moving_plan() -> Plan:
    """Return a plan that stays at home, but is not at its end before 100 s."""
    times = np.array([0, 100 * NS], dtype=np.int64)
    states = np.zeros((2, 3, 7))
    states[:, 0] = HOME
    return Plan(times, states, 100 * NS, times[:1], np.ones(1))


MOVING = moving_plan()


def chunk_of(actions, stamp, *, grips=None, prefix=0, conditioning=Conditioning.FREE):
    actions = np.asarray(actions, dtype=float)
    grips = np.ones(len(actions)) if grips is None else np.asarray(grips, dtype=float)
    return Chunk(stamp, 1, PERIOD, actions, grips, prefix, conditioning)


def still(offset=0.0, count=16):
    return np.tile(HOME + offset, (count, 1))


def merger(merge, **changes):
    return Merger(MergeSettings(merge=Merge(merge), **changes))


@pytest.mark.parametrize("merge", ["auto", "blend"])
def test_a_free_chunk_is_blended_as_it_is(merge):
    chunk = chunk_of(still(0.1), NS)
    assert merger(merge).merge(chunk, REST, NS + PERIOD) is chunk


def prefixed(offset=0.0, conditioning=Conditioning.PREFIX):
    actions = still(0.1)
    actions[:4] = HOME + offset
    return chunk_of(actions, NS, prefix=4, conditioning=conditioning)


@pytest.mark.parametrize("merge", ["auto", "prefix"])
def test_a_prefix_in_time_is_replaced_by_the_plan_itself(merge):
    merged = merger(merge).merge(prefixed(0.004), MOVING, NS + 3 * PERIOD)
    np.testing.assert_array_equal(merged.positions[:4], still(count=4))
    np.testing.assert_array_equal(merged.positions[4:], still(0.1, 12))


@pytest.mark.parametrize("merge", ["auto", "prefix"])
def test_a_chunk_too_late_for_its_prefix_is_dropped_with_both_delays(merge):
    with pytest.raises(ChunkError, match=r"falls 0.267 s .* 4 actions .* reach only 0.200 s"):
        merger(merge).merge(prefixed(), MOVING, NS + 4 * PERIOD)


def test_a_late_one_may_be_blended_instead():
    late = prefixed()
    lenient = merger("prefix", prefix_late=PrefixLate.BLEND)
    assert lenient.merge(late, MOVING, NS + 4 * PERIOD) is late


def test_a_prefix_of_another_plan_is_dropped():
    with pytest.raises(ChunkError, match=r"0.0200 rad away from the plan"):
        merger("prefix").merge(prefixed(0.02), MOVING, NS + 2 * PERIOD)
    # What was due before the splice is past; only the rest has to agree.
    chunk = prefixed()
    chunk.positions[0] += 0.5
    merged = merger("prefix").merge(chunk, MOVING, NS + 3 * PERIOD)
    np.testing.assert_array_equal(merged.positions[:4], still(count=4))


def test_an_arm_at_rest_takes_any_prefix():
    late = prefixed(0.02)
    assert merger("prefix").merge(late, REST, NS + 9 * PERIOD) is late


def test_guided_chunks_and_the_first_of_a_task_are_blended():
    guided = prefixed(0.02, Conditioning.GUIDED)
    assert merger("auto").merge(guided, REST, NS + 9 * PERIOD) is guided
    first = chunk_of(still(0.1), NS, conditioning=Conditioning.PREFIX)
    assert merger("auto").merge(first, REST, NS + 9 * PERIOD) is first


def test_an_ensemble_of_one_is_the_chunk():
    chunk = chunk_of(still(0.1), NS, grips=np.linspace(0, 1, 16))
    merged = merger("ensemble").merge(chunk, REST, NS)
    np.testing.assert_allclose(merged.positions, chunk.positions, atol=1e-12)
    np.testing.assert_allclose(merged.grips, chunk.grips, atol=1e-12)


def test_an_ensemble_weighs_old_predictions_more():
    ensemble = merger("ensemble", ensemble_decay=0.5)
    old = chunk_of(still(0.0), NS, grips=np.zeros(16))
    ensemble.accepted(old, NS)
    new = chunk_of(still(1.0), NS + 4 * PERIOD)
    merged = ensemble.merge(new, REST, NS + 5 * PERIOD)
    share = np.exp(-0.5) / (1 + np.exp(-0.5))
    # The old one predicts 12 of these due times; behind them only the new one speaks.
    np.testing.assert_allclose(merged.positions[:12], still(share, 12))
    np.testing.assert_allclose(merged.grips[:12], share)
    np.testing.assert_allclose(merged.positions[12:], still(1.0, 4))
    np.testing.assert_allclose(merged.grips[12:], 1.0)


@settings(deadline=None, max_examples=30)
@given(shifts=st.lists(st.integers(1, 300_000_000), min_size=1, max_size=12))
def test_an_ensemble_that_agrees_follows_the_path(shifts):
    def path(times):
        return HOME + 0.2 * np.sin(times * 1e-9)[:, None]

    ensemble, stamp = merger("ensemble"), NS
    for shift in shifts:
        chunk = chunk_of(path(stamp + PERIOD * np.arange(16)), stamp)
        merged = ensemble.merge(chunk, REST, stamp)
        np.testing.assert_allclose(merged.positions, chunk.positions, atol=2e-5)
        ensemble.accepted(chunk, stamp)
        stamp += shift


def test_a_forgotten_ensemble_starts_anew():
    ensemble = merger("ensemble")
    ensemble.accepted(chunk_of(still(0.0), NS), NS)
    ensemble.forget()
    new = chunk_of(still(1.0), NS)
    np.testing.assert_allclose(ensemble.merge(new, REST, NS).positions, new.positions)


@pytest.mark.parametrize(("execute", "until"), [(0, 15), (5, 7), (99, 15)])
def test_open_loop_takes_the_next_chunk_when_the_last_is_executed(execute, until):
    open_loop = merger("open_loop", execute_actions=execute)
    first = chunk_of(still(), NS)
    assert open_loop.merge(first, REST, NS + 2 * PERIOD) is first
    open_loop.accepted(first, NS + 2 * PERIOD)
    following = chunk_of(still(0.1), NS + 3 * PERIOD)
    with pytest.raises(NotYetError, match="open loop: the chunk before it is executed"):
        open_loop.merge(following, REST, NS + until * PERIOD - 1)
    assert open_loop.merge(following, REST, NS + until * PERIOD) is following


def test_auto_is_open_loop_where_the_actions_to_execute_are_set():
    auto = merger("auto", execute_actions=5)
    first = chunk_of(still(), NS)
    auto.accepted(first, NS + 2 * PERIOD)
    following = chunk_of(still(0.1), NS + 3 * PERIOD)
    with pytest.raises(NotYetError, match="open loop"):
        auto.merge(following, REST, NS + 7 * PERIOD - 1)
    guided = replace(following, conditioning=Conditioning.GUIDED)
    assert auto.merge(guided, REST, NS + 7 * PERIOD - 1) is guided
    auto.accepted(guided, NS + 7 * PERIOD - 1)
    assert auto.merge(following, REST, NS + 7 * PERIOD) is following
    never = merger("auto")
    never.accepted(first, NS + 2 * PERIOD)
    assert never.merge(following, REST, NS + 3 * PERIOD) is following


def test_prefix_chunks_of_a_real_plan_leave_no_seam(make_bench):
    bench = make_bench(merge=MergeSettings(merge=Merge.PREFIX))
    bench.start()
    bench.run(bench.now + 300_000_000)
    rng = np.random.default_rng(0)
    stamp = bench.now
    for sequence in range(1, 13):
        due = stamp + PERIOD * np.arange(16)
        wave = HOME + 0.2 * np.sin((due - 1000 * NS) / NS)[:, None] + rng.normal(0, 0.02, 7)
        if sequence > 1:
            wave[:5] = bench.executor.plan.sample(due[:5])[:, 0]
        observed = bench.executor.plan
        bench.run(bench.now + 150_000_000)
        conditioning = {"prefix": 5 if sequence > 1 else 0, "conditioning": 1}
        assert bench.send(stamp, wave, sequence=sequence, **conditioning) == ""
        if sequence > 1:
            promised = np.arange(bench.now, stamp + 2 * PERIOD, 1_000_000)
            kept = bench.executor.plan.sample(promised)[:, 0]
            np.testing.assert_allclose(kept, observed.sample(promised)[:, 0], atol=1e-9)
        stamp = bench.now
    bench.run(bench.now + 2 * NS)
    bench.assert_inside_limits()
    bench.assert_smooth_seams()


def test_a_dropped_chunk_moves_nothing_and_a_waiting_one_is_no_silence(make_bench):
    bench = make_bench(merge=MergeSettings(merge=Merge.OPEN_LOOP))
    bench.start()
    bench.run(bench.now + 300_000_000)
    actions = np.tile(HOME, (40, 1))
    assert bench.send(bench.now, actions, sequence=1) == ""
    plan = bench.executor.plan
    for sequence in range(2, 27):
        bench.run(bench.now + 90_000_000)
        assert bench.send(bench.now, actions + 0.01, sequence=sequence) == ""
        assert bench.executor.plan is plan
        assert bench.executor.ledger.passed_over == sequence - 1
    assert (bench.executor.ledger.accepted, bench.executor.ledger.rejected) == (1, 0)
    # 2.25 s without an accepted chunk, though with valid ones.
    assert bench.executor.modes.mode.name == "RUNNING"
    bench.run(bench.now + 450_000_000)
    assert bench.send(bench.now, actions, sequence=30) == ""
