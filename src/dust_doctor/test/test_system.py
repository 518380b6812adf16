import sys

from dust_doctor.system import System, run_command


def test_what_is_not_there_is_empty(machine, tmp_path):
    system = machine({"etc/name": " text \n"})
    assert system.read("/etc/name") == "text"
    assert system.read("/etc/none") == ""
    assert [text for _, text in system.read_all("etc/*")] == ["text"]
    assert system.run(["none"]) is None
    assert system.free_bytes(tmp_path / "none" / "deeper") is not None


def test_commands_are_run_or_none():
    assert run_command([sys.executable, "-c", "print(7)"]) == "7\n"
    assert run_command([sys.executable, "-c", "raise SystemExit(3)"]) is None
    assert run_command(["no-such-command-anywhere"]) is None


def test_this_machine_can_be_read():
    assert "Linux" in System().read("/proc/version")
