"""The environment that ROS nodes of this workspace need, on a machine without a sourced ROS.

`python -m dust_start.environment` prints it as shell exports, `... -- command` runs a command in
it. Standard library only: it also runs on a Python outside the venv.
"""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dust_start import index

_PATHS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH")


def workspace_environment(
    base: Mapping[str, str] = os.environ, venv: Path | None = None
) -> dict[str, str]:
    """Return an environment in which the workspace's packages and ROS are found.

    Args:
        base: environment to start from; where dust_bringup is in its ament index it is sourced
            already and only gets the commands that are no nodes
        venv: the virtual environment that is the ROS prefix, None for this Python's
    """
    if index.prefix_of("dust_bringup", base) is not None:
        return {**base, "PATH": _with_commands(base)}
    prefix = venv or Path(sys.prefix)
    install = install_base(prefix)
    found: dict[str, list[str]] = {name: [] for name in _PATHS}
    for package in sorted(install.glob("*/share/*/package.dsv")):
        for name, path in _read_dsv(package, package.parents[2]):
            if name in found and path not in found[name]:
                found[name].append(path)
    found["PATH"] += _command_folders(install)
    _add_wheels(found, prefix)
    return _applied(base, found)


def install_base(venv: Path) -> Path:
    """Return colcon's install folder that belongs to a venv."""
    return venv.parent / "install" if venv.name == ".venv" else venv / "ws" / "install"


def shell_exports(environment: Mapping[str, str], base: Mapping[str, str]) -> str:
    """Return the export lines that turn `base` into `environment`."""
    changed = {name: text for name, text in environment.items() if base.get(name) != text}
    return "\n".join(f"export {name}={shlex.quote(text)}" for name, text in changed.items())


def main(argv: Sequence[str], venv: Path | None = None) -> int:
    """Print the exports, or replace this process by the command after `--`."""
    environment = workspace_environment(os.environ, venv)
    if not argv:
        print(shell_exports(environment, os.environ))
        return 0
    command = list(argv[1:] if argv[0] == "--" else argv)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def _read_dsv(file: Path, prefix: Path) -> Iterator[tuple[str, str]]:
    """Yield (variable, path) of the prepends that a colcon or ament .dsv file asks for."""
    for line in file.read_text(encoding="utf-8").splitlines():
        operation, _, rest = line.partition(";")
        if operation == "source" and rest.endswith(".dsv"):
            yield from _read_dsv(prefix / rest, prefix)
        elif operation == "source" and (prefix / rest).with_suffix(".dsv").is_file():
            yield from _read_dsv((prefix / rest).with_suffix(".dsv"), prefix)
        elif operation.startswith("prepend-non-duplicate"):
            name, _, relative = rest.partition(";")
            path = prefix / relative
            if path.exists() or not operation.endswith("if-exists"):
                yield name, str(path)


def _command_folders(install: Path) -> list[str]:
    """Return where the commands lie that are no nodes (dust-train): ROS keeps them off the PATH."""
    return sorted({str(command.parent) for command in install.glob("*/lib/*/dust-*")})


def _with_commands(base: Mapping[str, str]) -> str:
    """Return the PATH with those commands of the workspaces that are sourced."""
    prefixes = filter(None, base.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    commands = [
        str(file.parent) for prefix in prefixes for file in Path(prefix).glob("lib/*/dust-*")
    ]
    kept = base.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([*sorted(commands), *kept]))


def _add_wheels(found: dict[str, list[str]], prefix: Path) -> None:
    found["PATH"].insert(0, str(prefix / "bin"))
    found["AMENT_PREFIX_PATH"].append(str(prefix))
    found["CMAKE_PREFIX_PATH"].append(str(prefix))
    libraries = prefix.glob("lib/python3.*/site-packages/ros_*.libs")
    found["LD_LIBRARY_PATH"] += [str(prefix / "lib"), *sorted(map(str, libraries))]


def _applied(base: Mapping[str, str], found: Mapping[str, list[str]]) -> dict[str, str]:
    environment = dict(base)
    for name, paths in found.items():
        # Only the PATH is added to: what another ROS has put into the others would mix releases.
        kept = base.get(name, os.defpath).split(os.pathsep) if name == "PATH" else []
        environment[name] = os.pathsep.join(dict.fromkeys([*paths, *kept]))
    # The wheels' bootstrapper would start each Python twice to set LD_LIBRARY_PATH.
    environment["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    return environment


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
