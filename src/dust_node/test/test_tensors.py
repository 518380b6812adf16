"""Tests of dust_node.tensors: arrays survive the trip, wrong ones are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as st_numpy

from dust_msgs.msg import Tensor
from dust_node.tensors import DTYPES, from_tensor, to_tensor


@given(
    st_numpy.arrays(
        dtype=st_numpy.scalar_dtypes().filter(
            lambda dtype: dtype.name in DTYPES and dtype.byteorder in "=|<"
        ),
        shape=st_numpy.array_shapes(min_dims=0, max_dims=4, max_side=4),
    )
)
def test_round_trip(array):
    back = from_tensor(to_tensor(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_a_view_that_is_not_contiguous_is_packed():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2]
    np.testing.assert_array_equal(from_tensor(to_tensor(array)), array)


def test_wrong_tensors_are_refused():
    with pytest.raises(ValueError, match="complex64"):
        to_tensor(np.zeros(2, np.complex64))
    with pytest.raises(ValueError, match="needs 8 bytes, has 4"):
        from_tensor(Tensor(shape=[2], dtype="float32", data=b"1234"))
    with pytest.raises(ValueError, match="object"):
        from_tensor(Tensor(shape=[1], dtype="object", data=b"12345678"))
    with pytest.raises(ValueError, match="needs"):
        from_tensor(Tensor(shape=[2**31, 2**31], dtype="float32", data=b""))
