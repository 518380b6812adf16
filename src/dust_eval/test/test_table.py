"""Tests of dust_eval.table: the table of one driver's trials."""

from dust_eval.table import success_table
from dust_eval.trial import TrialResult, TrialSpec


def result(task, score, outside=0):
    spec = TrialSpec(task, "sponge", 0)
    return TrialResult(spec, score, "", 10.0, 5, 1000, outside, (0.1, 0.2, 0.3, 0.4))


def test_rows_add_up():
    table = success_table(
        [
            result("box_to_plate", 1.0),
            result("box_to_bowl", 0.5, outside=2),
            result("box_to_plate", 0.0),
        ]
    )
    rows = [line.split() for line in table.splitlines()[1:]]
    assert [row[0] for row in rows] == ["box_to_bowl", "box_to_plate", "all"]
    assert rows[0][1:4] == ["0.5", "of", "1"]
    assert rows[2][1:5] == ["1.5", "of", "3", "50.0%"]
    assert rows[2][-1] == "2"
