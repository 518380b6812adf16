"""Why an episode is not converted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Gate(StrEnum):
    """The check that an episode did not pass."""

    BAG = "bag"
    """The bag is missing, cut off or no bag."""
    MISSING = "missing"
    """A topic is not in the bag, or has no message."""
    MAPPING = "mapping"
    """What a topic holds is not what the mapping says."""
    EPISODE = "episode"
    """The bag does not hold exactly one whole episode."""
    OUTCOME = "outcome"
    """The demonstration did not end as wanted."""
    FLAGGED = "flagged"
    """The recorder saw a fault while it recorded."""
    CLOCK = "clock"
    """Stamps jump."""
    GAP = "gap"
    """A topic is silent for too long, or begins too late or ends too early."""
    SKEW = "skew"
    """The cameras' images were taken too far apart."""
    IMAGE = "image"
    """An image can't be decoded or has another size than the others."""
    LENGTH = "length"
    """Too little is left."""


class EpisodeFault(ValueError):  # noqa: N818  a finding about data, as dust_model's LeftOut
    """An episode does not pass a gate; one clear line."""

    def __init__(self, gate: Gate, text: str) -> None:
        super().__init__(text)
        self.gate = gate


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A bag that was left out.

    Attributes:
        bag: name of the bag.
        gate: the check it did not pass.
        reason: the finding in words.
    """

    bag: str
    gate: Gate
    reason: str

    def __str__(self) -> str:
        return f"{self.bag}: {self.reason}"
