"""Batched colours against those of single pictures."""

import numpy as np
import pytest
import torch

from dust_model.data.augment import Augmentation, Draw
from dust_model.pretraining.colours import draw_colours, jitter

RGB = np.random.default_rng(0).integers(60, 190, size=(8, 9, 3)).astype(np.uint8)


def batch():
    planes = torch.from_numpy(RGB).permute(2, 0, 1).float() / 127.5 - 1
    return planes[None, None].repeat(2, 2, 1, 1, 1)


def changed(**values):
    neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    row = list((neutral | values).values())
    result = jitter(batch(), np.array([row, [1, 1, 1, 0]], np.float32))
    return ((result + 1) * 127.5).numpy()


def test_nothing_changes_without_a_change():
    np.testing.assert_allclose(changed()[1, 1].transpose(1, 2, 0), RGB, atol=1e-3)


@pytest.mark.parametrize("values", [{"brightness": 1.25}, {"contrast": 0.7}, {"saturation": 0.6}])
def test_each_change_is_that_of_single_pictures(values):
    neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    draw = Draw(place=(0.5, 0.5), order=(0, 1, 2, 3), **(neutral | values))
    expected = draw.colour(RGB)
    for view in range(2):
        found = changed(**values)[0, view].transpose(1, 2, 0)
        np.testing.assert_allclose(found, expected, atol=1.0)


def test_hue_turns_colours_and_leaves_grey():
    grey = torch.zeros(1, 1, 3, 4, 4)
    turn = np.array([[1, 1, 1, 0.08]], np.float32)
    torch.testing.assert_close(jitter(grey, turn), grey, atol=1e-3, rtol=0)
    red = torch.tensor([0.8, -0.8, -0.8]).reshape(1, 1, 3, 1, 1)
    after = jitter(red, turn).flatten()
    assert after.argmax() == 0
    assert abs(float(after[1] - after[2])) > 0.2


def test_draws_keep_to_the_amounts():
    drawn = draw_colours(Augmentation(hue=0.05), np.random.default_rng(0), 500)
    assert drawn.shape == (500, 4)
    assert np.abs(drawn[:, :3] - 1).max(0) == pytest.approx((0.3, 0.4, 0.5), rel=0.02)
    assert np.abs(drawn[:, 3]).max() == pytest.approx(0.05, rel=0.02)
