import re
from dataclasses import dataclass
from enum import StrEnum

import pytest

from dust_model.records import from_json, to_json


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    colour: Colour
    sizes: tuple[float, ...]


@dataclass(frozen=True)
class Whole:
    part: Part
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count must be >= 0, got {self.count}")


GOOD = {"part": {"colour": "red", "sizes": [1.0, 2.5]}, "count": 3}


def test_round_trip():
    whole = from_json(Whole, GOOD, where="file")
    assert whole == Whole(Part(Colour.RED, (1.0, 2.5)), 3)
    assert to_json(whole) == GOOD


def test_whole_numbers_serve_as_floats():
    part = from_json(Part, {"colour": "blue", "sizes": [1, 2]}, where="file")
    assert part.sizes == (1.0, 2.0)
    assert all(type(size) is float for size in part.sizes)


def test_defaults_may_be_left_out():
    assert from_json(Whole, {"part": GOOD["part"]}, where="file").count == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "file: unknown field 'extra'; known: part, count"),
        ({"part": {"colour": "red"}}, "file.part: field 'sizes' is missing"),
        ({"part": {"colour": "green", "sizes": []}}, "file.part.colour: 'green' is none of red"),
        ({"part": {"colour": "red", "sizes": 1.0}}, "file.part.sizes: expected a list, got 1.0"),
        ({"part": {"colour": "red", "sizes": ["x"]}}, "file.part.sizes: expected float, got 'x'"),
        ({"part": 7}, "file.part: expected an object, got int"),
        ({"count": 1.5}, "file.count: expected int, got 1.5"),
        ({"count": True}, "file.count: expected int, got True"),
        ({"count": -1}, "file: count must be >= 0, got -1"),
    ],
)
def test_one_clear_line(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        from_json(Whole, GOOD | change, where="file")
