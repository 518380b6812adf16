"""The launch file with the real launch libraries, which only a ROS 2 installation brings."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("launch_ros", reason="launch_ros is not among the ROS 2 wheels")

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = ROOT / "launch" / "franka.launch.py"
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
ECHO_LAUNCH = """
import json
from launch import LaunchDescription
from launch.actions import OpaqueFunction

def show(context):
    print("INCLUDED", "{package}", json.dumps(dict(context.launch_configurations)), flush=True)

def generate_launch_description():
    return LaunchDescription([OpaqueFunction(function=show)])
"""
ECHO_NODE = f"#!{sys.executable}\nimport sys\nprint('NODE', *sys.argv, flush=True)\n"


class Launched:
    """A running launch file; its output is kept."""

    def __init__(self, *words: str, prefixes: tuple[Path, ...] = ()) -> None:
        index = os.environ.get("AMENT_PREFIX_PATH", "")
        environment = {**os.environ, "OVERRIDE_LAUNCH_PROCESS_OUTPUT": "screen"}
        environment["AMENT_PREFIX_PATH"] = os.pathsep.join([*map(str, prefixes), index])
        self.output: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(LAUNCH), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, text: str) -> str:
        """Return the next line that holds a text."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line)
            if text in line:
                return line
        raise AssertionError(f"ended without '{text}':\n{''.join(self.output)}")

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        assert self._process.stdout is not None
        self.output += list(self._process.stdout)
        self._process.stdout.close()
        return self._process.wait(timeout=30)

    def line(self, text: str) -> str:
        """Return the only line of the whole output that holds a text."""
        (found,) = [line for line in self.output if text in line]
        return found


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Return a prefix with packages that only say how they were started."""
    controllers = ("crisp_controllers", "joint_trajectory_controller")
    for package in ("franka_bringup", "franka_gripper", *controllers):
        _package(tmp_path, package)
    _package(tmp_path, "franka_bringup", launch="franka.launch.py")
    _package(tmp_path, "zed_wrapper", launch="zed_camera.launch.py")
    _package(tmp_path, "controller_manager", executable="spawner")
    for name in ("executor", "perception", "policy"):
        _package(tmp_path, f"dust_{name}", executable=name)
    _package(tmp_path, "dust_view", executable="view")
    return tmp_path


def _package(prefix: Path, name: str, *, launch: str = "", executable: str = "") -> None:
    marker = prefix / "share/ament_index/resource_index/packages" / name
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    share = prefix / "share" / name
    (share / "launch").mkdir(parents=True, exist_ok=True)
    if launch:
        (share / "launch" / launch).write_text(ECHO_LAUNCH.replace("{package}", name))
    if executable:
        program = prefix / "lib" / name / executable
        program.parent.mkdir(parents=True)
        program.write_text(ECHO_NODE)
        program.chmod(0o755)


def _included(launched: Launched, package: str) -> Iterator[dict[str, str]]:
    for line in launched.output:
        head, _, told = line.partition(f"INCLUDED {package} ")
        if told:
            assert head == ""
            yield json.loads(told)


def test_the_arm_is_started_with_our_controllers(stack):
    launched = Launched("robot:=fr3", "machine:=robot", "robot_ip:=10.0.0.2", prefixes=(stack,))
    assert launched.end() == 0, "".join(launched.output)
    (arm,) = _included(launched, "franka_bringup")
    controllers = Path(arm.pop("controllers_yaml"))
    assert controllers.name == "controllers.yaml"
    assert controllers.is_file()
    assert arm == {
        "robot_type": "fr3",
        "robot_ip": "10.0.0.2",
        "namespace": "",
        "load_gripper": "true",
        "use_fake_hardware": "false",
    }
    assert "fr3_arm_controller" in launched.line("lib/controller_manager/spawner fr3_arm")
    assert "zed" not in "".join(launched.output)


@pytest.mark.parametrize(
    ("word", "file", "controller"),
    [
        ("use_fake_hardware:=true", "controllers_fake.yaml", "fr3_arm_controller"),
        ("output:=joint_target", "crisp.yaml", "joint_impedance_controller"),
    ],
)
def test_other_hardware_and_output_bring_their_controllers(stack, word, file, controller):
    launched = Launched("robot:=fr3", "machine:=robot", word, prefixes=(stack,))
    assert launched.end() == 0, "".join(launched.output)
    (arm,) = _included(launched, "franka_bringup")
    assert Path(arm["controllers_yaml"]).name == file
    assert arm["use_fake_hardware"] == str("fake" in word).lower()
    launched.line(f"lib/controller_manager/spawner {controller}")


def test_position_commands_are_refused_on_the_arm(stack):
    position = ROOT / "config" / "controllers_fake.yaml"
    words = ("robot:=fr3", "machine:=robot", f"controllers:={position}")
    launched = Launched(*words, prefixes=(stack,))
    assert launched.end() == 1
    assert "commands position" in launched.line("use_fake_hardware:=true")
    assert "Traceback" not in "".join(launched.output)


def test_each_camera_has_its_own_name_and_serial_number(stack):
    words = ("robot:=fr3", "machine:=gpu", "wrist_serial:=11", "side_serial:=22")
    launched = Launched(*words, prefixes=(stack,))
    assert launched.end() == 0, "".join(launched.output)
    cameras = list(_included(launched, "zed_wrapper"))
    assert [c["camera_name"] for c in cameras] == ["zed_wrist", "zed_side"]
    assert [c["serial_number"] for c in cameras] == ["11", "22"]
    assert {c["publish_tf"] for c in cameras} == {"false"}
    assert {c["namespace"] for c in cameras} == {""}
    assert all(Path(c["ros_params_override_path"]).is_file() for c in cameras)


def test_a_namespace_reaches_all_of_it(stack):
    launched = Launched("robot:=fr3", "namespace:=lab", prefixes=(stack,))
    assert launched.end() == 0, "".join(launched.output)
    assert [arm["namespace"] for arm in _included(launched, "franka_bringup")] == ["lab"]
    cameras = [c["namespace"] for c in _included(launched, "zed_wrapper")]
    assert cameras == ["lab/zed_wrist", "lab/zed_side"]
    perception = launched.line("NODE " + str(stack / "lib/dust_perception"))
    assert "__ns:=/lab" in perception
    assert "zed_side/zed_node/rgb/color/rect/image:=zed_side/zed_side/rgb" in perception


def test_missing_packages_are_named_in_one_line():
    launched = Launched("robot:=fr3")
    assert launched.end() == 1
    told = launched.line("not installed")
    assert "zed_wrapper: build from source" in told
    assert "sudo apt install ros-" in told
    assert "Traceback" not in "".join(launched.output)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("action_steps:=four", "action_steps:=four: must be a whole number"),
        ("checkpoint:=/gone", "checkpoint:=/gone: /gone does not exist"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(word, said):
    launched = Launched(word)
    assert launched.end() == 1
    assert said in launched.line("Caught exception in launch")
    assert "Traceback" not in "".join(launched.output)


def test_a_node_that_refuses_its_parameters_ends_the_launch(tmp_path, ros_domain):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("/**/dust_sim: {ros__parameters: {camera_rate: -5.0}}\n")
    launched = Launched("policy:=expert", f"params_file:={wrong}")
    assert launched.end() == 1
    assert "camera_rate" in launched.line("error: parameter")


def test_the_simulated_cell_comes_up_and_ends_on_ctrl_c(ros_domain):
    launched = Launched("policy:=expert")
    launched.wait_for("cell is up")
    assert launched.interrupt() == 0, "".join(launched.output)
    finished = [line for line in launched.output if "process has finished cleanly" in line]
    assert len(finished) == 3
