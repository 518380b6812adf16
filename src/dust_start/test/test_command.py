import pytest

from dust_start.command import command_line
from dust_start.errors import StartError
from dust_start.graph import NodeSpec


def test_a_spec_becomes_ros_arguments(install, tmp_path):
    environment = install("node", "")
    (tmp_path / "a.yaml").touch()
    spec = NodeSpec(
        name="one",
        package="fake",
        executable="node",
        namespace="lab",
        parameter_files=(tmp_path / "a.yaml",),
        parameters={"viewer": "off", "clock": True, "steps": 4},
        remappings=(("from", "to"),),
        arguments=("-d", "file"),
    )
    program, *words = command_line(spec, environment)
    assert program.endswith("lib/fake/node")
    assert words[:7] == ["-d", "file", "--ros-args", "-r", "__node:=one", "-r", "__ns:=/lab"]
    assert words[7:9] == ["--params-file", str(tmp_path / "a.yaml")]
    assert words[9:] == (
        ["-p", 'viewer:="off"', "-p", "clock:=true", "-p", "steps:=4", "-r", "from:=to"]
    )


def test_a_missing_executable_is_told(install):
    with pytest.raises(StartError, match="package fake has no executable 'other'"):
        command_line(NodeSpec("one", "fake", "other"), install("node", ""))


def test_a_missing_parameter_file_is_told(install, tmp_path):
    spec = NodeSpec("one", "fake", "node", parameter_files=(tmp_path / "gone.yaml",))
    with pytest.raises(StartError, match=r"gone.yaml does not exist"):
        command_line(spec, install("node", ""))
