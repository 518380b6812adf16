import pytest

from dust_doctor.finding import fail, ok, skip, warn
from dust_doctor.report import Report

GOOD, SKIPPED = ("ros", ok("jazzy")), ("usb", skip("no cameras"))
WARNED, FAILED = ("disk", warn("5 GiB", "make room")), ("clock", fail("nobody", "chrony"))


@pytest.mark.parametrize(
    ("rows", "verdict", "lenient", "strict"),
    [
        ([GOOD, SKIPPED], "ok", 0, 0),
        ([SKIPPED], "skip", 0, 0),
        ([GOOD, WARNED], "warn", 0, 1),
        ([WARNED, FAILED, GOOD], "fail", 2, 2),
    ],
)
def test_the_worst_decides(rows, verdict, lenient, strict):
    report = Report(rows)
    assert report.verdict == verdict
    assert report.exit_code(strict=False) == lenient
    assert report.exit_code(strict=True) == strict


def test_lines_say_what_and_how():
    assert Report([GOOD, WARNED]).lines() == [
        "OK    ros   jazzy",
        "WARN  disk  5 GiB",
        "            -> make room",
        "0 skip, 1 ok, 1 warn, 0 fail",
    ]


def test_many_skipped_for_one_reason_share_a_line():
    rows = [(f"live{index}", skip("needs a graph")) for index in range(5)]
    lines = Report([GOOD, *rows]).lines()
    assert lines[1] == "SKIP  5 more checks: needs a graph"
    assert len(lines) == 3


def test_json_holds_every_check():
    values = Report([WARNED, SKIPPED]).to_values()
    assert values["verdict"] == "warn"
    assert values["checks"][0] == {
        "check": "disk",
        "verdict": "warn",
        "says": "5 GiB",
        "remedy": "make room",
    }
