"""Which way chunks go on with a checkpoint."""

import pytest

from dust_msgs.msg import ActionChunk
from dust_policy.continuation import Continuation, Kind, Way, choose_way


def way(wanted: str, learned: int, limit: int = 7) -> Way:
    """Choose for a horizon of 16."""
    return choose_way(Continuation(wanted), learned=learned, prefix_limit=limit, horizon=16)


@pytest.mark.parametrize(
    ("wanted", "learned", "kind", "limit", "otherwise"),
    [
        ("auto", 0, Kind.FREE, 14, None),
        ("auto", 5, Kind.PREFIX, 5, Kind.BLENDED),
        ("auto", 12, Kind.PREFIX, 7, Kind.BLENDED),
        ("prefix", 3, Kind.PREFIX, 3, None),
        ("guided", 5, Kind.GUIDED, 14, None),
        ("blend", 5, Kind.BLENDED, 14, None),
        ("none", 5, Kind.FREE, 14, None),
    ],
)
def test_kind_and_limit(
    wanted: str, learned: int, kind: Kind, limit: int, otherwise: Kind | None
) -> None:
    assert way(wanted, learned) == (kind, limit, otherwise, "")


def test_a_prefix_that_was_not_learned_is_remarked() -> None:
    chosen = way("prefix", 0)
    assert (chosen.kind, chosen.limit) == (Kind.PREFIX, 7)
    assert "does not say that it was trained with one" in chosen.remark


def test_kinds_are_those_of_the_message() -> None:
    assert [kind.value for kind in Kind] == [
        ActionChunk.FREE,
        ActionChunk.PREFIX,
        ActionChunk.GUIDED,
        ActionChunk.BLENDED,
    ]
