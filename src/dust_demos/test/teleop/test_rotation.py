"""Rotations as matrices and vectors, against each other and against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dust_demos.teleop.rotation import to_matrix, to_vector

vectors = st.lists(st.floats(-1.8, 1.8), min_size=3, max_size=3).map(np.array)


@given(vectors)
def test_matrix_and_vector_agree_with_scipy(vector):
    matrix = to_matrix(vector)
    np.testing.assert_allclose(matrix, Rotation.from_rotvec(vector).as_matrix(), atol=1e-9)
    if np.linalg.norm(vector) < 3.1:
        np.testing.assert_allclose(to_vector(matrix), vector, atol=1e-7)


@pytest.mark.parametrize("axis", [*np.eye(3).tolist(), [0.6, 0.0, 0.8], [-0.6, 0.8, 0.0]])
def test_half_a_turn_has_its_axis(axis):
    vector = to_vector(to_matrix(np.pi * np.array(axis)))
    assert np.linalg.norm(vector) == pytest.approx(np.pi)
    np.testing.assert_allclose(to_matrix(vector), to_matrix(np.pi * np.array(axis)), atol=1e-9)
