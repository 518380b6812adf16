"""Which ros2_control file drives the arm: effort on a real one, position on mock hardware only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dust_start.conditions import Scalar
from dust_start.errors import StartError

_TARGETS = "joint_target"


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller that follows the executor: its name and the package that it comes from."""

    name: str
    package: str


def controller(values: Mapping[str, Scalar]) -> Controller:
    """Return the controller to start for the launch arguments."""
    if values["output"] == _TARGETS:
        return Controller("joint_impedance_controller", "crisp_controllers")
    return Controller("fr3_arm_controller", "joint_trajectory_controller")


def controllers_file(share: Path, values: Mapping[str, Scalar]) -> Path:
    """Return the ros2_control file for the launch arguments, checked.

    Args:
        share: folder that our own config/ lies in
        values: use_fake_hardware, controllers (empty: ours) and output

    Raises:
        StartError: the file cannot be read, or commands what the hardware must not be sent
    """
    own = "controllers_fake.yaml" if values["use_fake_hardware"] else "controllers.yaml"
    if values["output"] == _TARGETS:
        own = "crisp.yaml"
    given = str(values["controllers"])
    path = Path(given) if given else share / "config" / own
    _check(path, fake=bool(values["use_fake_hardware"]))
    return path


def _check(path: Path, *, fake: bool) -> None:
    for name, kinds in command_interfaces(path).items():
        others = [kind for kind in kinds if kind != "effort"]
        if others and not fake:
            raise StartError(
                f"{path}: {name} commands {others[0]}, whose rate the arm does not limit: "
                "use effort, or use_fake_hardware:=true"
            )
        if fake and kinds != ["position"]:
            raise StartError(
                f"{path}: {name} commands {', '.join(kinds)}, but mock hardware follows position "
                "only: use position, or use_fake_hardware:=false"
            )


def command_interfaces(path: Path) -> dict[str, list[str]]:
    """Return the command interfaces that a ros2_control file names, by controller.

    Raises:
        StartError: the file cannot be read
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise StartError(f"{path}: not valid YAML") from None
    return dict(_walk(content, ""))


def _walk(content: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key == "command_interfaces" and isinstance(value, list):
            yield name, [str(kind) for kind in value]
        else:
            # ros__parameters is a level of its own between a controller and its parameters.
            yield from _walk(value, name if key == "ros__parameters" else str(key))
