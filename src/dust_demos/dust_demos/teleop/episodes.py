"""Demonstrations as the operator marks them: pure data."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from dust_demos.teleop.controls import Button


class Outcome(IntEnum):
    """Values of dust_msgs/Episode.outcome."""

    UNKNOWN = 0
    SUCCESS = 1
    HALF = 2
    FAILURE = 3
    DISCARDED = 4


MARKS = {
    Button.SUCCESS: Outcome.SUCCESS,
    Button.FAILURE: Outcome.FAILURE,
    Button.DISCARD: Outcome.DISCARDED,
    Button.END: None,
}
"""What a button says of the episode that it ends; None: nothing."""

JUDGED = {0: Outcome.FAILURE, 1: Outcome.HALF, 2: Outcome.SUCCESS}
"""Outcome for each value of dust_msgs/JudgeCell.outcome."""


@dataclass(frozen=True, slots=True)
class Running:
    """An episode that runs.

    Attributes:
        episode_id: Its unique name.
        instruction: What is being shown, in words.
    """

    episode_id: str
    instruction: str


def episode_name(now: datetime, what: str, number: int) -> str:
    """Return a unique name that sorts by time.

    Args:
        now: Wall time.
        what: What it shows, in one word; may be empty.
        number: How many the program has begun before.
    """
    parts = [now.strftime("%Y%m%d-%H%M%S"), f"{number:03d}", what]
    return "-".join(part for part in parts if part)
