from pathlib import Path

import pytest

from dust_doctor.finding import Verdict
from dust_doctor.registry import CHECKS, Patient, chosen
from dust_doctor.wishes import Robot, Wishes

PAGE = Path(__file__).resolve().parents[3] / "docs" / "doctor.md"


def test_every_check_has_its_row_in_the_docs():
    page = PAGE.read_text()
    for check in CHECKS:
        assert f"| `{check.name}` |" in page


def test_names_are_unique():
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_checks_are_chosen_by_name():
    assert chosen(None) == CHECKS
    assert [check.name for check in chosen(["usb", "ros"])] == ["ros", "usb"]
    with pytest.raises(ValueError, match="no check 'usbs'"):
        chosen(["usbs"])


def test_without_a_graph_the_live_checks_are_skipped(machine):
    patient = Patient(machine(), Wishes(robot=Robot.FR3))
    for check in CHECKS:
        if check.live:
            assert check.examine(patient).verdict is Verdict.SKIP


def test_a_bare_machine_breaks_no_check(machine):
    patient = Patient(machine(), Wishes(robot=Robot.FR3))
    found = {check.name: check.examine(patient) for check in CHECKS if not check.live}
    assert found["rt-kernel"].verdict is Verdict.FAIL
    assert found["checkpoint"].verdict is Verdict.SKIP
    assert all(row.says for row in found.values())


def test_the_seen_image_counts_for_the_profile(machine, graph, camera):
    seen = {"side": camera("side", size=8e6), "wrist": camera("wrist", size=9e9, width=0)}
    assert Patient(machine(), graph=graph(cameras=seen)).image_bytes == 8_000_000
    assert Patient(machine()).image_bytes == 640 * 360 * 4
