"""Guided attention: the loss is least where the last tokens look at what is named."""

import numpy as np
import pytest
import torch

from dust_model.pretraining.guide import guide_loss, guided_layer
from dust_model.pretraining.packing import TAIL, Packed
from dust_model.pretraining.targets import targets_of

GROUPS = torch.tensor([[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]])
LENGTH, VIEWS = 20, 2


@pytest.fixture
def scene(folder):
    """Return targets of pictures with both objects, packed rows, and who is named."""
    rows = np.flatnonzero(folder.labels["present"][:, 1])[:5]
    labels = {name: values[rows] for name, values in folder.labels.items()}
    corners = np.ones((5, 2), int)
    targets = targets_of(folder.facts, labels, corners, size=56, side=59, grid=4)
    packed = Packed(
        ids=torch.zeros(5, LENGTH, dtype=torch.int64),
        places=torch.zeros(5, LENGTH, dtype=torch.int64),
        sees=torch.zeros(5, 1, LENGTH, LENGTH),
        tails=torch.stack([torch.arange(10, 15), torch.arange(15, 20)]).expand(5, 2, TAIL),
        images=torch.arange(1, 1 + VIEWS * 4),
    )
    things = torch.tensor([[0, 1]] * 5)
    return targets, packed, things, torch.full((5, 2), 3)


def perfect(targets, packed, things, goals, heads=4):
    """Return attention that lies on what is named, as far as anybody sees it."""
    attention = torch.full((5, heads, LENGTH, LENGTH), 1e-4)
    for head in range(heads):
        bodies, view = ((things, goals)[head // 2], head % 2)
        for row in range(5):
            for prompt in range(2):
                shares = targets.fractions[row, view, :, 1 + bodies[row, prompt]][GROUPS].mean(1)
                keys = packed.images[4 * view : 4 * view + 4]
                for query in packed.tails[row, prompt]:
                    attention[row, head, query, keys] = shares / shares.sum().clamp(min=1e-6) + 1e-6
    return attention


def test_looking_at_what_is_named_costs_least(scene):
    targets, packed, things, goals = scene
    best = perfect(targets, packed, things, goals)
    least = guide_loss(best, packed, targets, things, goals, GROUPS)
    other = perfect(targets, packed, 1 - things, goals)
    assert guide_loss(other, packed, targets, things, goals, GROUPS) > least + 0.3
    swapped = best[:, [1, 0, 3, 2]]
    assert guide_loss(swapped, packed, targets, things, goals, GROUPS) > least + 0.3
    even = torch.full_like(best, 1 / LENGTH)
    expected = torch.log(torch.tensor(float(LENGTH)))
    torch.testing.assert_close(guide_loss(even, packed, targets, things, goals, GROUPS), expected)


def test_a_model_with_few_heads_is_guided_with_what_it_has(scene):
    targets, packed, things, goals = scene
    best = perfect(targets, packed, things, goals)
    some = guide_loss(best[:, :1], packed, targets, things, goals, GROUPS)
    assert torch.isfinite(some)
    more = torch.cat([best, torch.rand_like(best)], dim=1)
    torch.testing.assert_close(
        guide_loss(more, packed, targets, things, goals, GROUPS),
        guide_loss(best, packed, targets, things, goals, GROUPS),
    )


def test_what_nobody_sees_guides_nobody(scene):
    targets, packed, things, goals = scene
    targets.fractions[..., 1:] = 0.0
    attention = torch.rand(5, 4, LENGTH, LENGTH)
    assert guide_loss(attention, packed, targets, things, goals, GROUPS) == 0.0


def test_the_last_layer_but_one_is_guided():
    assert [guided_layer(count) for count in (1, 2, 4, 12)] == [0, 0, 2, 10]
