"""Readings of the features and their losses."""

import numpy as np
import pytest
import torch

from dust_model.pretraining.answers import (
    AnswerHeads,
    Named,
    answer_losses,
    image_loss,
    name_loss,
    waves_of,
)
from dust_model.pretraining.targets import targets_of

THINGS = torch.tensor([[0, 1], [0, 0], [1, 0]])


@pytest.fixture
def targets(folder):
    rows = np.flatnonzero(folder.labels["present"][:, 1])[:3]
    labels = {name: values[rows] for name, values in folder.labels.items()}
    corners = np.ones((3, 2), int)
    return targets_of(folder.facts, labels, corners, size=56, side=59, grid=4)


def perfect(named):
    """Return a reading that knows everything, from two tokens."""

    def both(values):
        return values[:, :, None].expand(-1, -1, 2, *values.shape[2:]).clone()

    return {
        "place": both(named.place),
        "seen": both(named.seen),
        "position": both(named.position),
        "in_hand": both(named.in_hand),
        "position_waves": both(waves_of(named.position)),
        "in_hand_waves": both(waves_of(named.in_hand)),
        "grasp": both(named.grasp),
        "held": both(100.0 * (2.0 * named.held[..., None].float() - 1.0)),
    }


def test_named_bodies_are_picked(targets):
    named = Named.of(targets, THINGS)
    for row in range(3):
        for place in range(2):
            body = THINGS[row, place]
            assert torch.equal(named.position[row, place], targets.position[row, body])
            assert torch.equal(named.grasp[row, place], targets.grasp[row, body])
    targets.held[:] = torch.tensor([1, 0, -1])
    assert Named.of(targets, THINGS).held.tolist() == [[False, True], [True, True], [False] * 2]


def test_the_truth_costs_nothing(targets):
    named = Named.of(targets, THINGS)
    best = answer_losses(perfect(named), named)
    assert max(float(value) for value in best.values()) < 1e-6
    for name in ("place", "position", "in_hand", "grasp", "seen"):
        reading = perfect(named)
        reading[name] = reading[name] + 0.05
        assert answer_losses(reading, named)[name] > 0.01


def test_another_object_costs_more(targets):
    right, wrong = Named.of(targets, THINGS), Named.of(targets, 1 - THINGS)
    reading = perfect(right)
    assert sum(answer_losses(reading, wrong).values()) > 1


def test_errors_near_the_hand_weigh_more(targets):
    named = Named.of(targets, THINGS)
    losses = []
    for away in (0.02, 0.4):
        moved = named._replace(in_hand=torch.full_like(named.in_hand, away))
        reading = perfect(moved)
        reading["in_hand"] = reading["in_hand"] + 0.01
        losses.append(float(answer_losses(reading, moved)["in_hand"]))
    assert losses[0] > 1.5 * losses[1]


def test_every_head_learns(targets):
    heads = AnswerHeads(16, views=2, classes=5, bodies=4, merged=4)
    reading = heads(torch.randn(3, 2, 5, 16))
    loss = sum(answer_losses(reading["thing"], Named.of(targets, THINGS)).values())
    loss += sum(answer_losses(reading["goal"], Named.of(targets, 2 + 0 * THINGS)).values())
    loss += sum(name_loss(reading[name], THINGS) for name in ("thing", "goal"))
    groups = torch.arange(16).reshape(4, 4)
    image = heads.image_classes(torch.randn(3, 8, 16))
    (loss + image_loss(image, targets.fractions, groups)).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in heads.parameters())


def test_image_tokens_answer_for_their_own_patches(targets):
    groups = torch.tensor([[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]])
    truth = torch.log(targets.fractions[:, :, groups].flatten(1, 2) + 1e-9)
    best = image_loss(truth, targets.fractions, groups)
    assert image_loss(truth.flip(1), targets.fractions, groups) > best
    entropy = -(targets.fractions * torch.log(targets.fractions + 1e-9)).sum(-1).mean()
    torch.testing.assert_close(best, entropy, atol=1e-4, rtol=1e-4)


def test_a_name_is_asked_of_every_token():
    logits = torch.full((3, 2, 5, 4), -30.0)
    for row in range(3):
        for prompt in range(2):
            logits[row, prompt, :, THINGS[row, prompt]] = 30.0
    assert name_loss({"name": logits}, THINGS) < 1e-6
    logits[0, 0, 2] = logits[0, 0, 2].roll(1)
    assert name_loss({"name": logits}, THINGS) > 1
