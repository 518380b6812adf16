"""`dust-plot`: raw, limited and measured joint trajectories of a bag, as a picture.

dust-plot BAG -o motion.png                       all joints, all the time
dust-plot BAG -o motion.pdf --joints 2 4 --from 3 --to 8

Raw is what the policy sent, limited what the executor published, measured what the arm did.
Vertical lines are seams: there, a new chunk took over.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from dust_demos.recording.bag import Bag
from dust_view.figure import draw
from dust_view.fr3 import ARM_JOINTS
from dust_view.motion import Motion, read_motion
from dust_view.trajectory import NS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Its exit code: 0, 2 for a mistake, 130 for Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        _require_writable(options.output)
        with Bag.open(options.bag) as bag:
            motion = read_motion(bag, ARM_JOINTS)
        begin, end = _span(motion, options.begin, options.end)
        joints = [number - 1 for number in options.joints]
        draw(motion, joints, begin, end, options.output)
    except (ValueError, OSError) as error:
        print(f"dust-plot: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dust-plot: interrupted", file=sys.stderr)
        return 130
    print(
        f"{options.output}: {end - begin:.1f} s, {len(motion.raw)} chunks, "
        f"{len(motion.seams_ns)} seams"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("dust-plot", description="Draw the joint motion of a bag.")
    add = parser.add_argument
    numbers = range(1, len(ARM_JOINTS) + 1)
    add("bag", type=Path, help="recorded episode: a rosbag2 folder or a file in it")
    add(*("-o", "--output"), type=Path, default=Path("motion.png"), help="picture to write")
    add("--joints", type=int, nargs="+", choices=numbers, default=list(numbers), help="which")
    add("--from", type=float, default=0.0, dest="begin", help="s after the start of the motion")
    add("--to", type=float, default=math.inf, dest="end", help="s after the start of the motion")
    return parser


def _require_writable(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the picture's name, such as {path / 'a.png'}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path.parent} is no folder: create it first")


def _span(motion: Motion, begin: float, end: float) -> tuple[float, float]:
    times = [rows[-1] for rows in (motion.limited_ns, motion.measured_ns) if len(rows)]
    last = (max(int(time) for time in times) - motion.begin_ns) / NS
    if not 0.0 <= begin < min(end, last):
        raise ValueError(f"the motion lasts {last:.1f} s: give 0 <= --from < --to within it")
    return begin, min(end, last)


def _one_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
