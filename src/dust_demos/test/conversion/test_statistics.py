import numpy as np
import pytest

from dust_demos.conversion.statistics import QUANTILES, ColourCounts, of_columns, sampled
from dust_model.data.measure import MEASURES, summarise

random = np.random.default_rng(0)


def test_numbers_are_measured_as_training_measures_them():
    values = random.normal(size=(200, 8)).astype(np.float32)
    found, wanted = of_columns(values), summarise(values)
    for name in MEASURES:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
    assert found["count"] == [200]
    assert set(found) == {"min", "max", "mean", "std", "count", *QUANTILES}


def test_a_plain_column_is_a_vector_of_one():
    found = of_columns(np.arange(5))
    assert found["mean"] == [2.0]
    assert found["q50"] == [2.0]
    assert found["count"] == [5]


def test_colours_are_measured_as_the_pixels_say():
    pictures = random.integers(0, 200, (7, 20, 30, 3), dtype=np.uint8)
    counts = ColourCounts()
    for picture in pictures:
        counts.add(picture)
    found = counts.statistics()
    rgb = pictures[..., ::-1].reshape(-1, 3) / 255
    for name, wanted in (
        *(("min", rgb.min(0)), ("max", rgb.max(0))),
        *(("mean", rgb.mean(0)), ("std", rgb.std(0))),
    ):
        np.testing.assert_allclose(np.ravel(found[name]), wanted, atol=1e-9)
    for name, share in QUANTILES.items():
        np.testing.assert_allclose(
            np.ravel(found[name]), np.quantile(rgb, share, axis=0), atol=1 / 255
        )
    assert found["count"] == [7]
    assert np.shape(found["mean"]) == (3, 1, 1)


def test_counts_of_parts_add_up():
    pictures = random.integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    parts, whole = [ColourCounts(), ColourCounts()], ColourCounts()
    for number, picture in enumerate(pictures):
        parts[number % 2].add(picture)
        whole.add(picture)
    parts[0].merge(parts[1])
    assert parts[0].statistics() == whole.statistics()


def test_large_pictures_are_thinned_out():
    counts = ColourCounts()
    counts.add(np.zeros((360, 640, 3), np.uint8))
    assert counts.counts.sum() == 3 * 90 * 160


@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (50, 50), (100, 100), (400, 100), (1000, 177), (20000, 1681)]
)
def test_how_many_images_count(length, count):
    places = sampled(length)
    assert abs(len(places) - count) <= 1
    assert (places[0], places[-1]) == (0, length - 1)
