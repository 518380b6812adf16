"""Who does which trial when: interleaved, in an order that nobody can guess.

configurations   1 2 3 | 4 5 6 | 7 8 9       blocks of three
drivers           B A  |  A B  |  B A        order drawn for each block from the seed
turns            1 2 3 1 2 3 | 4 5 6 4 5 6 | ...
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dust_eval.trial import TrialSpec


@dataclass(frozen=True, slots=True)
class Turn:
    """One trial in the order in which they are carried out.

    Attributes:
        number: Place in the order, from 1.
        spec: What is tried.
        driver: Index of who drives.
    """

    number: int
    spec: TrialSpec
    driver: int

    @property
    def episode_id(self) -> str:
        """Name of the trial's episode and folder; it tells nobody who drives."""
        return f"trial-{self.number:04d}"


def plan_turns(specs: Sequence[TrialSpec], drivers: int, *, block: int, seed: int) -> list[Turn]:
    """Return all turns: every driver does every trial once.

    Args:
        specs: Trials in order.
        drivers: How many drivers there are. Range: >= 1.
        block: How many trials a driver does before the next one has its turn at the same ones.
            Range: >= 1.
        seed: Decides the order of the drivers within each block.

    Raises:
        ValueError: `drivers` or `block` is out of range.
    """
    if drivers < 1 or block < 1:
        raise ValueError(f"drivers and block must be >= 1, got {drivers} and {block}")
    random = np.random.default_rng(seed)
    pairs = [
        (spec, int(driver))
        for start in range(0, len(specs), block)
        for driver in random.permutation(drivers)
        for spec in specs[start : start + block]
    ]
    return [Turn(number, spec, driver) for number, (spec, driver) in enumerate(pairs, start=1)]


def blind_labels(drivers: int, *, seed: int) -> list[str]:
    """Return a label for each driver, A, B, ..., given out by chance.

    Raises:
        ValueError: There are more drivers than letters.
    """
    if drivers > len(string.ascii_uppercase):
        raise ValueError(f"{drivers} drivers are more than can be told apart by a letter")
    # Another stream than the order's: the first of a block says nothing about its letter.
    order = np.random.default_rng([seed, 1]).permutation(drivers)
    return [string.ascii_uppercase[int(place)] for place in order]
