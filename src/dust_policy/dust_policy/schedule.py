"""How many vision steps the next chunk takes: as many as there is time for.

    observation          now         chunk leaves   takes effect        actions run out
        |--- age ---------|--- sampling ---|---- lead ----|---- margin ------|
                                           `- surge: how much longer sampling may take than
                                              predicted before the arm would come to rest

From many steps to few: N_o = q N_A for q = 16, 8, 4, 2, 1, then policy mode (N_o = 0), then nothing
at all: work that would come too late for anything is not begun, and the arm comes to rest.
Going down is immediate, going up takes patience.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_Q = 16
"""Most vision steps per action step that are chosen."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a schedule has to keep to. Times in s.

    Attributes:
        span: From a chunk's first action to its last.
        reach: Latest time after its observation at which a chunk is still of use.
        comfort: The same for chunks with q > 1: up to then a chunk goes on in the best way.
        interval: Between two observations.
        margin: Kept free before the actions run out.
        surge: How many times longer than predicted a chunk with q > 1 may take. Range: >= 1.
        patience: Consecutive chunks for which more steps must have fitted. Range: >= 1.
        spare: How many times longer more steps may take and still fit before they are taken.
    """

    span: float
    reach: float
    comfort: float
    interval: float
    margin: float = 0.02
    surge: float = 4.0
    patience: int = 5
    spare: float = 1.2


@dataclass(frozen=True, slots=True)
class Budget:
    """The time at hand. Unit: s.

    Attributes:
        age: Since the observation was taken.
        remaining: Until the executor's actions run out; infinite when the arm is at rest, because
            then nothing can run out.
        lead: From a chunk's publication until the arm follows it.
    """

    age: float
    remaining: float
    lead: float

    @property
    def at_rest(self) -> bool:
        """Whether no actions are being executed."""
        return math.isinf(self.remaining)


def ladder(
    action_steps: int,
    bound: int,
    *,
    predicts_vision: bool = True,
    joint_noise: bool = False,
) -> tuple[int, ...]:
    """Return the vision steps that may be chosen, few first.

    Args:
        action_steps: N_A. Range: >= 1.
        bound: Largest N_o.
        predicts_vision: Whether the head has vision steps at all.
        joint_noise: Whether the head learned with one noise level: N_o = N_A only.
    """
    if not predicts_vision:
        return (0,)
    if joint_noise:
        return (action_steps,)
    doubled = (action_steps * 2**power for power in range(LARGEST_Q.bit_length()))
    return (0, *(steps for steps in doubled if steps <= bound))


Predict = Callable[[int], float]
"""Vision steps -> time that a chunk takes, s."""


class Schedule:
    """Choose chunk by chunk. Not safe for threads.

    Attributes:
        held: Observations that nothing was sampled from, because it would have come too late.
    """

    def __init__(self, rungs: tuple[int, ...], action_steps: int, rules: Rules) -> None:
        """Begin without a choice.

        Args:
            rungs: Vision steps to choose from, few first; see `ladder`.
            action_steps: N_A.
            rules: What to keep to.
        """
        self._rungs = rungs
        self._action_steps = action_steps
        self._rules = rules
        self._rung: int | None = None
        self._waited = 0
        self.held = 0

    def choose(self, budget: Budget, predict: Predict, *, hope: float) -> int | None:
        """Return the vision steps of the next chunk; None: better none.

        Args:
            budget: The time at hand.
            predict: Returns how long a chunk with so many vision steps will take, seldom longer.
                Unit: s.
            hope: How long the quickest chunk takes if things go well. Unit: s.
        """
        if not budget.at_rest and self._is_late(budget, hope):
            self._rung, self._waited = 0, 0
            self.held += 1
            return None
        best = self._best(budget, predict, 1.0)
        if self._rung is None or best <= self._rung:
            self._rung, self._waited = best, 0
        else:
            self._wait_for_more(budget, predict)
        return self._rungs[self._rung]

    def _best(self, budget: Budget, predict: Predict, spare: float) -> int:
        """Return the highest rung that fits; the lowest one if none does."""
        floor = predict(self._rungs[0])
        for index in range(len(self._rungs) - 1, 0, -1):
            steps = self._rungs[index]
            if self._fits(steps, budget, predict(steps) * spare, floor):
                return index
        return 0

    def _fits(self, steps: int, budget: Budget, duration: float, floor: float) -> bool:
        if self._is_late(budget, duration):
            return False
        rules = self._rules
        late = budget.lead + rules.margin
        if steps <= self._action_steps:
            return duration + late <= budget.remaining
        if budget.age + duration + budget.lead > rules.comfort:
            return False
        # Who takes more than the fewest answers for it: this chunk has to be there in time, and
        # the next one too if it is a quick one, even when a load sets in right now.
        after = rules.span - budget.age - rules.interval - late - floor * rules.surge
        return duration * rules.surge <= min(budget.remaining - late, after)

    def _is_late(self, budget: Budget, duration: float) -> bool:
        return budget.age + duration + budget.lead > self._rules.reach

    def _wait_for_more(self, budget: Budget, predict: Predict) -> None:
        """Go one rung up when it would have fitted with something to spare for a while."""
        assert self._rung is not None
        if self._best(budget, predict, self._rules.spare) <= self._rung:
            self._waited = 0
            return
        self._waited += 1
        if self._waited >= self._rules.patience:
            self._rung, self._waited = self._rung + 1, 0
