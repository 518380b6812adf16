"""What may be given on the command line of a measurement: numbers in a range, folders to fill."""

import os
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

ACTION_STEPS = 4
"""N_A of the schedules that are compared."""

LONGEST = 86_400.0
"""Longest time that may be asked for. Unit: s."""


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ArgumentTypeError(f"must be a whole number, got {text}") from None
        if not low <= value <= high:
            raise ArgumentTypeError(f"must lie between {low} and {high}, got {text}")
        return value

    return parse


def multiple(of: int, high: int) -> Callable[[str], int]:
    """Return what reads a multiple of a number, from that number to `high`."""

    def parse(text: str) -> int:
        value = whole(of, high)(text)
        if value % of:
            below = value // of * of
            raise ArgumentTypeError(
                f"must be a multiple of {of}, got {text}: take {below} or {below + of}"
            )
        return value

    return parse


def number(low: float, high: float = LONGEST) -> Callable[[str], float]:
    """Return what reads a number from `low` to `high`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ArgumentTypeError(f"must be a number, got {text}") from None
        if not low <= value <= high:  # neither is nan
            raise ArgumentTypeError(f"must lie between {low:g} and {high:g}, got {text}")
        return value

    return parse


def out_folder(text: str) -> Path:
    """Return a folder that can be written into, or that can be made.

    Raises:
        ArgumentTypeError: It has no name, is a file, or lies where nothing may be written.
    """
    if not text:
        raise ArgumentTypeError("is empty: name a folder")
    path = Path(text)
    place = next(p for p in (path, *path.absolute().parents) if os.path.lexists(p))
    if not place.is_dir():
        raise ArgumentTypeError(f"{place} is not a folder: name another one")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ArgumentTypeError(f"{place} cannot be written into: name another one")
    return path
