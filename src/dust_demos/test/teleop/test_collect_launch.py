"""The launch file for demonstrations with the real launch libraries; packages that only echo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("launch_ros", reason="launch_ros is not among the ROS 2 wheels")

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

arguments = [word.split(":=", 1) for word in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
sys.exit(service.run())
"""
# It takes long enough for the others to start before its end ends them.
ECHO = f"""#!{sys.executable}
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit())
print("NODE", *sys.argv, flush=True)
time.sleep(1)
"""
EXECUTABLES = {
    "dust_bringup": (),
    "dust_sim": ("cell", "expert"),
    "dust_executor": ("executor",),
    "dust_demos": ("teleop", "recorder"),
    "joy": ("game_controller_node",),
}


@pytest.fixture
def prefix(tmp_path):
    """Return a prefix with packages that say how they were started, and the real dust_bringup."""
    markers = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    markers.mkdir(parents=True)
    for package, names in EXECUTABLES.items():
        (markers / package).touch()
        for name in names:
            program = tmp_path / "lib" / package / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(ECHO)
            program.chmod(0o755)
    (tmp_path / "share" / "dust_bringup").symlink_to(ROOT)
    return tmp_path


def launched(prefix, *words):
    """Return exit code and output of the launch file, run in the prefix's folder."""
    index = os.pathsep.join([str(prefix), os.environ.get("AMENT_PREFIX_PATH", "")])
    environment = {
        **os.environ,
        "AMENT_PREFIX_PATH": index,
        "OVERRIDE_LAUNCH_PROCESS_OUTPUT": "screen",
    }
    launch = ROOT / "launch" / "collect.launch.py"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(launch), *words],
        env=environment,
        cwd=prefix,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def command(output, name):
    """Return the command line of a node."""
    (line,) = [line for line in output.splitlines() if "NODE" in line and f"/{name} " in line]
    return line


def test_it_starts_arm_gamepad_operator_and_recorder(prefix):
    _, output = launched(prefix, "operator:=Ada")
    assert "config/teleop.yaml" in command(output, "teleop")
    assert "config/recorder.yaml" in command(output, "recorder")
    assert command(output, "game_controller_node")
    assert "lib/dust_sim/cell" in output
    assert "lib/dust_sim/expert" not in output
    assert "Traceback" not in output


def test_another_device_lies_over_the_common_parameters(prefix):
    _, output = launched(prefix, "teleop:=gello", "record:=here", "namespace:=lab")
    line = command(output, "teleop")
    assert line.index("config/teleop.yaml") < line.index("config/teleop_gello.yaml")
    assert "__ns:=/lab" in line


def test_a_driver_that_is_missing_is_named_with_what_installs_it(prefix):
    (prefix / "share/ament_index/resource_index/packages/joy").unlink()
    code, output = launched(prefix)
    assert code == 1
    assert "not installed: joy: sudo apt install ros-" in output
    assert "teleop_device:=false" in output
