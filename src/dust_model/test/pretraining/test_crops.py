"""Crops against the transform that inference uses."""

import numpy as np
import pytest

from dust_model.pretraining import crops as module
from dust_model.pretraining.crops import Crops, decode, side_of, squeeze
from dust_model.pretraining.folder import PictureFolder
from dust_model.transform import ImageTransform


def gradient(height, width):
    """Return an image with smooth colours, so that a shift of half a pixel changes little."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = rows / height, columns / width, (rows + columns) / (height + width)
    return (255 * np.stack(planes, axis=-1)).astype(np.uint8)


# A side of 59 has no middle place for 56 pixels: half a pixel is missing there.
@pytest.mark.parametrize(("size", "most"), [(112, 2), (56, 4)])
def test_the_middle_crop_is_what_inference_sees(size, most):
    image = gradient(180, 320)
    side = side_of(size)
    whole = squeeze(image, side)
    begin = (side - size) // 2
    crop = whole[begin : begin + size, begin : begin + size]
    expected = ImageTransform(size).resize(image)
    assert np.abs(crop.astype(int) - expected).max() <= most


def test_crops_are_windows_of_the_pictures(folder):
    crops = Crops(folder, 56)
    assert (crops.room, crops.centre) == (3, 1)
    numbers = np.array([0, 7, 23])
    corners = np.array([[0, 0], [3, 1], [2, 3]])
    taken = crops.take(numbers, corners)
    assert taken.shape == (3, 2, 56, 56, 3)
    whole = squeeze(decode(folder.files(1)[1][1]), crops.side)
    np.testing.assert_array_equal(taken[1, 1], whole[3:59, 1:57])


def test_pictures_are_decoded_once(write_pictures, tmp_path, monkeypatch):
    folder = PictureFolder.open(write_pictures(tmp_path / "once"))
    Crops(folder, 56)
    missing = tmp_path / "once" / "squeezed-59" / "000002.npy"
    before = missing.read_bytes()
    missing.unlink()
    decoded = []
    monkeypatch.setattr(module, "decode", lambda file: decoded.append(file) or decode(file))
    Crops(folder, 56)
    assert len(decoded) == 12
    assert missing.read_bytes() == before


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match="can't be decoded"):
        decode(b"nothing")
