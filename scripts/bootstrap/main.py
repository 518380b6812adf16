"""The command line of the set-up: the order of the stages."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap import machine, packages, wheels, workspace
from bootstrap.console import Console, SetupError
from bootstrap.layout import DISTROS, Layout
from bootstrap.stamps import Stamps

ROOT = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str]) -> int:
    """Set up the workspace; return the exit code."""
    options = _parse(argv)
    try:
        if not options.wheels and ros_is_sourced():
            return _explain_sourced(os.environ["ROS_DISTRO"])
        _set_up(Layout(ROOT, options.distro), tuple(options.parts))
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


def ros_is_sourced() -> bool:
    """Whether a ROS 2 installation (apt, source) is in this environment."""
    if "ROS_DISTRO" not in os.environ:
        return False
    asked = subprocess.run([sys.executable, "-c", "import rclpy"], capture_output=True)
    return asked.returncode == 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="setup.py", description=__doc__)
    parser.add_argument(
        "--distro",
        choices=DISTROS,
        default=os.environ.get("DISTRO") or "jazzy",
        help="release of ROS 2 (default: the environment variable DISTRO, else jazzy)",
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=packages.PARTS,
        default=packages.PARTS,
        help="what to install besides ROS 2; `executor` alone needs no torch and no MuJoCo",
    )
    parser.add_argument(
        "--wheels", action="store_true", help="use the wheels although a ROS 2 is sourced"
    )
    options = parser.parse_args(argv)
    if options.distro not in DISTROS:  # argparse takes a default as it is
        parser.error(f"DISTRO={options.distro}: must be one of {', '.join(DISTROS)}")
    return options


def _explain_sourced(distro: str) -> int:
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    if any((Path(prefix) / "share" / "dust_bringup").is_dir() for prefix in prefixes):
        print(f"ROS 2 {distro} and this workspace are sourced: nothing to set up")
        return 0
    raise SetupError(
        f"ROS 2 {distro} is sourced, so build with it: rosdep install --from-paths . src "
        "--ignore-src -y && pip install --break-system-packages -r requirements/apt.txt && pip "
        "install --break-system-packages --no-deps -r requirements/assets.txt && colcon build && "
        "source install/setup.bash (or take the wheels all the same: make setup WHEELS=1)"
    )


def _set_up(layout: Layout, parts: tuple[str, ...]) -> None:
    console = Console()
    machine.check_architecture()
    machine.ensure(machine.parts(rendering="sim" in parts), console)
    packages.ensure_venv(layout, console)
    stamps = Stamps(layout.stamps)
    for name in packages.requirement_names(layout.distro, parts):
        packages.ensure_requirements(layout, name, stamps, console)
    wheels.ensure_mended(layout, stamps, console)
    workspace.ensure_built(layout, stamps, console)
    console.step(f"Ready: ROS 2 {layout.distro}, {layout.venv.name}")
