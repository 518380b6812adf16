"""`dust-doctor`: what is wrong with this machine and the graph on it, and how to mend it.

dust-doctor                                     this machine, for the simulated cell
dust-doctor --robot fr3 --machine robot         this machine, as the one that drives the arm
dust-doctor --live 5 --checkpoint out/best      and what a running graph says within 5 s
dust-doctor --json --strict                     for scripts: JSON, warnings count

Exit code: 0 all is well, 1 warnings with --strict, 2 something failed (or a mistake in the call).
Words behind --ros-args reach ROS, such as: --ros-args -r __ns:=/left
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dust_doctor.finding import Finding, Verdict, fail
from dust_doctor.registry import CHECKS, Check, Patient, chosen
from dust_doctor.report import Report
from dust_doctor.surroundings import adopt_profile
from dust_doctor.system import System
from dust_doctor.wishes import IMAGE_TOPICS, Machine, Robot, Wishes

MISTAKE = 2
_ROS_ARGUMENTS = "--ros-args"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    cut = words.index(_ROS_ARGUMENTS) if _ROS_ARGUMENTS in words else len(words)
    options = _parser().parse_args(words[:cut])
    if options.list:
        print(_table())
        return 0
    try:
        report = _examine(options, words[cut:])
    except (ValueError, OSError) as error:
        print(f"dust-doctor: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("dust-doctor: interrupted", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(report.to_values(), indent=2))
    else:
        print("\n".join(report.lines(colour=sys.stdout.isatty())))
    return report.exit_code(strict=options.strict)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    robots, machines = [str(row) for row in Robot], [str(row) for row in Machine]
    add("--robot", choices=robots, default="sim", help="sim (default) or fr3, as when launching")
    add("--machine", choices=machines, default="all", help="what runs here; all by default")
    add("--live", type=_seconds, metavar="SEC", help="listen to a running graph for so long")
    add("--checkpoint", type=Path, help="folder of the policy's checkpoint")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="the policy's device")
    add("--record", type=Path, metavar="FOLDER", help="folder that episodes go to")
    add("--hours", type=_seconds, default=1.0, help="how long is to be recorded (1)")
    add("--camera-rate", type=_seconds, default=15.0, metavar="HZ", help="rate of each camera (15)")
    add("--image", action="append", default=[], metavar="VIEW=TOPIC", help="another image topic")
    add("--only", nargs="+", metavar="CHECK", help="only these checks")
    add("--strict", action="store_true", help="exit with 1 if there are warnings")
    add("--json", action="store_true", help="print JSON")
    add("--list", action="store_true", help="list the checks")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: must be above 0")
    return value


def _table() -> str:
    width = max(len(check.name) for check in CHECKS)
    rows = [f"{c.name:{width}}  {'live  ' if c.live else '      '}{c.about}" for c in CHECKS]
    return "\n".join(rows)


def _wishes(options: argparse.Namespace) -> Wishes:
    return Wishes(
        robot=Robot(options.robot),
        machine=Machine(options.machine),
        checkpoint=options.checkpoint,
        device=options.device,
        record=options.record,
        hours=options.hours,
        camera_rate=options.camera_rate,
        image_topics={**IMAGE_TOPICS, **dict(map(_image, options.image))},
    )


def _image(text: str) -> tuple[str, str]:
    view, equals, topic = text.partition("=")
    if not (view and equals and topic):
        raise ValueError(f"--image {text}: write VIEW=TOPIC, such as --image top=zed_top/rgb/image")
    return view, topic


def _examine(options: argparse.Namespace, ros_arguments: Sequence[str]) -> Report:
    checks = chosen(options.only)
    patient = Patient(System(), _wishes(options))
    adopt_profile(patient.wishes)
    failure: Finding | None = None
    if options.live and any(check.live for check in checks):
        failure = _listen(patient, options.live, ros_arguments)
    return Report(
        [(c.name, failure if failure and c.live else _finding(c, patient)) for c in checks]
    )


def _listen(patient: Patient, seconds: float, ros_arguments: Sequence[str]) -> Finding | None:
    """Hear the graph; return what to say of the live checks if ROS is not there."""
    try:
        # Imported here: the other checks run without ROS.
        from dust_doctor.listener import listen
    except ImportError as error:
        return fail(f"cannot listen: {error}", "source ROS 2 and the workspace")
    print(f"listening for {seconds:g} s", file=sys.stderr)
    patient.graph = listen(patient.wishes, seconds, ros_arguments)
    return None


def _finding(check: Check, patient: Patient) -> Finding:
    try:
        return check.examine(patient)
    except Exception as error:  # one check that breaks must not hide the others
        says = f"the check itself broke: {type(error).__name__}: {error}"
        return Finding(Verdict.FAIL, says, "report it, with the output of --json")


if __name__ == "__main__":
    sys.exit(main())
