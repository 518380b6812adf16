"""Tests of dust_eval.smoothness and of the policy that it imagines."""

import numpy as np
import pytest

from dust_eval.imagined_policy import GaussianPolicy, guidance_weights
from dust_eval.joining import STRATEGIES, Continuation, Request, Run
from dust_eval.smoothness import compare, figures, main, text

NONE = np.empty((0, 7))


@pytest.fixture(scope="module")
def table():
    return compare([0.0, 0.2], seconds=6.0, seeds=1)


def test_every_strategy_is_measured_at_every_latency(table):
    assert set(table) == {(name, latency) for name in STRATEGIES for latency in (0.0, 0.2)}
    for found in table.values():
        assert 0.0 < found.jerk_rms < found.jerk_peak < 5000.0
        assert 0.0 < found.error < 0.1
    # Each chunk is followed, but for those that are not open loop's turn.
    followed = {name: table[name, 0.2].followed for name in STRATEGIES}
    assert followed.pop("open loop") < 0.6
    assert all(share == 1.0 for share in followed.values())


def test_conditioned_chunks_move_the_arm_more_smoothly_than_blended_ones(table):
    for latency in (0.0, 0.2):
        for name in ("prefix", "guided (RTC)"):
            assert table[name, latency].jerk_rms < 0.5 * table["blend", latency].jerk_rms
            assert table[name, latency].gap < 0.1 * table["blend", latency].gap


def test_latency_makes_what_is_acted_on_older(table):
    for name in STRATEGIES:
        assert table[name, 0.2].age > table[name, 0.0].age + 0.05
    assert table["open loop", 0.0].age > 2 * table["blend", 0.0].age


def test_the_same_seed_gives_the_same_table(table):
    again = compare([0.2], seconds=6.0, seeds=1)
    for name in STRATEGIES:
        assert again[name, 0.2] == table[name, 0.2]
    assert len(text(again).splitlines()) == 2 + len(STRATEGIES)


def test_a_recorded_stream_is_a_source_too():
    home = GaussianPolicy(0, seconds=1.0).home

    def recorded(request: Request):
        times = request.time + np.arange(16) / 15
        return home + 0.1 * (1 - np.cos(times))[:, None]

    record = Run(recorded, home, strategy="blend", latency=0.1).run(4.0)
    commands = np.concatenate(record.commands)
    truth = home + 0.1 * (1 - np.cos(np.arange(len(commands)) / 1000))[:, None]
    found = figures([record], [truth])
    assert found.error < 2e-3
    assert found.gap < 1e-3
    assert found.followed == 1.0


def request(committed, frozen, continuation, number=1):
    return Request(3.0, number, committed, frozen, continuation)


def test_a_prefix_is_kept_and_gone_on_from():
    policy = GaussianPolicy(0, seconds=10.0)
    free = policy.chunk(request(NONE, 0, Continuation.NONE))
    committed = policy.chunk(request(NONE, 0, Continuation.NONE, number=2))[:5]
    after = policy.chunk(request(committed, 5, Continuation.PREFIX))
    np.testing.assert_array_equal(after[:5], committed)
    step = np.abs(after[5] - after[4]).max()
    assert step < 0.5 * np.abs(free[5] - committed[4]).max()


def test_guidance_pulls_towards_the_rest_of_the_plan():
    policy = GaussianPolicy(0, seconds=10.0)
    plan = policy.chunk(request(NONE, 0, Continuation.NONE, number=2))[:12]
    free = policy.chunk(request(NONE, 0, Continuation.NONE))
    guided = policy.chunk(request(plan, 4, Continuation.GUIDED))
    np.testing.assert_array_equal(guided[:4], plan[:4])
    assert np.abs(guided[4:8] - plan[4:8]).max() < np.abs(free[4:8] - plan[4:8]).max()


def test_guidance_weights_fall_from_one_to_nothing():
    weights = guidance_weights(4, 10, 16)
    np.testing.assert_allclose(weights[:4], 1.0)
    assert np.all(np.diff(weights[3:10]) < 0)
    assert not weights[10:].any()


def test_free_chunks_have_the_spread_that_they_are_said_to_have():
    policy = GaussianPolicy(0, seconds=10.0)
    path = policy.truth(3.0 + np.arange(16) / 15, seen=3.0)
    draws = [policy.chunk(request(NONE, 0, Continuation.NONE, number=i)) for i in range(200)]
    assert np.std(np.array(draws) - path) == pytest.approx(0.02, rel=0.1)


def test_the_program_says_what_is_wrong(capsys):
    assert main(["--latencies", "-1"]) == 2
    assert capsys.readouterr().err == "error: --latencies must be 0 to 800 ms\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seconds", "0"], "--seconds: must lie between 1 and 3600, got 0"),
        (["--seconds", "inf"], "--seconds: must lie between 1 and 3600, got inf"),
        (["--seeds", "0"], "--seeds: must lie between 1 and 1000, got 0"),
        (["--prefix-limit", "-1"], "--prefix-limit: must lie between 1 and 64, got -1"),
    ],
)
def test_what_is_out_of_range_is_refused(capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert f"error: argument {message}" in capsys.readouterr().err
