import pytest

from dust_start.conditions import applies, holds

VALUES = {"robot": "sim", "rviz": False, "pace": 1.0}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, True),
        ({"robot": "sim"}, True),
        ({"robot": ["fr3", "sim"]}, True),
        ({"robot": "fr3"}, False),
        ({"robot": "sim", "rviz": True}, False),
        ({"pace": 1}, True),
    ],
)
def test_every_named_value_must_be_a_wanted_one(when, expected):
    assert holds(when, VALUES) is expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, True),
        ({"when": {"robot": "sim"}}, True),
        ({"when": {"robot": "fr3"}}, False),
        ({"unless": {"robot": "fr3"}}, True),
        ({"unless": {"robot": "sim"}}, False),
        ({"when": {"robot": "sim"}, "unless": {"rviz": False}}, False),
    ],
)
def test_an_exception_takes_away_what_applies(entry, expected):
    assert applies(entry, VALUES) is expected


def test_an_unknown_name_is_a_mistake_of_the_description():
    with pytest.raises(KeyError):
        applies({"when": {"rbot": "sim"}}, VALUES)
