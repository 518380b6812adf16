"""The clutch engages by a press after it was let go of, and never by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.teleop.clutch import LINGER_NS, Clutch, Presses, Style
from dust_demos.teleop.controls import Button, Command

UP = Command(np.zeros(6))
DOWN = Command(np.zeros(6), frozenset({Button.CLUTCH}))
PUSHED = Command(np.array([1.0, 0, 0, 0, 0, 0]))


def feed(clutch, *commands, now=0):
    for command in commands:
        clutch.update(command, now)
    return clutch.engaged


def test_it_is_engaged_while_held():
    clutch = Clutch(Style.HOLD)
    assert feed(clutch, UP, DOWN, DOWN)
    assert not feed(clutch, UP)


def test_a_toggle_changes_at_each_press():
    clutch = Clutch(Style.TOGGLE)
    assert feed(clutch, UP, DOWN, UP)
    assert not feed(clutch, DOWN)
    assert not feed(clutch, UP)


@pytest.mark.parametrize("style", [Style.HOLD, Style.TOGGLE])
def test_a_button_that_is_down_already_engages_nothing(style):
    clutch = Clutch(style)
    assert not feed(clutch, DOWN, DOWN)
    assert feed(clutch, UP, DOWN)


@pytest.mark.parametrize("style", [Style.HOLD, Style.TOGGLE])
def test_after_a_release_it_must_be_pressed_anew(style):
    clutch = Clutch(style)
    assert feed(clutch, UP, DOWN)
    assert clutch.release()
    assert not clutch.release()
    assert not feed(clutch, DOWN)
    assert feed(clutch, UP, DOWN)


def test_neutral_follows_the_deflection_and_lingers():
    clutch = Clutch(Style.NEUTRAL)
    assert not feed(clutch, PUSHED)
    assert not feed(clutch, UP)
    assert feed(clutch, PUSHED, UP, now=1)
    assert not feed(clutch, UP, now=1 + LINGER_NS)


@pytest.mark.parametrize("style", Style)
def test_a_release_while_nothing_is_pressed_costs_no_second_press(style):
    clutch = Clutch(style)
    feed(clutch, UP)
    assert not clutch.release()
    assert feed(clutch, PUSHED if style is Style.NEUTRAL else DOWN)


@given(st.sampled_from(Style), st.lists(st.sampled_from([UP, DOWN, PUSHED]), max_size=20))
def test_the_first_command_of_a_device_that_came_back_never_engages(style, commands):
    clutch = Clutch(style)
    for now, command in enumerate(commands):
        clutch.disarm()
        assert not clutch.update(command, now)


def test_only_fresh_presses_count():
    presses = Presses()
    assert presses.update(DOWN) == frozenset()
    assert presses.update(UP) == frozenset()
    assert presses.update(DOWN) == {Button.CLUTCH}
    assert presses.update(DOWN) == frozenset()
    presses.forget()
    assert presses.update(DOWN) == frozenset()
