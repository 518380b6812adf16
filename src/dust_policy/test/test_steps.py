"""Which step counts go together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.steps import check_steps


@given(st.integers(1, 64), st.integers(0, 64))
def test_multiples_and_zero_are_fine(action_steps: int, factor: int) -> None:
    assert check_steps(action_steps, action_steps * factor) is None


@given(st.integers(2, 64), st.integers(1, 1024))
def test_anything_else_is_refused_with_the_neighbours(action_steps: int, vision_steps: int) -> None:
    if vision_steps % action_steps == 0:
        vision_steps += 1
    with pytest.raises(ValueError, match=f"vision_steps is {vision_steps}.*multiple") as error:
        check_steps(action_steps, vision_steps)
    below = vision_steps // action_steps * action_steps
    assert str(error.value).endswith(f"take {below} or {below + action_steps}")


def test_with_one_noise_level_both_must_be_equal() -> None:
    check_steps(8, 8, joint_noise=True)
    for vision_steps in (0, 4, 16):
        with pytest.raises(ValueError, match=r"must equal action_steps \(8\)") as error:
            check_steps(8, vision_steps, joint_noise=True)
        assert "\n" not in str(error.value)
