"""Do the two cameras have a USB controller each, at full speed?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dust_doctor.finding import Finding, fail, ok, skip, warn
from dust_doctor.system import System
from dust_doctor.wishes import Wishes

STEREOLABS = "2b03"
"""USB vendor of the ZED cameras."""

_VIDEO_CLASS = "0e"
_USB_3 = 5000  # Mbit/s
_CONTROLLER = re.compile(r"([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/usb\d+")


@dataclass(frozen=True, slots=True)
class UsbCamera:
    """A ZED camera.

    Attributes:
        port: Where it is plugged in, as the kernel names it, such as 2-1.
        product: Its name.
        speed: Unit: Mbit/s.
        controller: PCI address of its USB controller; empty where that is unknown.
    """

    port: str
    product: str
    speed: int
    controller: str


def gather_usb(system: System) -> tuple[UsbCamera, ...] | None:
    """Return the ZED cameras; None where the kernel shows no USB at all."""
    folder = system.root / "sys/bus/usb/devices"
    if not folder.is_dir():
        return None
    return tuple(_camera(device) for device in sorted(folder.iterdir()) if _is_camera(device))


def _is_camera(device: Path) -> bool:
    if _read(device / "idVendor") != STEREOLABS:
        return False
    # Beside the camera proper there is a device for its sensors, which has no video.
    return any(_read(file) == _VIDEO_CLASS for file in device.glob("*/bInterfaceClass"))


def _camera(device: Path) -> UsbCamera:
    above = _CONTROLLER.findall(str(device.resolve()))
    speed = _read(device / "speed")
    return UsbCamera(
        port=device.name,
        product=_read(device / "product") or "camera",
        speed=int(speed) if speed.isdigit() else 0,
        controller=above[-1] if above else "",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def judge_usb(cameras: tuple[UsbCamera, ...] | None, wishes: Wishes) -> Finding:
    """Judge how the cameras are plugged in."""
    if not wishes.has_cameras:
        return skip("no real cameras are plugged in here")
    if cameras is None:
        return skip("the kernel shows no USB devices (a container without /sys/bus/usb?)")
    wanted = len(wishes.image_topics)
    told = ", ".join(f"{row.product} on {row.port} ({row.speed} Mbit/s)" for row in cameras)
    if len(cameras) < wanted:
        says = f"{len(cameras)} of {wanted} ZED cameras are plugged in{': ' if told else ''}{told}"
        return fail(says, "plug them in (lsusb -d 2b03: lists them); GMSL cameras do not show here")
    slow = [row for row in cameras if row.speed < _USB_3]
    if slow:
        says = f"{slow[0].product} on {slow[0].port} runs at USB 2 speed ({slow[0].speed} Mbit/s)"
        return fail(says, "use a USB 3 port and the cable that came with it")
    if len({row.controller for row in cameras}) < len(cameras):
        says = f"cameras share a USB controller: {told}; frames get lost at high resolutions"
        return warn(says, "plug them into ports of different controllers (lsusb -t), or add a card")
    return ok(told)
