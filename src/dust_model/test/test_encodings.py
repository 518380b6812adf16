import math

import pytest
import torch

from dust_model.encodings import TimestepEmbedding, buckets, grid_sines, sines, square_side


def test_buckets_are_clamped_to_0_999():
    tau = torch.tensor([-0.001, 0.0, 0.0004, 0.25, 0.5, 0.9999, 1.0, 1.5])
    assert buckets(tau, 1000).tolist() == [0, 0, 0, 250, 500, 999, 999, 999]


def test_sines_are_sines_then_cosines():
    encoded = sines(torch.tensor([3]), 8)[0]
    rates = [1e4 ** (-i / 4) for i in range(4)]
    expected = [math.sin(3 * r) for r in rates] + [math.cos(3 * r) for r in rates]
    torch.testing.assert_close(encoded, torch.tensor(expected))


def test_grid_encodes_row_and_column_apart():
    grid = grid_sines(4, 16).reshape(4, 4, 16)
    assert (grid[:, :1, :8] == grid[:, :, :8]).all()
    assert (grid[:1, :, 8:] == grid[:, :, 8:]).all()
    assert len({tuple(cell.tolist()) for cell in grid.reshape(16, 16)}) == 16
    torch.testing.assert_close(grid[2, 1, :8], sines(torch.tensor(2), 8))


def test_world_tokens_must_be_square():
    assert square_side(64) == 8
    with pytest.raises(ValueError, match="must form a square, got 60"):
        square_side(60)


def test_timestep_embedding_is_groots():
    """Sinusoid of the bucket: cosines first, exponent / (half - 1); Linear, SiLU, Linear, SiLU."""
    torch.manual_seed(0)
    module = TimestepEmbedding(32, buckets=1000)
    rates = torch.exp(-math.log(10000) * torch.arange(128) / 127)
    encoding = torch.cat(((310 * rates).cos(), (310 * rates).sin()))
    silu = torch.nn.functional.silu
    expected = silu(module.linear_2(silu(module.linear_1(encoding))))
    torch.testing.assert_close(module(torch.tensor(0.3105)), expected, atol=1e-5, rtol=1e-5)


def test_each_tau_has_its_own_embedding():
    torch.manual_seed(0)
    embedded = TimestepEmbedding(16, buckets=1000)(torch.tensor([[0.0, 0.5], [0.5, 1.0]]))
    assert embedded.shape == (2, 2, 16)
    torch.testing.assert_close(embedded[0, 1], embedded[1, 0])
    assert (embedded[0, 0] - embedded[1, 1]).abs().max() > 1e-3
