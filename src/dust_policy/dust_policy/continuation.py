"""How a chunk goes on from what the executor has promised: which way, and for whom it is fit."""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Continuation(StrEnum):
    """Values of the parameter `continuation`."""

    NONE = "none"
    PREFIX = "prefix"
    GUIDED = "guided"
    BLEND = "blend"
    AUTO = "auto"


class Kind(IntEnum):
    """How one chunk was conditioned: constants of dust_msgs/ActionChunk."""

    FREE = 0
    PREFIX = 1
    GUIDED = 2
    BLENDED = 3


KINDS = {
    Continuation.NONE: Kind.FREE,
    Continuation.PREFIX: Kind.PREFIX,
    Continuation.GUIDED: Kind.GUIDED,
    Continuation.BLEND: Kind.BLENDED,
}
"""Kind of a chunk that has something to go on from."""


class Way(NamedTuple):
    """How chunks go on with one checkpoint.

    Attributes:
        kind: Kind of a chunk that has something to go on from.
        limit: Most actions that it may take as given.
        otherwise: Kind of a chunk that would need more than that; None: it stays what it is, and
            comes too late.
        remark: What a user should know about that; empty: nothing.
    """

    kind: Kind
    limit: int
    otherwise: Kind | None = None
    remark: str = ""


def choose_way(wanted: Continuation, *, learned: int, prefix_limit: int, horizon: int) -> Way:
    """Decide how chunks go on.

    Args:
        wanted: The parameter.
        learned: How many committed actions the checkpoint was trained to go on from; 0: none, or
            it does not say.
        prefix_limit: Longest prefix that the user allows. Range: >= 1.
        horizon: Actions in a chunk.
    """
    otherwise = None
    if wanted is Continuation.AUTO:
        # Where nothing was learned of them, promises only pull a chunk away from what is seen.
        wanted = Continuation.PREFIX if learned else Continuation.NONE
        otherwise = Kind.BLENDED if learned else None
    if wanted is not Continuation.PREFIX:
        # The last two stay free, or the executor would have nothing new to follow.
        return Way(KINDS[wanted], max(0, horizon - 2))
    if not learned:
        remark = (
            "continuation is prefix, but the checkpoint does not say that it was trained with one "
            "(noise.prefix_max): blend and guided need no training"
        )
        return Way(Kind.PREFIX, min(prefix_limit, horizon - 1), remark=remark)
    return Way(Kind.PREFIX, min(prefix_limit, learned), otherwise)
