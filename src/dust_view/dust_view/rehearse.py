"""`dust-rehearse`: rehearse a policy on a recorded episode, without launch_ros.

dust-rehearse BAG --checkpoint FOLDER               the table
dust-rehearse BAG --checkpoint FOLDER -o REPORT     and report.json, commands.npz
dust-rehearse BAG --checkpoint FOLDER NAME:=VALUE   further arguments of `python -m dust_start`

The nodes run in a ROS domain of their own.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dust_start.__main__ import main as start
from dust_start.domain import claimed_domain


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Its exit code: 0; 1 when the rehearsal failed; 2 after a mistake.
    """
    options = _parser().parse_intermixed_args(arguments)
    with claimed_domain() as domain:
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        return start(graph_arguments(options))


def graph_arguments(options: argparse.Namespace) -> list[str]:
    """Return what the starter is given for the command's options."""
    words = ["robot:=bag", f"bag:={options.bag}", f"checkpoint:={options.checkpoint}"]
    if options.output:
        words.append(f"report:={options.output}")
    if options.latency is not None:
        words.append(f"latency:={options.latency}")
    return [*words, *options.others]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-rehearse", description="Rehearse a policy on a recorded episode."
    )
    add = parser.add_argument
    add("bag", type=Path, help="recorded episode: a rosbag2 folder or a file in it")
    add("--checkpoint", type=Path, required=True, help="folder of the policy's checkpoint")
    add(*("-o", "--output"), type=Path, help="folder for report.json and commands.npz")
    add("--latency", type=float, help="s from an image to its chunk's arrival; default 0.15")
    add("others", nargs="*", help="further arguments of the starter, name:=value")
    return parser


if __name__ == "__main__":
    sys.exit(main())
