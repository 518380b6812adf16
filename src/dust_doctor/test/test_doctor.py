"""The command as it is called: exit codes, one clear line, and a real graph."""

import json
import subprocess
import sys

import pytest

from dust_doctor import doctor
from dust_doctor.registry import CHECKS, Check

STATIC = ["ros", "clock", "shared-memory", "usb"]


def plant(monkeypatch, finding):
    check = Check("planted", "a planted finding", lambda patient: finding)
    monkeypatch.setattr(doctor, "chosen", lambda names: (check,))


@pytest.mark.parametrize(
    ("make", "words", "code"),
    [("ok", [], 0), ("warn", [], 0), ("warn", ["--strict"], 1), ("fail", [], 2)],
)
def test_the_exit_code_tells_the_verdict(monkeypatch, capsys, make, words, code):
    from dust_doctor import finding

    arguments = ("it is so",) if make == "ok" else ("it is so", "mend it")
    plant(monkeypatch, getattr(finding, make)(*arguments))
    assert doctor.main(words) == code
    told = capsys.readouterr().out
    assert "planted  it is so" in told
    assert ("-> mend it" in told) == (make != "ok")


def test_a_check_that_breaks_hides_no_other(monkeypatch, capsys):
    def broken(patient):
        raise RuntimeError("out of paper")

    both = (Check("broken", "", broken), chosen_check("ros"))
    monkeypatch.setattr(doctor, "chosen", lambda names: both)
    assert doctor.main([]) == 2
    told = capsys.readouterr().out
    assert "the check itself broke: RuntimeError: out of paper" in told
    assert " ros " in told


def chosen_check(name: str) -> Check:
    return next(check for check in CHECKS if check.name == name)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "usbs"], "there is no check 'usbs'"),
        (["--image", "top"], "write VIEW=TOPIC"),
    ],
)
def test_mistakes_end_in_one_line(capsys, words, told):
    assert doctor.main(words) == doctor.MISTAKE
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert told in lines[0]


def test_the_list_names_all(capsys):
    assert doctor.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(check.name in told for check in CHECKS)


def test_static_checks_need_neither_torch_nor_ros():
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'rclpy', 'dust_msgs')));"
        "from dust_doctor.doctor import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "--json", "--live", "1", "--only"]
    names = [*STATIC, "gpu", "executor"]
    done = subprocess.run([*command, *names], capture_output=True, text=True, timeout=60)
    rows = {row["check"]: row for row in json.loads(done.stdout)["checks"]}
    assert list(rows) == [check.name for check in CHECKS if check.name in names]
    assert rows["ros"]["verdict"] == "fail"
    assert "rclpy" in rows["ros"]["says"]
    assert rows["gpu"]["verdict"] == "skip"
    assert "cannot listen" in rows["executor"]["says"]
    assert done.returncode == 2
