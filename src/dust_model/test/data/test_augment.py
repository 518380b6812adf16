import colorsys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dust_model.data.augment import Augmentation, shift_hue
from dust_model.transform import ImageTransform

STILL = Augmentation(crop=False, brightness=0, contrast=0, saturation=0, hue=0)


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_the_same_seed_draws_the_same():
    augmentation = Augmentation()
    assert augmentation.draw(7) == augmentation.draw(7)
    assert augmentation.draw(7) != augmentation.draw(8)


def test_no_augmentation_is_inference():
    draw = STILL.draw(3)
    image = noise(50, 70, 3)
    transform = ImageTransform(28)
    np.testing.assert_array_equal(
        draw.colour(transform.resize(image, place=draw.place)), transform.resize(image)
    )


@given(room=st.integers(1, 60), place=st.floats(0, 1))
def test_the_crop_stays_inside_and_reaches_both_ends(room, place):
    size = room * 20  # the crop keeps 0.95 of it
    ramp = np.repeat(np.arange(size) % 251, 3).reshape(1, size, 3).astype(np.uint8)
    transform = ImageTransform(8)
    for where in (0.0, place, 1.0):
        start = round(where * room)
        crop = transform.resize(ramp, place=(0.5, where))
        kept = min(
            np.abs(crop.astype(int) - transform_of(ramp[:, s : s + size - room])).max()
            for s in range(max(0, start - 1), min(room, start + 1) + 1)
        )
        assert kept == 0


def transform_of(crop):
    wide = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(wide, (8, 8), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy().astype(int)


def test_draws_cover_their_ranges():
    draws = [Augmentation().draw(seed) for seed in range(400)]
    for name, middle, limit in (
        ("brightness", 1, 0.3),
        ("contrast", 1, 0.4),
        ("saturation", 1, 0.5),
        ("hue", 0, 0.08),
    ):
        shifts = np.array([getattr(draw, name) - middle for draw in draws]) / limit
        assert -1 <= shifts.min() < -0.95
        assert 0.95 < shifts.max() <= 1
        assert abs(shifts.mean()) < 0.1
    places = np.array([draw.place for draw in draws])
    assert places.min() < 0.02
    assert places.max() > 0.98
    assert len({draw.order for draw in draws}) == 24


@pytest.mark.parametrize("turns", [-0.5, -0.08, 0.0, 0.03, 0.31])
def test_hue_turns_as_colorsys_says(turns):
    image = noise(6, 7, 3)
    image[0, 0] = image[0, 1] = 90  # grey has no hue
    image[1, 0] = 0
    rgb = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)
    turned = shift_hue(rgb, turns).permute(1, 2, 0).numpy()
    for y, x in np.ndindex(6, 7):
        h, s, v = colorsys.rgb_to_hsv(*(image[y, x] / 255))
        expected = colorsys.hsv_to_rgb((h + turns) % 1, s, v)
        np.testing.assert_allclose(turned[y, x], expected, atol=1e-5)


def test_single_steps_do_what_they_say():
    image = noise(9, 9, 3)
    plain = STILL.draw(0)
    dark = replace(plain, brightness=0.5).colour(image)
    np.testing.assert_allclose(dark, image / 2, atol=0.51)
    grey = replace(plain, saturation=0.0).colour(image)
    weights = image @ np.array((0.299, 0.587, 0.114))
    np.testing.assert_allclose(grey, np.repeat(weights[..., None], 3, -1), atol=0.51)
    flat = replace(plain, contrast=0.0).colour(image)
    np.testing.assert_allclose(flat, weights.mean(), atol=0.51)


def test_the_order_of_the_steps_counts():
    image = noise(9, 9, 3)
    draw = replace(STILL.draw(0), brightness=1.3, contrast=0.6)
    first = replace(draw, order=(0, 1, 2, 3)).colour(image)
    last = replace(draw, order=(1, 0, 2, 3)).colour(image)
    assert (first != last).any()


def test_wrong_amounts_are_refused():
    with pytest.raises(ValueError, match=r"contrast must lie in \[0, 1\], got 2"):
        Augmentation(contrast=2)
    with pytest.raises(ValueError, match=r"hue must lie in \[0, 0.5\], got 0.7"):
        Augmentation(hue=0.7)
