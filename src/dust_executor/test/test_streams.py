"""Random streams of chunks: whatever comes, the arm stays inside its limits and comes to rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.limits import named
from dust_executor.modes import Mode

NS = 1_000_000_000
PERIOD = 1 / 15
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])


def sine(t, rng, phase):
    return HOME + 0.3 * np.sin(phase + (0.5 + phase % 2) * t)[:, None] * np.cos(np.arange(7))


def noisy_sine(t, rng, phase):
    return sine(t, rng, phase) + rng.normal(0, 0.01, (len(t), 7))


def noise(t, rng, phase):
    return HOME + rng.normal(0, 0.1, (len(t), 7))


def jumps(t, rng, phase):
    return np.tile(HOME + rng.uniform(-2, 2, 7), (len(t), 1))


def square(t, rng, phase):
    return HOME + rng.uniform(0, 3) * np.sign(np.sin(6 * t + phase))[:, None] * np.ones(7)


def beyond(t, rng, phase):
    return HOME + 1e3 * np.sign(rng.uniform(-1, 1, 7)) * np.ones((len(t), 1))


def ramp_out(t, rng, phase):
    return HOME + np.cos(phase + np.arange(7)) * (t - t[0] + phase)[:, None] * rng.uniform(0, 4)


def huge(t, rng, phase):
    return np.full((len(t), 7), 1e300 * np.sign(np.cos(phase)))


def nans(t, rng, phase):
    q = sine(t, rng, phase)
    q[rng.integers(len(t)), rng.integers(7)] = rng.choice([np.nan, np.inf, -np.inf])
    return q


KINDS = (sine, noisy_sine, noise, jumps, square, beyond, ramp_out, huge, nans)


def drive(make_bench, seed: int, *, limits: str = "fr3_rectangular", seconds: float = 2.5) -> None:
    """Run one stream and check it."""
    rng = np.random.default_rng(seed)
    bench = make_bench(limits=named(limits), transport=int(rng.integers(0, 18)) * 1_000_000)
    bench.start()
    latency, jitter = rng.uniform(0, 0.6), rng.uniform(0, 0.15)
    interval, drops = rng.uniform(0.02, 0.4), rng.uniform(0, 0.5)
    mixed, kind, phase = rng.random() < 0.5, KINDS[rng.integers(len(KINDS))], rng.uniform(0, 6)
    horizon = int(rng.integers(3, 24))
    begin, sequence, last_action = bench.now, 0, 0
    while bench.now < begin + seconds * NS:
        bench.run(bench.now + int(max(0.005, interval + jitter * rng.normal()) * NS))
        if rng.random() < drops:
            continue
        if mixed:
            kind = KINDS[rng.integers(len(KINDS))]
        age = abs(latency + jitter * rng.normal())
        stamp = bench.now - int(age * NS)
        times = (stamp - begin) / NS + PERIOD * np.arange(horizon)
        sequence += 1
        if not bench.send(stamp, kind(times, rng, phase), sequence=sequence):
            last_action = stamp + round(PERIOD * NS) * (horizon - 1)
    resting = max(last_action, bench.now) + NS // 2
    bench.run(resting)
    at_rest = bench.controller.sample(np.array([resting]))[0]
    assert not np.any(at_rest[1:]), "not at rest 0.5 s after the last valid action"
    bench.run(resting + NS // 10)
    bench.assert_inside_limits()
    bench.assert_smooth_seams()


@pytest.mark.parametrize("seed", range(120))
def test_stream_stays_inside_limits_and_comes_to_rest(make_bench, seed):
    drive(make_bench, seed)


@pytest.mark.parametrize("limits", ["fr3_position_dependent", "panda"])
@pytest.mark.parametrize("seed", range(20))
def test_stream_keeps_to_other_limit_sets(make_bench, seed, limits):
    drive(make_bench, seed, limits=limits)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("hundred", range(10))
def test_thousand_streams(make_bench, hundred):
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        drive(make_bench, seed, limits=("fr3_rectangular", "fr3_position_dependent")[seed % 2])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cause=st.sampled_from(["stop", "end", "silence"]))
def test_stop_at_any_time_is_smooth(make_bench, seed, cause):
    rng = np.random.default_rng(seed)
    bench = make_bench()
    bench.start()
    kind = KINDS[rng.integers(len(KINDS) - 2)]
    for sequence in range(1, 1 + int(rng.integers(1, 12))):
        bench.run(bench.now + int(rng.uniform(0.02, 0.3) * NS))
        stamp = bench.now - int(rng.uniform(0, 0.3) * NS)
        times = stamp / NS - 1000 + PERIOD * np.arange(16)
        bench.send(stamp, kind(times, rng, 1.0), sequence=sequence)
    if cause == "stop":
        assert bench.executor.stop("because")
    elif cause == "end":
        assert bench.executor.end_task("task") == (True, "")
    moved_on = bench.now
    bench.run(bench.now + 4 * NS)
    expected = {"stop": Mode.STOPPED, "end": Mode.IDLE, "silence": Mode.STOPPED}[cause]
    assert bench.executor.modes.mode is expected
    if cause != "silence":
        still = bench.controller.sample(np.array([moved_on + NS]))[0]
        assert not np.any(still[1:]), "not at rest within 1 s of the stop"
    bench.assert_inside_limits()
    bench.assert_smooth_seams()
