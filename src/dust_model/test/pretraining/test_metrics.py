"""Metrics of answers that are known to be right or wrong."""

import numpy as np
import pytest
import torch

from dust_model.pretraining.answers import Named
from dust_model.pretraining.metrics import _by_distance, _degrees, _right, _summary
from dust_model.pretraining.targets import targets_of


@pytest.fixture
def targets(folder):
    labels = {name: values for name, values in folder.labels.items()}
    corners = np.ones((24, 2), int)
    return targets_of(folder.facts, labels, corners, size=56, side=59, grid=4)


def test_the_right_object_is_the_nearest_of_its_kind(targets):
    things = torch.tensor([[0, 1]]).repeat(24, 1)
    both = targets.known[:, 0] & targets.known[:, 1]
    right = _right(targets.position[:, :2], things, targets, targets.graspable)
    assert len(right) == 2 * int(both.sum())
    assert right.mean() == 1.0
    swapped = _right(targets.position[:, [1, 0]], things, targets, targets.graspable)
    assert swapped.mean() == 0.0


def test_targets_compete_with_containers_only(targets):
    goals = torch.full((24, 1), 3)
    near = targets.position[:, 3:4] + 0.001
    containers = targets.present & ~targets.graspable
    right = _right(near, goals, targets, containers)
    assert right.mean() == 1.0
    assert len(right) == int((targets.known[:, 2] & targets.known[:, 3]).sum())


def test_directions_err_the_short_way_round():
    def direction(degrees):
        angle = torch.deg2rad(torch.tensor(degrees))
        return torch.stack([angle.cos(), angle.sin()], dim=-1)

    read, wanted = direction([10.0, 170.0, 0.0]), direction([350.0, -170.0, 180.0])
    assert _degrees(2 * read, wanted).tolist() == pytest.approx([20.0, 20.0, 180.0], abs=1e-3)


def test_errors_are_told_apart_by_distance_and_not_of_what_is_held(targets):
    named = Named.of(targets, torch.zeros((24, 1), dtype=torch.long))
    away = named.in_hand.norm(dim=-1)
    counts = named.known & ~named.held
    rows = {}
    _by_distance(rows, "thing/{}", away, named)
    assert sum(len(parts[0]) for parts in rows.values()) == int(counts.sum())
    assert all(values.max() < 0.1 for values in rows["thing/near"] if len(values))
    assert all(values.min() >= 0.25 for values in rows["thing/far"] if len(values))
    none = {}
    _by_distance(none, "thing/{}", away, named, torch.zeros_like(named.known))
    assert sum(len(parts[0]) for parts in none.values()) == 0


def test_summaries_are_medians_quantiles_and_shares():
    rows = {
        "a_cm": [np.arange(50.0), np.arange(50.0, 101.0)],
        "share/right": [np.array([1.0, 0.0, 1.0, 1.0])],
        "none_cm": [np.array([])],
    }
    assert _summary(rows) == {"a_cm/median": 50.0, "a_cm/p90": 90.0, "right": 0.75}
