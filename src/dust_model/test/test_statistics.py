import numpy as np
import pytest

from dust_model.records import from_json, to_json
from dust_model.statistics import ChannelStatistics, ColumnStatistics, Normaliser, Scaling

VALUES = np.random.default_rng(0).normal([0.0, 2.0, -1.0], [1.0, 0.1, 5.0], (500, 3))


def normaliser(kind, values=VALUES):
    return Normaliser(ColumnStatistics.measure(values, [kind] * values.shape[1]))


def test_min_max_spans_minus_one_to_one_and_is_not_clamped():
    scaled = normaliser(Scaling.MIN_MAX).normalise(VALUES)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.min(0), -1, atol=1e-6)
    np.testing.assert_allclose(scaled.max(0), 1, atol=1e-6)
    far = VALUES.max(0) + 10
    low, high = VALUES.min(0), VALUES.max(0)
    expected = 2 * (far - low) / (high - low) - 1
    np.testing.assert_allclose(normaliser(Scaling.MIN_MAX).normalise(far), expected, rtol=1e-5)


def test_q99_is_clamped_both_ways():
    norm = normaliser(Scaling.Q99)
    low, high = np.quantile(VALUES, 0.01, axis=0), np.quantile(VALUES, 0.99, axis=0)
    np.testing.assert_allclose(norm.normalise((low + high) / 2), 0, atol=1e-6)
    assert np.abs(norm.normalise(VALUES * 100)).max() == 1
    np.testing.assert_allclose(norm.denormalise([9.0, 9.0, 9.0]), high)
    np.testing.assert_allclose(norm.denormalise([-9.0, -9.0, -9.0]), low)


def test_min_max_decodes_inside_the_data():
    norm = normaliser(Scaling.MIN_MAX)
    np.testing.assert_allclose(norm.denormalise(np.full(3, 50.0)), VALUES.max(0))


def test_mean_std():
    norm = normaliser(Scaling.MEAN_STD)
    scaled = norm.normalise(VALUES)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-5)
    np.testing.assert_allclose(norm.denormalise([10.0] * 3), VALUES.mean(0) + 10 * VALUES.std(0))


def test_binary():
    norm = normaliser(Scaling.BINARY)
    np.testing.assert_array_equal(norm.normalise([0.5, 0.51, -3]), [0, 1, 0])
    np.testing.assert_array_equal(norm.denormalise([0.5, 0.51, -3]), [0, 1, 0])


@pytest.mark.parametrize("kind", [Scaling.MIN_MAX, Scaling.MEAN_STD])
def test_inside_the_data_the_way_back_is_exact(kind):
    norm = normaliser(kind)
    np.testing.assert_allclose(norm.denormalise(norm.normalise(VALUES)), VALUES, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "scaled", "back"),
    [(Scaling.MIN_MAX, 0, 3), (Scaling.Q99, 0, 3), (Scaling.MEAN_STD, 7, 7)],
)
def test_constant_columns(kind, scaled, back):
    """min_max and q99 give 0 and decode to the constant; mean_std passes values through."""
    norm = normaliser(kind, np.full((10, 1), 3.0))
    assert norm.normalise([7.0]) == scaled
    assert norm.denormalise(norm.normalise([7.0])) == back


def test_columns_may_be_scaled_differently():
    statistics = ColumnStatistics.measure(
        VALUES, (Scaling.BINARY, Scaling.MIN_MAX, Scaling.MEAN_STD)
    )
    row = VALUES[3]
    mixed = Normaliser(statistics).normalise(row)
    assert mixed[0] == float(row[0] > 0.5)
    assert mixed[1] == normaliser(Scaling.MIN_MAX).normalise(row)[1]
    assert mixed[2] == normaliser(Scaling.MEAN_STD).normalise(row)[2]


def test_json_round_trip_is_exact():
    statistics = ColumnStatistics.measure(VALUES, [Scaling.Q99] * 3)
    assert from_json(ColumnStatistics, to_json(statistics), where="s") == statistics


def test_wrong_statistics_are_refused():
    good = to_json(ColumnStatistics.measure(VALUES, [Scaling.Q99] * 3))
    with pytest.raises(ValueError, match="mean has 2 columns, not 3"):
        from_json(ColumnStatistics, good | {"mean": [0.0, 1.0]}, where="s")
    with pytest.raises(ValueError, match=r"column 0: min=9\.0 is above max="):
        from_json(ColumnStatistics, good | {"min": [9.0, 0.0, 0.0]}, where="s")
    with pytest.raises(ValueError, match="std is not finite"):
        from_json(ColumnStatistics, good | {"std": [float("nan"), 0.0, 0.0]}, where="s")
    with pytest.raises(ValueError, match=r"std must be above 0"):
        ChannelStatistics(mean=(0.0,), std=(0.0,))
    with pytest.raises(ValueError, match=r"got shape \(0, 3\)"):
        ColumnStatistics.measure(np.zeros((0, 3)), [Scaling.Q99] * 3)
