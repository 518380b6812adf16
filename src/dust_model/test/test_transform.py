import numpy as np
import pytest
import torch

from dust_model.transform import ImageTransform

TRANSFORM = ImageTransform(112)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(360, 640), (112, 112), (37, 91), (1, 1)])
def test_any_size_and_channels_become_a_square(size, channels):
    image = np.full((*size, channels), 77, np.uint8)
    resized = TRANSFORM.resize(image)
    assert resized.shape == (112, 112, channels)
    assert resized.dtype == np.uint8
    assert (resized == 77).all()


def test_the_border_is_cropped_away():
    image = np.zeros((400, 600, 3), np.uint8)
    image[:10] = image[-10:] = 255
    image[:, :15] = image[:, -15:] = 255
    assert TRANSFORM.resize(image).max() == 0


def test_what_is_inside_the_crop_is_kept():
    image = np.zeros((400, 600, 3), np.uint8)
    image[:11] = 255
    assert TRANSFORM.resize(image)[0].max() > 0


def test_shrinking_averages_instead_of_picking():
    stripes = np.zeros((1000, 1000, 1), np.uint8)
    stripes[:, ::2] = 200
    resized = TRANSFORM.resize(stripes)
    assert abs(int(resized.max()) - 100) <= 8
    assert abs(int(resized.min()) - 100) <= 8


def test_channels_are_resized_alike():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 4), dtype=np.uint8)
    together = TRANSFORM.resize(image)
    apart = [TRANSFORM.resize(image[..., i : i + 1])[..., 0] for i in range(4)]
    assert np.abs(together.astype(int) - np.stack(apart, -1).astype(int)).max() <= 1


def test_a_strided_view_is_the_same_image():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 4), dtype=np.uint8)
    padded = np.zeros((90, 130, 4), np.uint8)
    padded[:, :120] = image
    np.testing.assert_array_equal(TRANSFORM.resize(padded[:, :120]), TRANSFORM.resize(image))


def test_normalise_centres_and_reorders():
    rgb = np.zeros((112, 112, 3), np.uint8)
    rgb[..., 1] = 255
    rgb[3, 5, 2] = 51
    pixels = TRANSFORM.normalise(rgb)
    assert pixels.shape == (3, 112, 112)
    assert pixels.dtype == torch.float32
    assert pixels[0].unique().tolist() == [-1.0]
    assert pixels[1].unique().tolist() == [1.0]
    assert pixels[2, 3, 5].item() == pytest.approx((51 / 255 - 0.5) / 0.5, abs=1e-6)


def test_wrong_images_are_refused():
    with pytest.raises(
        ValueError, match=r"image must be uint8 \[H, W, C\], got float64 \[4, 4, 3\]"
    ):
        TRANSFORM.resize(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match=r"image must be uint8 \[H, W, C\], got uint8 \[4, 4\]"):
        TRANSFORM.resize(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"rgb must have shape \(112, 112, 3\)"):
        TRANSFORM.normalise(np.zeros((112, 112, 4), np.uint8))
