"""Tests of dust_model.training.drift."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from dust_model.training.drift import drift_shape, drifted


@given(prefix=st.integers(0, 15), back=st.integers(1, 20))
def test_it_rises_over_the_prefix_and_is_taken_back_behind_it(prefix, back):
    (shape,) = drift_shape(torch.tensor([prefix]), horizon=16, back=back)
    if prefix == 0:
        assert not shape.any()
        return
    steps = shape.diff()
    assert shape[prefix - 1] == shape.max() == 1
    assert (steps[: prefix - 1] > 0).all()
    assert (steps[prefix - 1 :] <= 1e-6).all()
    assert (shape[prefix - 1 + back :].abs() < 1e-6).all()
    # No step is larger than that of a straight line over the shorter of both parts allows.
    assert steps.abs().max() <= max(1 / prefix, torch.pi / 2 / back) + 1e-6


def test_each_column_errs_by_its_own_drift():
    actions, drift = torch.randn(3, 16, 2), torch.tensor([[0.5, 0.0], [1.0, -1.0], [2.0, 2.0]])
    made = drifted(actions, drift, torch.tensor([4, 7, 0]), back=5)
    torch.testing.assert_close((made - actions)[0, 3], drift[0])
    torch.testing.assert_close((made - actions)[1, 6], drift[1])
    assert torch.equal(made[2], actions[2])
    assert torch.equal(made[0, :, 1], actions[0, :, 1])
