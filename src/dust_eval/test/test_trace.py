"""Tests of dust_eval.trace."""

import numpy as np
import pytest

from dust_eval.trace import Moment, Trace, join_moments

UPRIGHT = (1.0, 0.0, 0.0, 0.0)


def moment(time, **places):
    poses = {name: (*place, *UPRIGHT) for name, place in places.items()}
    return Moment(time, (0.0, 0.0, 0.5), 1.0, 0.0, poses)


@pytest.fixture
def trace():
    return join_moments(
        [moment(1.0, cube=(0, 0, 0.1)), moment(1.1, cube=(0.3, 0.4, 0.2))], target="bowl"
    )


def test_distances_are_told(trace):
    assert len(trace) == 2
    np.testing.assert_allclose(trace.shifts("cube"), [0, 0.5])
    np.testing.assert_allclose(trace.rises("cube"), [0, 0.1])
    np.testing.assert_allclose(trace.distances("cube"), [0.4, np.sqrt(0.09 + 0.16 + 0.09)])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2])
def test_turning_about_the_vertical_is_no_tilt(axis, angle):
    turned = np.zeros(4)
    turned[0], turned[1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    poses = {"cube": np.array([[0, 0, 0, *UPRIGHT], [0, 0, 0, *turned]])}
    trace = Trace(np.zeros(2), np.zeros((2, 3)), np.ones(2), np.ones(2), poses, "bowl")
    expected = 0.0 if axis == 2 else angle
    np.testing.assert_allclose(trace.tilts("cube"), [0, expected], atol=1e-7)


def test_what_was_there_before_a_reset_is_left_behind():
    moments = [moment(0.9, old=(0, 0, 0)), moment(1.0, cube=(0, 0, 0), box=(1, 0, 0))]
    trace = join_moments(moments, target="bowl")
    assert set(trace.poses) == {"cube", "box"}
    assert list(trace.times) == [1.0]
    assert join_moments([], target="bowl") is None


def test_a_file_brings_back_what_was_saved(trace, tmp_path):
    trace.save(tmp_path / "deep" / "trace.npz")
    again = Trace.load(tmp_path / "deep" / "trace.npz")
    np.testing.assert_allclose(again.poses["cube"], trace.poses["cube"], atol=1e-6)
    np.testing.assert_array_equal(again.times, trace.times)
    assert (again.target, again.poses.keys()) == ("bowl", trace.poses.keys())
