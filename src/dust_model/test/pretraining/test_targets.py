"""Targets: what crops show, against the labels of whole pictures."""

import numpy as np
import pytest
import torch

from dust_model.pretraining.targets import targets_of

SIZE, SIDE, PATCHES = 56, 59, 4


def made(folder, corners, numbers=range(6)):
    rows = np.array(numbers)
    labels = {name: values[rows] for name, values in folder.labels.items()}
    corners = np.broadcast_to(np.array(corners), (len(rows), 2))
    return targets_of(folder.facts, labels, corners, size=SIZE, side=SIDE, grid=PATCHES), labels


def test_shares_of_classes_sum_to_one_and_fit_the_map(folder):
    targets, labels = made(folder, (1, 1))
    assert targets.fractions.shape == (6, 2, 16, 5)
    torch.testing.assert_close(targets.fractions.sum(-1), torch.ones(6, 2, 16))
    for body in range(5):
        expected = (labels["classes"] == body).mean(axis=(2, 3))
        found = targets.fractions[..., body].mean(2).numpy()
        np.testing.assert_allclose(found, expected, atol=0.06)


def test_a_body_lies_where_patches_show_it(folder):
    targets, _ = made(folder, (1, 1), range(24))
    line = (torch.arange(PATCHES) + 0.5) / PATCHES
    centres = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).flatten(0, 1)
    shares = targets.fractions[..., 2]
    middle = (shares[..., None] * centres).sum(2) / shares.sum(2).clamp(min=1e-6)[..., None]
    shown = targets.visible[:, 1]
    assert shown.sum() > 10
    assert (middle - targets.place[:, 1])[shown].abs().max() < 0.15


@pytest.mark.parametrize("corner", [(0, 0), (3, 1), (2, 3)])
def test_places_move_with_the_crop(folder, corner):
    targets, labels = made(folder, corner)
    row, column = corner
    pixels = targets.place[:, 0].numpy() * SIZE + (column, row)
    np.testing.assert_allclose(pixels, labels["place"][:, 0] * SIDE, atol=1e-4)


def test_what_is_absent_counts_nowhere(folder):
    targets, labels = made(folder, (1, 1), range(24))
    absent = ~torch.from_numpy(labels["present"])
    assert absent.any()
    assert not targets.visible[absent].any()
    assert not targets.known[absent].any()
    assert not targets.graspable[absent].any()
    for name in ("place", "position", "in_hand", "grasp", "seen", "depth"):
        assert torch.isfinite(getattr(targets, name)).all()


def test_grasps_repeat_with_their_period(folder):
    targets, labels = made(folder, (1, 1))
    before = targets.grasp.clone()
    labels["grasp"] = labels["grasp"] + np.array([3.0, 1.5, 0, 0])
    corners = np.ones((6, 2), int)
    after = targets_of(folder.facts, labels, corners, size=SIZE, side=SIDE, grid=PATCHES).grasp
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)
    angle = 2 * np.pi / 3 * (labels["grasp"][0, 0] - 0.3)
    expected = torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float32)
    torch.testing.assert_close(before[0, 0, 0], expected, atol=1e-4, rtol=0)


def test_what_is_held_is_known_though_nobody_sees_it(folder):
    labels = {name: values[:2].copy() for name, values in folder.labels.items()}
    labels["seen"][:, 0] = 0.0
    labels["held"][:] = (0, -1)
    corners = np.ones((2, 2), int)
    targets = targets_of(folder.facts, labels, corners, size=SIZE, side=SIDE, grid=PATCHES)
    assert targets.known[:, 0].tolist() == [True, False]
    assert targets.held.tolist() == [0, -1]
