"""Meshes of revolution."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dust_sim.shapes import lathe_mesh


def test_the_mesh_is_closed_and_round():
    profile = [(0.0, 0.0), (0.05, 0.0), (0.08, 0.05)]
    vertices, faces = lathe_mesh(profile, 0.004, sides=24)
    assert vertices.shape == (24 * 2 * 3, 3)
    radius = np.hypot(vertices[:, 0], vertices[:, 1])
    assert radius.max() == pytest.approx(0.08)
    # Away from the axis, where vertices coincide, every edge belongs to two faces.
    edges = Counter(
        frozenset(map(int, pair))
        for face in faces
        for pair in zip(face, np.roll(face, 1), strict=True)
    )
    assert set(edges.values()) == {2}
