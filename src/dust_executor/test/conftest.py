"""A controller that follows what the executor publishes, and streams of chunks to try it with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from dust_executor.chunk import ChunkRules
from dust_executor.core import Executor
from dust_executor.limits import Limits, named
from dust_executor.quintic import NS
from dust_executor.settings import Settings
from dust_executor.watchdog import JointState

NAMES = tuple(f"fr3_joint{index}" for index in range(1, 8))
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
PERIOD = 1 / 15
MS = 1_000_000


def make_message(stamp: int, actions: np.ndarray, *, sequence: int = 1, **changes):
    """Return something with the fields of an ActionChunk."""
    fields = {
        "header": SimpleNamespace(stamp=SimpleNamespace(sec=stamp // NS, nanosec=stamp % NS)),
        "source": "test",
        "task_id": "task",
        "sequence": sequence,
        "period": PERIOD,
        "joint_names": list(NAMES),
        "positions": np.asarray(actions, dtype=float).ravel().tolist(),
        "gripper": [1.0] * len(actions),
        "prefix": 0,
        "conditioning": 0,
    }
    return SimpleNamespace(**{**fields, **changes})


def quintic_rows(times: np.ndarray, states: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Evaluate as the JTC does, by its own textbook formula (not the package's); [N, 4, J]."""
    last = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    t = ((at - times[last]) * 1e-9)[:, None]
    span = ((times[last + 1] - times[last]) * 1e-9)[:, None]
    (p0, v0, a0), (p1, v1, a1) = (np.moveaxis(states[last + shift], 1, 0) for shift in (0, 1))
    c3 = (-20 * p0 + 20 * p1 - (12 * v0 + 8 * v1) * span - (3 * a0 - a1) * span**2) / (2 * span**3)
    c4 = (30 * p0 - 30 * p1 + (16 * v0 + 14 * v1) * span + (3 * a0 - 2 * a1) * span**2) / (
        2 * span**4
    )
    c5 = (-12 * p0 + 12 * p1 - (6 * v0 + 6 * v1) * span - (a0 - a1) * span**2) / (2 * span**5)
    rows = [
        p0 + v0 * t + a0 / 2 * t**2 + c3 * t**3 + c4 * t**4 + c5 * t**5,
        v0 + a0 * t + 3 * c3 * t**2 + 4 * c4 * t**3 + 5 * c5 * t**4,
        a0 + 6 * c3 * t + 12 * c4 * t**2 + 20 * c5 * t**3,
        6 * c3 + 24 * c4 * t + 60 * c5 * t**2,
    ]
    rows = np.stack(rows, axis=1)
    rows[at >= times[-1]] = 0.0
    rows[at >= times[-1], 0] = states[-1, 0]
    return rows


@dataclass
class Controller:
    """Follows published trajectories at 1 kHz by the rules of the joint trajectory controller."""

    position: np.ndarray
    now: int
    rows: list[np.ndarray] = field(default_factory=list)
    seams: list[np.ndarray] = field(default_factory=list)
    trajectory: tuple[np.ndarray, np.ndarray] | None = None

    def __post_init__(self) -> None:
        self.rest = np.zeros((1, 3, len(self.position)))
        self.rest[0, 0] = self.position

    def advance(self, until: int) -> None:
        """Sample at 1 kHz up to `until` (ns)."""
        at = np.arange(self.now, until, MS)
        self.now += len(at) * MS
        if len(at):
            self.rows.append(self.sample(at))

    def sample(self, at: np.ndarray) -> np.ndarray:
        """Return position, velocity, acceleration, jerk [N, 4, J] at times [N]."""
        if self.trajectory is None:
            rows = np.zeros((len(at), 4, len(self.position)))
            rows[:, 0] = self.position
            return rows
        return quintic_rows(*self.trajectory, at)

    def accept(self, times: np.ndarray, states: np.ndarray) -> None:
        """Replace the trajectory at once, as a message that arrives now does."""
        assert np.all(np.diff(times) > 0)
        assert np.all(np.isfinite(states))
        assert not np.any(states[-1, 1:])
        assert times[-1] >= self.now
        at = np.array([self.now])
        before = self.sample(at)
        if times[0] > self.now:
            # First point ahead: from the last command.
            times = np.append(self.now, times)
            states = np.concatenate([before[:, :3], states])
        self.trajectory = (times, states)
        self.seams.append(self.sample(at)[0, :3] - before[0, :3])

    def history(self) -> np.ndarray:
        """Return all samples [N, 4, J]."""
        return np.concatenate(self.rows)


