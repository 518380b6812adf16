import os
import subprocess
import sys
from pathlib import Path

import pytest

from dust_start import environment
from dust_start.environment import install_base, shell_exports, workspace_environment


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a venv beside an install folder with one C++ and one linked Python package."""
    share = tmp_path / "install/msgs/share/msgs"
    (share / "environment").mkdir(parents=True)
    (tmp_path / "install/msgs/lib").mkdir()
    (share / "package.dsv").write_text(
        "source;share/msgs/local_setup.bash\nsource;share/msgs/local_setup.dsv\n"
    )
    (share / "local_setup.dsv").write_text(
        "source;share/msgs/environment/ament_prefix_path.dsv\n"
        "source;share/msgs/environment/library_path.dsv\n"
    )
    (share / "environment/ament_prefix_path.dsv").write_text(
        "prepend-non-duplicate;AMENT_PREFIX_PATH;\n"
    )
    (share / "environment/library_path.dsv").write_text(
        "prepend-non-duplicate;LD_LIBRARY_PATH;lib\nprepend-non-duplicate-if-exists;PATH;gone\n"
    )
    linked = tmp_path / "install/nodes/share/nodes"
    (linked / "hook").mkdir(parents=True)
    (linked / "package.dsv").write_text("source;share/nodes/hook/pythonpath_develop.dsv\n")
    (linked / "hook/pythonpath_develop.dsv").write_text(
        f"prepend-non-duplicate;PYTHONPATH;{tmp_path}/build/nodes\n"
    )
    (tmp_path / ".venv/lib").mkdir(parents=True)
    return tmp_path


def test_the_built_packages_and_the_wheels_are_found(workspace):
    venv = workspace / ".venv"
    made = workspace_environment({"PATH": "/usr/bin"}, venv)
    assert made["AMENT_PREFIX_PATH"] == f"{workspace}/install/msgs{os.pathsep}{venv}"
    assert made["LD_LIBRARY_PATH"] == f"{workspace}/install/msgs/lib{os.pathsep}{venv}/lib"
    assert made["PYTHONPATH"] == f"{workspace}/build/nodes"
    assert made["PATH"] == f"{venv}/bin{os.pathsep}/usr/bin"


def test_commands_are_on_the_path_and_nodes_are_not(workspace):
    for package, program in (("model", "dust-train"), ("nodes", "policy")):
        folder = workspace / "install" / package / "lib" / package
        folder.mkdir(parents=True)
        (folder / program).touch()
    made = workspace_environment({"PATH": "/usr/bin"}, workspace / ".venv")
    folders = made["PATH"].split(os.pathsep)
    assert folders[1:] == [f"{workspace}/install/model/lib/model", "/usr/bin"]


def test_paths_of_another_ros_do_not_leak_in(workspace):
    base = {"PATH": "/usr/bin", "PYTHONPATH": "/opt/ros/old", "LD_LIBRARY_PATH": "/opt/ros/old/lib"}
    made = workspace_environment(base, workspace / ".venv")
    assert "/opt/ros/old" not in " ".join(made.values())


def test_a_sourced_workspace_stays_as_it_is(tmp_path):
    marker = tmp_path / "share/ament_index/resource_index/packages/dust_bringup"
    marker.parent.mkdir(parents=True)
    marker.touch()
    base = {"AMENT_PREFIX_PATH": str(tmp_path), "PATH": "/usr/bin"}
    assert workspace_environment(base, tmp_path / ".venv") == base


def test_a_sourced_workspace_gets_the_commands_that_ros_keeps_off_the_path(tmp_path):
    marker = tmp_path / "share/ament_index/resource_index/packages/dust_bringup"
    command = tmp_path / "lib/dust_doctor/dust-doctor"
    node = tmp_path / "lib/dust_executor/executor"
    for file in (marker, command, node):
        file.parent.mkdir(parents=True)
        file.touch()
    prefixes = os.pathsep.join(["/opt/ros/jazzy", str(tmp_path)])
    base = {"AMENT_PREFIX_PATH": prefixes, "PATH": "/usr/bin"}
    path = workspace_environment(base, tmp_path / ".venv")["PATH"]
    assert path == os.pathsep.join([str(command.parent), "/usr/bin"])


def test_another_release_has_its_own_install_folder(tmp_path):
    assert install_base(tmp_path / ".venv") == tmp_path / "install"
    assert install_base(tmp_path / ".venv-kilted") == tmp_path / ".venv-kilted/ws/install"


def test_exports_hold_what_changed_and_survive_the_shell():
    exports = shell_exports({"A": "it's", "B": "same"}, {"B": "same"})
    shown = subprocess.run(["sh", "-c", f'{exports}\nprintf %s "$A"'], capture_output=True)
    assert shown.stdout == b"it's"
    assert "B" not in exports


def test_a_command_runs_in_the_environment(workspace):
    script = "import os, sys; print(os.environ['PYTHONPATH'])"
    program = (
        f"import sys; sys.path.insert(0, {str(Path(environment.__file__).parents[1])!r});"
        "from dust_start.environment import main; from pathlib import Path;"
        f"main(['--', {sys.executable!r}, '-S', '-c', {script!r}],"
        f" Path({str(workspace / '.venv')!r}))"
    )
    bare = {"PATH": os.environ["PATH"]}
    shown = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, env=bare
    )
    assert shown.stdout.strip() == f"{workspace}/build/nodes", shown.stderr


def test_an_unknown_command_is_told(workspace, capsys):
    assert environment.main(["--", "no-such-command"], workspace / ".venv") == 127
    assert "no-such-command" in capsys.readouterr().err
