"""Which demonstrations there are to be: a function of the settings alone."""

from __future__ import annotations

import numpy as np

from dust_demos.collection.settings import OBJECTS, TASKS, CollectionSettings
from dust_eval.trial import TrialSpec

_STREAM = 5  # the cell draws from 1 to 4 for the same trial
_TWO = 0.4  # share of the scenes with distractors that have two


def plan(settings: CollectionSettings) -> tuple[TrialSpec, ...]:
    """Return the demonstrations in the order in which they are taken.

    Tasks take turns, so that what is there so far is balanced whenever one stops. A demonstration
    does not depend on how many others there are: to ask for more later only adds some.
    """
    return tuple(
        _demonstration(settings, task, index)
        for index in range(settings.per_task)
        for task in settings.tasks
    )


def _demonstration(settings: CollectionSettings, task: str, index: int) -> TrialSpec:
    # Shifted from task to task, so that a few demonstrations show all objects.
    turn = index + TASKS.index(task)
    name = settings.objects[turn % len(settings.objects)]
    seed = settings.seed_from + index
    return TrialSpec(task, name, seed, _distractors(settings, task, name, seed))


def _distractors(settings: CollectionSettings, task: str, name: str, seed: int) -> tuple[str, ...]:
    random = np.random.default_rng([seed, TASKS.index(task), OBJECTS.index(name), _STREAM])
    share, pair = random.random(2)
    others = [other for other in OBJECTS if other != name]
    chosen = random.permutation(others)[: 2 if pair < _TWO else 1]
    return tuple(str(other) for other in chosen) if share < settings.distractors else ()