class Bench:
    """An executor, a controller and the time between them."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        transport: int | Callable[[], int] = 8 * MS,
        work: Callable[[], int] | None = None,
        feedback: bool = False,
        **options,
    ) -> None:
        self.now = 1000 * NS
        self.feedback = feedback
        self.transport = transport
        self.controller = Controller(HOME.copy(), self.now)
        self.under_way: list[tuple[int, np.ndarray, np.ndarray]] = []
        self.published = 0
        self.limits = limits or named("fr3_rectangular")
        settings = Settings(self.limits, ChunkRules(NAMES), **options)
        self.executor = Executor(settings, clock=lambda: self.now, publish=self._publish)
        if work is not None:
            self._take_time(work)
        self.see()

    def _take_time(self, work: Callable[[], int]) -> None:
        splice = self.executor.planner.splice

        def slow(*args, **options):
            result = splice(*args, **options)
            self.now += work()
            return result

        self.executor.planner.splice = slow

    def _publish(self, times: np.ndarray, states: np.ndarray) -> None:
        self.published += 1
        delay = self.transport() if callable(self.transport) else self.transport
        # A topic keeps the order.
        earliest = self.under_way[-1][0] if self.under_way else 0
        arrival = max(self.now + delay, earliest)
        self.under_way.append((arrival, times.copy(), states.copy()))

    def see(self) -> None:
        """Measure the arm: it follows its command exactly."""
        row = self.controller.sample(np.array([self.now]))[0]
        if self.feedback:
            self.executor.reference(self.now, row[0])
        self.executor.joints(JointState(self.now, self.now, row[0], row[1], 1.0))

    def run(self, until: int, *, watch: bool = True) -> None:
        """Let time pass in ticks of 30 ms."""
        while self.now < until:
            self.now = min(until, self.now + 30 * MS)
            while self.under_way and self.under_way[0][0] <= self.now:
                arrival, times, states = self.under_way.pop(0)
                self.controller.advance(arrival)
                self.controller.accept(times, states)
            self.controller.advance(self.now)
            if watch:
                self.see()
                self.executor.tick()

    def start(self) -> None:
        """Begin the task that `make_message` names."""
        assert self.executor.start_task("task", "test") == (True, "")

    def send(self, stamp: int, actions: np.ndarray, *, sequence: int, **changes) -> str:
        """Hand in a chunk; returns why it was rejected."""
        message = make_message(stamp, actions, sequence=sequence, **changes)
        return self.executor.chunk(message)

    def assert_inside_limits(self) -> None:
        """Check what the arm was told at 1 kHz, by the derivatives and by differences."""
        rows, limits = self.controller.history(), self.limits
        assert np.all(rows[:, 0] >= limits.lower - 1e-9)
        assert np.all(rows[:, 0] <= limits.upper + 1e-9)
        low, high = limits.velocity_bounds(rows[:, 0])
        assert np.all(rows[:, 1] >= low - 1e-6)
        assert np.all(rows[:, 1] <= high + 1e-6)
        assert np.all(np.abs(rows[:, 2]) <= limits.acceleration)
        assert np.all(np.abs(rows[:, 3]) <= limits.jerk)
        jerk = np.diff(rows[:, 0], n=3, axis=0) * 1e9
        assert np.all(np.abs(jerk) <= limits.jerk)

    def assert_smooth_seams(self) -> None:
        """Check that no message moved the command: q, v and a continuous to rounding."""
        seams = np.abs(np.array(self.controller.seams)).max(axis=(0, 2))
        assert np.all(seams < (1e-9, 1e-7, 1e-5)), seams


@pytest.fixture(scope="session")
def make_chunk_message() -> Callable:
    return make_message


@pytest.fixture(scope="session")
def make_bench() -> type[Bench]:
    return Bench
