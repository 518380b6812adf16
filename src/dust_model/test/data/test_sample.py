from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from dust_model.data.sample import Sample

GOOD = {
    "views": {"side": np.zeros((4, 5, 3), np.uint8)},
    "state": np.zeros(8, np.float32),
    "actions": np.zeros((16, 8), np.float32),
    "action_mask": np.ones((16, 8), bool),
    "instruction": "wave",
}


def test_a_sample_is_frozen_and_needs_little():
    sample = Sample(**GOOD)
    assert (sample.future, sample.embodiment, sample.key, sample.seed) == (None, 0, "", 0)
    with pytest.raises(FrozenInstanceError):
        sample.instruction = "point"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": {"side": np.zeros((4, 5, 3))}}, r"view 'side' must be RGB.*got float64"),
        ({"views": {"side": np.zeros((4, 5, 4), np.uint8)}}, r"got uint8 \[4, 5, 4\]"),
        ({"future": np.zeros((0, 5, 3), np.uint8)}, r"future must be RGB.*\[0, 5, 3\]"),
        ({"state": np.zeros((1, 8), np.float32)}, r"state must be \[state_dim\], got \[1, 8\]"),
        ({"action_mask": np.ones((16, 7), bool)}, r"alike.*\[16, 8\] and \[16, 7\]"),
        ({"action_mask": np.ones((16, 8))}, "action_mask must be bool"),
        ({"embodiment": -1}, "embodiment must be >= 0, got -1"),
        ({"seed": -1}, "seed must be >= 0, got -1"),
    ],
)
def test_wrong_parts_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Sample(**GOOD | change)
