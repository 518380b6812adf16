"""Seeds of everything that is drawn for a trial: one stream each, so that none disturbs another."""

from __future__ import annotations

from enum import IntEnum

from dust_sim.objects import OBJECTS
from dust_sim.tasks import TASKS


class Stream(IntEnum):
    """What is drawn beside the placement itself, which has the stream without a number."""

    DISTRACTORS = 1
    LOOK = 2
    POSTURE = 3
    DETOURS = 4
    ASTRAY = 6  # 5 is dust-collect's


def trial_seed(task: str, object_name: str, seed: int, stream: Stream | None = None) -> list[int]:
    """Answer the seed of a stream of a trial, as ``numpy.random.default_rng`` takes it.

    Args:
        task: name of a task.
        object_name: name of an object.
        seed: of the trial, >= 0.
        stream: what is to be drawn; none: the placement.
    """
    key = [seed, list(TASKS).index(task), list(OBJECTS).index(object_name)]
    return key if stream is None else [*key, int(stream)]
