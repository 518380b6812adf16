from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_executor.chunk import ChunkError, ChunkRules, Expected, check_chunk

NS = 1_000_000_000
NOW = 1000 * NS
NAMES = tuple(f"fr3_joint{index}" for index in range(1, 8))
RULES = ChunkRules(NAMES)
EXPECTED = Expected("task", "test", last_sequence=4, last_stamp=NOW - NS // 5)


class Untouchable:
    """A sequence of a size that must never be read."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        raise AssertionError("read although its size is wrong")


def message(make, **changes):
    actions = np.arange(16 * 7).reshape(16, 7) / 100
    return make(NOW - NS // 10, actions, **{"sequence": 5, **changes})


def test_good_chunk_passes(make_chunk_message):
    chunk = check_chunk(message(make_chunk_message, prefix=3), RULES, EXPECTED, NOW)
    assert chunk.stamp == NOW - NS // 10
    assert (chunk.sequence, chunk.prefix) == (5, 3)
    assert chunk.positions.shape == (16, 7)
    assert chunk.positions[2, 1] == pytest.approx(0.15)
    assert chunk.times[1] - chunk.times[0] == round(NS / 15)


def test_joints_are_mapped_by_name(make_chunk_message):
    order = [3, 1, 0, 6, 5, 2, 4]
    straight = check_chunk(message(make_chunk_message), RULES, EXPECTED, NOW)
    positions = straight.positions[:, order].ravel().tolist()
    shuffled = message(
        make_chunk_message, joint_names=[NAMES[i] for i in order], positions=positions
    )
    chunk = check_chunk(shuffled, RULES, EXPECTED, NOW)
    np.testing.assert_array_equal(chunk.positions, straight.positions)


def nan_at(index, value=float("nan")):
    numbers = [0.0] * 112
    numbers[index] = value
    return numbers


DEFECTS = {
    "task": ({"task_id": "old"}, "task_id is 'old'"),
    "long task": ({"task_id": "x" * 10_000}, "xxx..."),
    "source": ({"source": "intruder"}, "'test' started the task"),
    "repeated": ({"sequence": 4}, "sequence 4 does not follow 4"),
    "reordered": ({"sequence": 2}, "sequence 2"),
    "period 0": ({"period": 0.0}, "period is 0 s"),
    "period nan": ({"period": float("nan")}, "period is nan"),
    "period long": ({"period": 0.6}, "between 0.005 and 0.5"),
    "empty": ({"gripper": []}, "has 0 gripper commands"),
    "million": ({"gripper": Untouchable(1_000_000)}, "has 1000000 gripper commands"),
    "positions": ({"positions": Untouchable(7_000_000)}, "16 actions of 7 joints need 112"),
    "span": ({"period": 0.5}, "spans 7.50 s"),
    "prefix": ({"prefix": 17}, "prefix is 17"),
    "conditioning": ({"conditioning": 4}, "conditioning is 4; must be one of 0 (FREE)"),
    "missing": ({"joint_names": ["a", *NAMES[1:]]}, "fr3_joint1 is missing"),
    "duplicate": ({"joint_names": [NAMES[1], *NAMES[1:]]}, "fr3_joint1 is missing"),
    "six": ({"joint_names": list(NAMES[:6])}, "names 6 joints"),
    "nan": ({"positions": nan_at(9)}, "positions[9] is nan"),
    "infinite": ({"positions": nan_at(111, float("-inf"))}, "positions[111] is -inf"),
    "grip nan": ({"gripper": [float("nan")] * 16}, "gripper[0] is nan"),
    "grip range": ({"gripper": [0.5] * 15 + [1.01]}, "gripper command 15 is 1.01"),
}


@pytest.mark.parametrize(("changes", "reason"), DEFECTS.values(), ids=DEFECTS)
def test_each_defect_has_its_reason(make_chunk_message, changes, reason):
    with pytest.raises(ChunkError) as caught:
        check_chunk(message(make_chunk_message, **changes), RULES, EXPECTED, NOW)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("age", "reason"),
    [(1.5, "1.500 s old"), (-0.2, "0.200 s in the future"), (0.3, "0.100 s older than")],
)
def test_stamps_have_their_limits(make_chunk_message, age, reason):
    late = make_chunk_message(NOW - int(age * NS), np.zeros((16, 7)), sequence=5)
    with pytest.raises(ChunkError, match=reason):
        check_chunk(late, RULES, EXPECTED, NOW)


numbers = st.one_of(
    st.floats(), st.sampled_from([0.0, 1.0, 1e308, -1e308, float("nan"), float("inf")])
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "period": numbers,
            "positions": st.lists(numbers, max_size=130),
            "gripper": st.lists(numbers, max_size=80),
            "prefix": st.integers(0, 65535),
            "conditioning": st.integers(0, 255),
            "sequence": st.integers(0, 2**64 - 1),
            "source": st.text(max_size=5),
            "joint_names": st.lists(st.text(max_size=5) | st.sampled_from(NAMES), max_size=9),
            "header": st.builds(
                lambda sec, nanosec: SimpleNamespace(
                    stamp=SimpleNamespace(sec=sec, nanosec=nanosec)
                ),
                st.integers(-(2**31), 2**31 - 1),
                st.integers(0, 2**32 - 1),
            ),
        },
    )
)
def test_fuzzed_fields_end_in_a_chunk_or_a_reason(make_chunk_message, changes):
    chunk = None
    with suppress(ChunkError):
        chunk = check_chunk(message(make_chunk_message, **changes), RULES, EXPECTED, NOW)
    if chunk is not None:
        assert np.isfinite(chunk.positions).all()
        assert chunk.positions.shape == (len(chunk.grips), 7)
        assert np.all(np.diff(chunk.times) > 0)
        assert abs(chunk.stamp - NOW) <= NS
