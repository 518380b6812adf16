"""Texts of controls, shapes of deflections, layouts of devices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.teleop.controls import AXES, Button, Control, Layout, Shape

TEXTS = {f"axes.{axis}": f"a{index}" for index, axis in enumerate(AXES)} | {
    f"buttons.{button}": "" for button in Button
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a0", 0.5),
        ("-a0", -0.5),
        ("+a1", -1.0),
        ("b1", 1.0),
        ("b0-b1", -1.0),
        (" b1 - b0 ", 1.0),
        ("a0+b1", 1.0),
        ("", 0.0),
        ("a7", 0.0),
    ],
)
def test_a_control_reads_what_its_text_says(text, value):
    assert Control.parse(text).read([0.5, -1.0], [0, 1]) == value


@pytest.mark.parametrize("text", ["a", "7", "c3", "a1b2", "a1-", "a-1", "--a1", "a1 or b2", "a123"])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a control: write a1 for axis 1"):
        Control.parse(text)


@given(st.text(alphabet="ab0123456789+- x", max_size=12))
def test_whatever_the_text_it_is_read_or_refused(text):
    try:
        control = Control.parse(text)
    except ValueError:
        return
    assert -1.0 <= control.read([0.3] * 100, [1] * 100) <= 1.0


@given(
    st.lists(st.floats(width=32), max_size=4),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
)
def test_whatever_the_device_sends_the_value_is_bounded(axes, buttons):
    value = Control.parse("a0-a1+a2-b0+b2").read(axes, buttons)
    assert math.isfinite(value)
    assert -1.0 <= value <= 1.0


def test_a_deflection_within_the_deadzone_is_none():
    shape = Shape(deadzone=0.2, expo=0.0)
    np.testing.assert_allclose(
        shape(np.array([0.0, 0.2, -0.2, 0.6, 1.0, -1.0])), [0, 0, 0, 0.5, 1, -1]
    )


@given(st.floats(0, 0.9), st.floats(0, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_the_shape_is_odd_and_rises(deadzone, expo, first, second):
    low, high = np.sort(Shape(deadzone, expo)(np.array([first, second])))
    assert Shape(deadzone, expo)(np.array([min(first, second)]))[0] == low
    assert -1.0 <= low <= high <= 1.0
    assert (
        Shape(deadzone, expo)(np.array([-first]))[0] == -Shape(deadzone, expo)(np.array([first]))[0]
    )


def test_a_layout_names_the_control_that_is_wrong():
    with pytest.raises(ValueError, match=r"parameter 'axes\.z': 'stick' is not a control"):
        Layout.parse({**TEXTS, "axes.z": "stick"}, Shape())


def test_a_layout_reads_motion_and_buttons():
    layout = Layout.parse(
        {**TEXTS, "buttons.clutch": "b1", "buttons.start": "-a5"}, Shape(0.1, 0.0)
    )
    command = layout.read([0, 0, 1, 0, 0, -1], [0, 1])
    assert command.pressed == {Button.CLUTCH, Button.START}
    np.testing.assert_allclose(command.motion, [0, 0, 1, 0, 0, -1])
    assert not command.is_neutral
    assert layout.read([0.05] * 6, [0, 0]).is_neutral


def test_a_device_that_lacks_a_control_is_told():
    layout = Layout.parse({**TEXTS, "buttons.clutch": "b10"}, Shape())
    assert "2 buttons, but clutch is b10" in layout.defect([0.0] * 6, [0, 0])
    assert layout.defect([0.0] * 6, [0] * 11) == ""
