"""The tower's heads and losses."""

import numpy as np
import pytest
import torch

from dust_model.pretraining.targets import targets_of
from dust_model.pretraining.tower import TowerHeads, mean_where, soft_l1, tower_losses

SIZES = {"grid": 4, "views": 2, "classes": 5, "bodies": 4}


@pytest.fixture
def targets(folder):
    labels = {name: values[:6] for name, values in folder.labels.items()}
    corners = np.ones((6, 2), int)
    return targets_of(folder.facts, labels, corners, size=56, side=59, grid=4)


def perfect(targets):
    """Return what heads would read that knew everything."""
    shares = targets.fractions[..., 1:]
    attention = torch.log(shares / shares.sum(2, keepdim=True).clamp(min=1e-6) + 1e-9)
    return {
        "classes": torch.log(targets.fractions + 1e-9),
        "attention": attention,
        "place": targets.place,
        "depth": targets.depth,
        "grasp": targets.grasp,
    }


def test_the_truth_has_the_least_loss(targets):
    truth = perfect(targets)
    best = tower_losses(truth, targets)
    for name in ("place", "depth", "grasp"):
        assert float(best[name]) == 0.0
    for name, values in truth.items():
        worse = tower_losses(truth | {name: values + 0.1 * torch.randn_like(values)}, targets)
        assert worse[name] > best[name]


def test_a_read_place_is_where_attention_lies():
    heads = TowerHeads(8, **SIZES)
    with torch.no_grad():
        for layer in (heads.attention, heads.values):
            layer.weight.zero_()
            layer.bias.zero_()
        heads.attention.weight[:, 0] = 50.0
    patches = torch.zeros(1, 2, 16, 8)
    patches[0, 0, 6, 0] = patches[0, 1, 15, 0] = 1.0
    place = heads(patches)["place"]
    torch.testing.assert_close(place[0, :, 0], torch.tensor([0.625, 0.375]).expand(4, 2))
    torch.testing.assert_close(place[0, :, 1], torch.tensor([0.875, 0.875]).expand(4, 2))


def test_each_view_has_readings_of_its_own():
    heads = TowerHeads(8, **SIZES)
    patches = torch.randn(1, 1, 16, 8).repeat(1, 2, 1, 1)
    read = heads(patches)
    assert not torch.allclose(read["place"][:, :, 0], read["place"][:, :, 1])
    assert torch.equal(read["classes"][:, 0], read["classes"][:, 1])


def test_every_head_learns(targets):
    heads = TowerHeads(8, **SIZES)
    sum(tower_losses(heads(torch.randn(6, 2, 16, 8)), targets).values()).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in heads.parameters())


def test_errors_grow_slower_the_larger_they_are():
    errors = torch.tensor([0.0, 0.01, 0.02, 0.2, 2.0])
    values = soft_l1(errors, 0.02)
    assert values[0] == 0
    assert (values.diff() > 0).all()
    assert values[4] < 15


def test_a_mean_over_nothing_is_zero():
    assert mean_where(torch.ones(3), torch.zeros(3, dtype=torch.bool)) == 0
    assert mean_where(torch.tensor([1.0, 5.0]), torch.tensor([False, True])) == 5
