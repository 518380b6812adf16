import pytest
import torch

from dust_model.data.collate import Batch
from dust_model.training.source import JoinedSources, rows


class Numbers:
    """A source whose samples are (name, episode, moment)."""

    def __init__(self, name, lengths):
        self.name, self.lengths = name, lengths

    def read(self, episode, start, stop):
        return [(self.name, episode, moment) for moment in range(start, stop)]


def test_joined_sources_are_behind_each_other():
    joined = JoinedSources([Numbers("a", (3, 2)), Numbers("b", (4,))])
    assert joined.lengths == (3, 2, 4)
    assert joined.read(1, 0, 2) == [("a", 1, 0), ("a", 1, 1)]
    assert joined.read(2, 1, 3) == [("b", 0, 1), ("b", 0, 2)]
    with pytest.raises(IndexError, match="episode 3 of 3"):
        joined.read(3, 0, 1)


@pytest.mark.parametrize("future", [None, torch.arange(4.0)])
def test_rows_of_a_batch(future):
    batch = Batch(
        views_pixels=torch.arange(4.0),
        instructions=list("abcd"),
        state=torch.arange(4.0),
        actions=torch.arange(4.0),
        action_mask=torch.ones(4, dtype=torch.bool),
        future_pixels=future,
        embodiment=torch.arange(4),
        keys=list("wxyz"),
    )
    part = rows(batch, slice(1, 3))
    assert (part.instructions, part.keys) == (["b", "c"], ["x", "y"])
    assert part.state.tolist() == [1, 2]
    assert part.future_pixels is None if future is None else part.future_pixels.tolist() == [1, 2]
