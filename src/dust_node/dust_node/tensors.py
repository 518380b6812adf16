"""NumPy arrays in messages: shape, dtype and raw bytes."""

import math

import numpy as np
from numpy.typing import NDArray

from dust_msgs.msg import Tensor

DTYPES = ("float16", "float32", "float64", "int32", "int64", "uint8", "bool")
"""Element types that a Tensor may have."""


def to_tensor(array: NDArray) -> Tensor:
    """Pack an array of any shape into a message.

    Args:
        array: Elements of one of `DTYPES`; made contiguous if it is not.

    Raises:
        ValueError: The element type cannot travel.
    """
    dtype = array.dtype.name
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype} cannot travel in a Tensor; convert to one of {DTYPES}")
    message = Tensor()
    message.shape = list(array.shape)
    message.dtype = dtype
    # Bytes take the setter's fast path; a NumPy array would be copied element by element.
    message.data = np.ascontiguousarray(array).tobytes()
    return message


def from_tensor(message: Tensor) -> NDArray:
    """Read an array out of a message, without copying its elements (the result is read-only).

    Raises:
        ValueError: Unknown element type, or the bytes do not fill the shape.
    """
    if message.dtype not in DTYPES:
        raise ValueError(f"Tensor has dtype '{message.dtype}'; expected one of {DTYPES}")
    dtype = np.dtype(message.dtype)
    shape = tuple(int(size) for size in message.shape)
    expected = math.prod(shape) * dtype.itemsize
    if len(message.data) != expected:
        raise ValueError(
            f"Tensor of shape {shape} and dtype {message.dtype} needs {expected} bytes, "
            f"has {len(message.data)}"
        )
    array = np.frombuffer(message.data, dtype=dtype).reshape(shape)
    array.flags.writeable = False
    return array
