"""How long sampling takes with so many denoising steps, learned while it runs.

Two things are kept apart, because they change for different reasons:

- what each number of steps costs on this machine when nothing disturbs it: the shortest time seen;
- how much slower everything is at the moment: a high quantile over the last chunks, whatever their
  steps. So a load that slows chunks of 4 steps is known to slow those of 64 too, and it is known
  again when the load has gone.
"""

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What a chunk's time depends on.

    Attributes:
        action_steps: N_A. Range: >= 1.
        vision_steps: N_o; 0: vision held at noise.
        continued: Whether the chunk goes on from a plan, which may need gradients.
    """

    action_steps: int
    vision_steps: int
    continued: bool = False

    @property
    def evaluations(self) -> int:
        """How often the network is evaluated."""
        return max(self.action_steps, self.vision_steps)


class StepTimes:
    """Predict the time of a chunk. Not safe for threads."""

    def __init__(self, *, quantile: float = 0.9, window: int = 20) -> None:
        """Begin without any knowledge.

        Args:
            quantile: Of the slowness that is reckoned with. Range: 0 to 1.
            window: How many chunks make up the present.
        """
        self._quantile = quantile
        self._shortest: dict[Cost, float] = {}
        self._slowness: deque[float] = deque(maxlen=window)

    @property
    def slowness(self) -> float:
        """How much longer things take at the moment than undisturbed: 1 or more."""
        if not self._slowness:
            return 1.0
        ranked = sorted(self._slowness)
        return ranked[math.ceil(self._quantile * (len(ranked) - 1))]

    @property
    def relief(self) -> float:
        """How much longer things take at the moment if it goes well: the best of the last three."""
        return min(list(self._slowness)[-3:], default=1.0)

    def learn(self, cost: Cost, duration: float) -> None:
        """Note how long a chunk took (s) that says nothing about the present: a rehearsal."""
        self._shortest[cost] = min(duration, self._shortest.get(cost, math.inf))

    def add(self, cost: Cost, duration: float) -> None:
        """Note how long a chunk took (s).

        The first of its kind says nothing about the present: it may have had to be recorded.
        """
        is_first = cost not in self._shortest
        self.learn(cost, duration)
        if is_first:
            return
        undisturbed = self.undisturbed(cost)
        # Clocks of a simulation stand still between two ticks: a chunk may take no time at all.
        self._slowness.append(duration / undisturbed if undisturbed > 0 else 1.0)

    def undisturbed(self, cost: Cost) -> float:
        """Return how long a chunk takes at best (s); 0 when nothing is known.

        More evaluations take longer, but no longer than in proportion: each measured number of
        steps bounds all others, so that none has to be tried to be known a little.
        """
        known = [other for other in self._shortest if other.continued == cost.continued]
        known = known or list(self._shortest)
        return min((self._bound(other, cost) for other in known), default=0.0)

    def predict(self, cost: Cost) -> float:
        """Return how long a chunk will take, seldom longer (s); 0 when nothing is known."""
        return self.undisturbed(cost) * self.slowness

    def hope(self, cost: Cost) -> float:
        """Return how long a chunk may take if things go well (s); 0 when nothing is known."""
        return self.undisturbed(cost) * self.relief

    def _bound(self, known: Cost, asked: Cost) -> float:
        return self._shortest[known] * max(1.0, asked.evaluations / known.evaluations)
