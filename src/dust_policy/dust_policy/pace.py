"""The denoising steps of each chunk: fixed, or by the time that there is."""

from collections.abc import Callable
from dataclasses import dataclass

from dust_policy.clock_rate import ClockRate
from dust_policy.sampler import Steps
from dust_policy.schedule import Budget, Rules, Schedule, ladder
from dust_policy.step_times import Cost, StepTimes


@dataclass(frozen=True, slots=True)
class Powers:
    """What a head can do.

    Attributes:
        predicts_vision: Whether it has vision steps at all.
        joint_noise: Whether it learned with one noise level: N_o = N_A only.
    """

    predicts_vision: bool = True
    joint_noise: bool = False

    def fit(self, wanted: Steps) -> Steps:
        """Return what the head makes of the steps that are wanted: none of vision without one."""
        return wanted if self.predicts_vision else Steps(wanted.action, 0)


class Pace:
    """Decide on the steps of the next chunk and learn from how long it took. One thread only.

    Attributes:
        times: What sampling takes, by the wall clock.
        rate: How fast the node's clock goes, by which observations and actions are due.
    """

    def __init__(
        self,
        steps: Callable[[], Steps],
        rules: Rules,
        powers: Powers,
        *,
        auto: bool,
        expected: float = -1.0,
    ) -> None:
        """Set up for one checkpoint.

        Args:
            steps: Returns the steps that the user wants now; in `auto`, vision's are the most.
            rules: What to keep to.
            powers: What the head can do.
            auto: Take as many vision steps as there is time for; else always those wanted, as far
                as the head can.
            expected: How long sampling takes by the node's clock; negative: as measured. Unit: s.
        """
        self._steps = steps
        self._rules = rules
        self._powers = powers
        self._auto = auto
        self._expected = expected
        self._wanted: Steps | None = None
        self._schedule: Schedule | None = None
        self.times = StepTimes()
        self.rate = ClockRate()

    @property
    def held(self) -> int:
        """Observations that nothing was sampled from, because it would have come too late."""
        return self._schedule.held if self._schedule else 0

    def begin(self) -> None:
        """Begin a task."""
        self._schedule = None

    def choices(self) -> tuple[Steps, ...]:
        """Return all steps that may be chosen, few first."""
        wanted = self._steps()
        if not self._auto:
            return (self._powers.fit(wanted),)
        return tuple(Steps(wanted.action, vision) for vision in self._rungs(wanted))

    def choose(self, budget: Budget, *, continued: bool) -> Steps | None:
        """Return the steps of the next chunk; None: better none.

        Args:
            budget: The time at hand.
            continued: Whether the chunk goes on from a plan.
        """
        wanted = self._steps()
        if not self._auto:
            return self._powers.fit(wanted)
        if self._schedule is None or wanted != self._wanted:
            self._schedule = Schedule(self._rungs(wanted), wanted.action, self._rules)
            self._wanted = wanted
        quickest = Cost(wanted.action, self._rungs(wanted)[0], continued)
        vision = self._schedule.choose(
            budget,
            lambda steps: self.predict(Cost(wanted.action, steps, continued)),
            hope=self.rate.of(self.times.hope(quickest)),
        )
        return None if vision is None else Steps(wanted.action, vision)

    def predict(self, cost: Cost) -> float:
        """Return how long a chunk will take by the node's clock, seldom longer. Unit: s."""
        if self._expected >= 0:
            return self._expected
        return self.rate.of(self.times.predict(cost))

    def _rungs(self, wanted: Steps) -> tuple[int, ...]:
        return ladder(
            wanted.action,
            wanted.vision,
            predicts_vision=self._powers.predicts_vision,
            joint_noise=self._powers.joint_noise,
        )
