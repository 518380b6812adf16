"""Keys into axes and buttons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.teleop.controls import Button
from dust_demos.teleop.keys import BUTTONS, HELP, LEVELS, MOTIONS, PRESSES, Decoder, Keyboard


def test_letters_and_arrows_are_told_apart():
    keys = Decoder().feed(b"wW\x1b[A\x1bOD \x04?")
    assert keys == ["w", "w", "up", "left", "space", "quit", "?"]


def test_a_sequence_may_come_in_pieces():
    decoder = Decoder()
    assert decoder.feed(b"a\x1b") == ["a"]
    assert decoder.feed(b"[") == []
    assert decoder.feed(b"Bc") == ["down", "c"]


@given(st.binary(max_size=40))
def test_whatever_a_terminal_sends_is_survived(data):
    decoder, keyboard = Decoder(), Keyboard()
    for key in decoder.feed(data) + decoder.feed(b"x"):
        keyboard.press(key, 0.0)
    assert np.abs(keyboard.axes(0.0)).max() <= 1.0


@given(st.text(alphabet="wasd \x1b[OABCD", max_size=30), st.data())
def test_pieces_give_the_same_keys_as_the_whole(text, data):
    whole = Decoder()
    expected = whole.feed(text.encode()) + whole.feed(b"..")
    pieces, rest, found = Decoder(), text, []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += pieces.feed(rest[:size].encode())
        rest = rest[size:]
    assert found + pieces.feed(b"..") == expected


@pytest.mark.parametrize("key", MOTIONS)
def test_a_motion_key_counts_for_a_moment(key):
    keyboard = Keyboard()
    keyboard.press(key, 10.0)
    axis, direction = MOTIONS[key]
    assert keyboard.axes(10.1)[axis] == direction * LEVELS[3]
    assert sum(map(abs, keyboard.axes(10.1))) == LEVELS[3]
    assert keyboard.axes(10.2) == [0.0] * 6


def test_a_repeating_key_goes_on():
    keyboard = Keyboard()
    for tick in range(30):
        keyboard.press("w", tick / 30)
        assert keyboard.axes(tick / 30 + 0.03)[0] > 0


@pytest.mark.parametrize("key", PRESSES)
def test_a_button_is_pressed_once_however_long_the_key_is_held(key):
    keyboard = Keyboard()
    place = BUTTONS.index(PRESSES[key])
    keyboard.press(key, 0.0)
    levels = [keyboard.buttons(0.1)[place]]
    for tick in range(60):
        now = 0.5 + tick / 30
        keyboard.press(key, now)
        levels.append(keyboard.buttons(now + 0.01)[place])
    assert levels == [1] + [0] * 60
    keyboard.press(key, 10.0)
    assert keyboard.buttons(10.1)[place] == 1


def test_the_clutch_goes_in_anew_and_out_by_space():
    keyboard, place = Keyboard(), BUTTONS.index(Button.CLUTCH)
    keyboard.press("c", 0.0)
    assert keyboard.buttons(0.0)[place] == 1
    keyboard.press("c", 5.0)
    assert keyboard.buttons(5.05)[place] == 0
    assert keyboard.buttons(5.15)[place] == 1
    keyboard.press("w", 6.0)
    keyboard.press("space", 6.0)
    assert keyboard.buttons(6.0)[place] == 0
    assert keyboard.axes(6.0) == [0.0] * 6


def test_speed_goes_up_and_down_within_its_levels():
    keyboard = Keyboard()
    for _ in range(10):
        keyboard.press("+", 0.0)
    assert "100%" in keyboard.line()
    for _ in range(10):
        keyboard.press("-", 0.0)
    assert "10%" in keyboard.line()


def test_the_help_names_every_key():
    for key in [*PRESSES, *(key for key in MOTIONS if len(key) == 1), "c", "space", "Ctrl-D"]:
        assert f"{key}/" in HELP or f"/{key}" in HELP or f"{key} " in HELP


def test_quitting_lets_go():
    keyboard = Keyboard()
    keyboard.press("c", 0.0)
    keyboard.press("quit", 1.0)
    assert keyboard.done
    assert not any(keyboard.buttons(2.0))
