"""Random streams of chunks: whatever comes, the arm stays inside its limits and comes to rest."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.limits import SETS, named
from dust_executor.merge import Merge, MergeSettings, PrefixLate
from dust_executor.modes import Mode
from dust_executor.workspace import WorkspaceSettings
from dust_node.fr3_kinematics import hand_motion

NS = 1_000_000_000
MS = 1_000_000
PERIOD = 1 / 15
STEP = round(PERIOD * NS)
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


BOX = WorkspaceSettings(True, (0.1, -0.6, 0.1), (0.8, 0.6, 0.9), 1.0)
# What a broken or malicious sender may write into a field.
WRONG = (
    {"positions": [0.0] * 7},
    {"positions": []},
    {"gripper": [0.5] * 1_000_000},
    {"gripper": [float("nan")] * 16},
    {"period": float("inf")},
    {"period": 0.005},
    {"joint_names": ["left"] * 7},
    {"task_id": "other"},
    {"source": "intruder"},
    {"prefix": 65535},
    {"conditioning": 9},
    {"sequence": 0},
    {"sequence": 1},
)


@dataclass(frozen=True)
class Stream:
    """What kind of stream of chunks the executor gets; probabilities are for each chunk."""

    seed: int
    merge: Merge = Merge.AUTO
    limits: str = "fr3_rectangular"
    prefix_late: PrefixLate = PrefixLate.DROP
    latency: float = 0.2
    jitter: float = 0.05
    interval: float = 0.15
    transport: int = 50
    work: int = 20
    horizon: int = 16
    drops: float = 0.1
    duplicates: float = 0.1
    swaps: float = 0.1
    wrong: float = 0.1
    prefixed: float = 0.5
    mixed: bool = True
    paused: bool = False
    boxed: bool = False

    @classmethod
    def random(cls, seed: int, **fixed) -> "Stream":
        rng = np.random.default_rng(seed)
        chosen = {
            "limits": str(rng.choice(SETS)),
            "prefix_late": PrefixLate(str(rng.choice(list(PrefixLate)))),
            "latency": rng.uniform(0, 0.6),
            "jitter": rng.uniform(0, 0.15),
            "interval": rng.uniform(0.02, 0.4),
            "transport": int(rng.integers(0, 51)),
            "work": int(rng.integers(0, 31)),
            "horizon": int(rng.integers(3, 24)),
            "drops": rng.uniform(0, 0.5),
            "prefixed": float(rng.choice([0.0, 0.5, 1.0])),
            "mixed": bool(rng.random() < 0.5),
            "paused": bool(rng.random() < 0.2),
            "boxed": bool(rng.random() < 0.1),
        }
        return cls(seed, **{**chosen, **fixed})


@dataclass
class Sender:
    """Sends one stream; remembers when the last action of the newest accepted chunk is due."""

    stream: Stream
    bench: object
    begin: int
    rng: np.random.Generator
    sequence: int = 0
    last_action: int = 0
    held: dict | None = None
    plans: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind, self.phase = KINDS[self.rng.integers(len(KINDS))], self.rng.uniform(0, 6)

    def step(self) -> None:
        """Send, keep back, repeat or spoil the next chunk."""
        stream, rng = self.stream, self.rng
        self.plans.append((self.bench.now, self.bench.executor.plan))
        if rng.random() < stream.drops:
            return
        chunk = self.chunk()
        if rng.random() < stream.wrong:
            chunk |= WRONG[rng.integers(len(WRONG))]
        if rng.random() < stream.swaps and self.held is None:
            self.held = chunk
            return
        self.send(chunk)
        if self.held is not None:
            self.send(self.held)
            self.held = None
        if rng.random() < stream.duplicates:
            self.send(chunk)

    def chunk(self) -> dict:
        stream, rng = self.stream, self.rng
        if stream.mixed:
            self.kind = KINDS[rng.integers(len(KINDS))]
        age = abs(stream.latency + stream.jitter * rng.normal())
        stamp = self.bench.now - int(age * NS)
        due = stamp + STEP * np.arange(stream.horizon)
        actions = self.kind((due - self.begin) / NS, rng, self.phase)
        self.sequence += 1
        chunk = {"stamp": stamp, "actions": actions, "sequence": self.sequence}
        if rng.random() < stream.prefixed:
            chunk |= self.prefix(stamp, due, actions)
        return chunk

    def prefix(self, stamp: int, due: np.ndarray, actions: np.ndarray) -> dict:
        """Begin with what was promised when the observation was taken."""
        known = [plan for at, plan in self.plans if at <= stamp] or [self.bench.executor.plan]
        expected = self.stream.latency + 0.1 + self.rng.normal() * 0.05
        count = min(int(max(0.0, expected) / PERIOD) + 1, 7, len(due))
        actions[:count] = known[-1].sample(due[:count])[:, 0]
        return {"prefix": count, "conditioning": 1}

    def send(self, chunk: dict) -> None:
        changes = dict(chunk)
        stamp, actions = changes.pop("stamp"), changes.pop("actions")
        sequence = changes.pop("sequence")
        if not self.bench.send(stamp, actions, sequence=sequence, **changes):
            self.last_action = self.bench.executor.plan.action_end


def drive(make_bench, stream: Stream, *, seconds: float = 2.5) -> Counter:
    """Run one stream and check it; returns what the executor counted."""
    rng = np.random.default_rng(stream.seed)
    bench = make_bench(
        limits=named(stream.limits),
        transport=lambda: int(rng.integers(0, stream.transport * MS + 1)),
        work=lambda: int(rng.integers(0, stream.work * MS + 1)),
        merge=MergeSettings(merge=stream.merge, prefix_late=stream.prefix_late),
        **({"workspace": BOX} if stream.boxed else {}),
    )
    bench.start()
    sender = Sender(stream, bench, bench.now, rng)
    while bench.now < sender.begin + seconds * NS:
        pause = max(0.005, stream.interval + stream.jitter * rng.normal())
        bench.run(bench.now + int(pause * NS))
        if stream.paused and rng.random() < 0.2:
            (bench.executor.resume if rng.random() < 0.5 else bench.executor.pause)()
        sender.step()
    resting = max(sender.last_action, bench.now) + NS // 2
    bench.run(resting)
    at_rest = bench.controller.sample(np.array([resting]))[0]
    assert not np.any(at_rest[1:]), "not at rest 0.5 s after the last valid action"
    bench.run(resting + NS // 10)
    check(bench, boxed=stream.boxed)
    ledger = bench.executor.ledger
    return Counter(
        streams=1,
        accepted=ledger.accepted,
        rejected=ledger.rejected,
        clamped=ledger.clamped,
        limited=ledger.limited,
        late=ledger.late,
        samples=len(bench.controller.history()),
    )


def check(bench, *, boxed: bool) -> None:
    bench.assert_inside_limits()
    bench.assert_smooth_seams()
    assert bench.executor.ledger.late == 0
    if boxed:
        rows = bench.controller.history()
        position, velocity = hand_motion(rows[:, 0], rows[:, 1])
        assert np.all((position >= BOX.lower) & (position <= BOX.upper))
        assert np.linalg.norm(velocity, axis=-1).max() <= BOX.speed


@pytest.mark.parametrize("merge", Merge)
@pytest.mark.parametrize("seed", range(10))
def test_stream_stays_inside_limits_and_comes_to_rest(make_bench, seed, merge):
    drive(make_bench, Stream.random(seed, merge=merge))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("number", "merge"), list(enumerate(Merge)))
def test_thousand_streams(make_bench, number, merge):
    total = Counter()
    for seed in range(1000 + 200 * number, 1200 + 200 * number):
        total += drive(make_bench, Stream.random(seed, merge=merge))
    assert total["accepted"] > 500
    print(merge, dict(total))


shares = st.floats(0, 1)
streams = st.builds(
    Stream,
    seed=st.integers(0, 2**32 - 1),
    merge=st.sampled_from(Merge),
    limits=st.sampled_from(SETS),
    prefix_late=st.sampled_from(PrefixLate),
    latency=st.floats(0, 0.6),
    jitter=st.floats(0, 0.15),
    interval=st.floats(0.02, 0.4),
    transport=st.integers(0, 50),
    work=st.integers(0, 60),
    horizon=st.integers(1, 24),
    drops=shares,
    duplicates=shares,
    swaps=shares,
    wrong=shares,
    prefixed=shares,
    mixed=st.booleans(),
    paused=st.booleans(),
    boxed=st.booleans(),
)


@settings(max_examples=12, deadline=None)
@given(stream=streams)
def test_no_stream_is_a_counterexample(make_bench, stream):
    drive(make_bench, stream, seconds=1.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=1000, deadline=None)
@given(stream=streams)
def test_no_stream_is_a_counterexample_among_a_thousand(make_bench, stream):
    drive(make_bench, stream)


@settings(max_examples=12, deadline=None)
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
