"""The keyboard program in a pty, heard over DDS."""

import os
import pty
import subprocess
import sys
import termios

import pytest
from sensor_msgs.msg import Joy
from std_msgs.msg import String
from std_srvs.srv import Trigger

from dust_demos.teleop.controls import Button
from dust_demos.teleop.keys import BUTTONS
from dust_node.qos import LATCHED

PROGRAM = [sys.executable, "-m", "dust_demos.teleop.keyboard"]


@pytest.fixture
def typed(ros_domain):
    """The program in a terminal: its process and the terminal's other end."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        PROGRAM, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    yield process, master
    process.kill()
    process.wait()
    assert termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)


def output(master):
    os.set_blocking(master, False)
    try:
        return os.read(master, 65536).decode()
    except BlockingIOError:
        return ""


def test_keys_become_joy_and_what_the_operator_is_told_is_shown(probe, typed):
    process, master = typed
    heard = probe.listen(Joy, "joy")
    status = probe.node.create_publisher(String, "teleop/status", LATCHED)
    status.publish(String(data="the executor stopped: played"))
    shown = ""
    probe.wait(lambda: heard)
    os.write(master, b"cw")
    probe.wait(lambda: heard[-1].axes[0] > 0 and heard[-1].buttons[BUTTONS.index(Button.CLUTCH)])
    probe.wait(lambda: heard[-1].axes[0] == 0)

    def seen():
        nonlocal shown
        shown += output(master)
        return "played" in shown and "CLUTCH IN" in shown

    probe.wait(seen)
    assert "w/s  forwards, backwards" in shown
    rearmed = []

    def rearm(_, response):
        rearmed.append(response)
        response.message = "nothing to rearm"
        return response

    probe.node.create_service(Trigger, "dust_executor/rearm", rearm)
    probe.spin(0.5)
    os.write(master, b"e")
    probe.wait(lambda: rearmed)
    probe.wait(lambda: seen() and "nothing to rearm" in shown)
    os.write(master, b"\x04")
    probe.wait(lambda: process.poll() is not None)
    assert process.returncode == 0
    probe.wait(lambda: not any(heard[-1].buttons))


def test_without_a_terminal_it_says_so_in_one_line():
    done = subprocess.run(PROGRAM, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the keyboard needs a terminal")
    assert done.stderr.count("\n") == 1
