import pytest
import torch

from dust_model.config import Architecture
from dust_model.levels import NoiseLevels
from dust_model.stream import Condition


@pytest.fixture(params=Architecture)
def levels(request, micro, build_head):
    return NoiseLevels(build_head(micro(architecture=request.param)))


def flat(condition: Condition):
    """Return every tensor of a condition, a vector as one that holds for one token."""
    norms = (*(n for half in condition.halves for n in half), *condition.blocks, condition.output)
    parts = [part for norm in norms for part in norm if part is not None]
    return [part if part.ndim == 3 else part[None, None] for part in parts]


def test_prefix_condition_mixes_two_levels_token_by_token(levels):
    mixed, clock = levels.action(0.25, clean=torch.arange(16)[:, None] < 3)
    current, current_clock = levels.action(0.25)
    clean, clean_clock = levels.action(1.0)
    for mix, now, end in zip(flat(mixed), flat(current), flat(clean), strict=True):
        assert torch.equal(mix[:, :1], now)
        assert torch.equal(mix[:, 1:4], end.expand(-1, 3, -1))
        assert torch.equal(mix[:, 4:], now.expand(-1, 13, -1))
    assert torch.equal(clock[:, :3], clean_clock.expand(-1, 3, -1))
    assert torch.equal(clock[:, 3:], current_clock.expand(-1, 13, -1))


def test_a_level_is_worked_out_once(levels):
    assert levels.vision(0.5) is levels.vision(0.5)
    first, again = (levels.action(0.5)[0] for _ in range(2))
    assert first is again
    assert levels.vision(0.25) is not levels.vision(0.5)
