import pytest

from dust_doctor.checks.usb import UsbCamera, gather_usb, judge_usb
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Robot, Wishes

BENCH = Wishes(robot=Robot.FR3)
ONE = UsbCamera("2-1", "ZED 2i", 5000, "0000:00:14.0")
OTHER = UsbCamera("4-1", "ZED 2i", 5000, "0000:05:00.0")


@pytest.mark.parametrize(
    ("cameras", "verdict", "words"),
    [
        ((ONE, OTHER), Verdict.OK, "ZED 2i on 2-1"),
        ((ONE,), Verdict.FAIL, "1 of 2"),
        ((), Verdict.FAIL, "0 of 2"),
        ((ONE, UsbCamera("1-2", "ZED 2i", 480, "0000:05:00.0")), Verdict.FAIL, "USB 2 speed"),
        ((ONE, UsbCamera("2-2", "ZED 2i", 5000, "0000:00:14.0")), Verdict.WARN, "share a USB"),
        (None, Verdict.SKIP, "no USB devices"),
    ],
)
def test_cameras_are_judged(cameras, verdict, words):
    found = judge_usb(cameras, BENCH)
    assert found.verdict is verdict
    assert words in found.says
    assert judge_usb(cameras, Wishes()).verdict is Verdict.SKIP


def test_the_kernels_tree_is_read(machine, tmp_path):
    system = machine()
    folder = tmp_path / "sys/bus/usb/devices"
    folder.mkdir(parents=True)
    assert gather_usb(system) == ()
    for port, kind, speed in (("2-1", "0e", "5000"), ("1-3", "03", "12")):
        device = tmp_path / f"sys/devices/pci0000:00/0000:00:14.0/usb{port[0]}/{port}"
        (device / f"{port}:1.0").mkdir(parents=True)
        (device / "idVendor").write_text("2b03\n")
        (device / "product").write_text("ZED 2i\n")
        (device / "speed").write_text(f"{speed}\n")
        (device / f"{port}:1.0" / "bInterfaceClass").write_text(f"{kind}\n")
        (folder / port).symlink_to(device)
    assert gather_usb(system) == (ONE,)


def test_a_container_without_usb_is_no_defect(machine):
    assert gather_usb(machine()) is None
