"""Program: speed of executor, model and running graph on this machine, with the spread.

python -m dust_eval.bench --only model --sizes tiny n1
python -m dust_eval.bench --only graph --runs 3 --seconds 60
python -m dust_eval.bench --only schedule --checkpoint out/train/default/best
python -m dust_eval.bench --only memory --minutes 30
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from dust_eval.bench_machine import machine_lines

PARTS = {
    "executor": "dust_eval.bench_executor",
    "model": "dust_eval.bench_model",
    "graph": "dust_eval.bench_graph",
    "schedule": "dust_eval.bench_schedule",
    "memory": "dust_eval.bench_memory",
}
"""Parts by name, and the module whose `run` measures each; imported only when asked for."""

USUAL = tuple(name for name in PARTS if name != "memory")
"""Parts that are measured unless others are asked for: memory takes half an hour."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    made.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(USUAL), help="default: all but memory"
    )
    made.add_argument("--out", type=Path, default=Path("out/bench"), help="folder for logs, JSON")
    graph = made.add_argument_group("graph, executor, schedule")
    graph.add_argument("--runs", type=int, default=3, help="how often the graph is started")
    graph.add_argument("--seconds", type=float, default=60.0, help="length of each measurement")
    driven = made.add_argument_group("schedule, memory")
    driven.add_argument(
        "--checkpoint",
        default="",
        help="who drives; default: the shipped policy; memory: or expert",
    )
    driven.add_argument(
        "--graph", nargs="+", default=[], metavar="NAME:=VALUE", help="arguments of the graph"
    )
    driven.add_argument("--most", type=int, default=64, help="most vision steps of schedule: auto")
    driven.add_argument("--load", type=int, default=0, help="busy processes; default: all cores")
    _add_memory(made.add_argument_group("memory"))
    _add_model(made.add_argument_group("model"))
    return made


def _add_memory(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--minutes", type=float, default=30.0, help="length of the measurement")
    group.add_argument("--warm-up", type=float, default=120.0, help="seconds before that")
    group.add_argument("--interval", type=float, default=10.0, help="seconds between two samples")
    group.add_argument(
        "--watch", action="store_true", help="the nodes of a graph that runs already, to its end"
    )
    group.add_argument("--domain", type=int, help="watch only the nodes of this ROS domain")


def _add_model(model: argparse._ArgumentGroup) -> None:
    model.add_argument(
        "--cases", nargs="+", choices=("sampler", "encode", "train"), help="default: all"
    )
    model.add_argument("--sizes", nargs="+", choices=("tiny", "n1"), default=["tiny", "n1"])
    model.add_argument("--device", default="cpu", help="cpu or cuda")
    model.add_argument("--threads", type=int, default=1, help="CPU threads of the network")
    model.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: time of the processor on a shared machine; it counts all threads",
    )
    model.add_argument("--budget", type=float, default=20.0, help="seconds for each comparison")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code: 2 for a mistake in what was asked, 1 for others."""
    options = parser().parse_args(arguments)
    print("\n".join(machine_lines()), flush=True)
    for name in options.only:
        try:
            importlib.import_module(PARTS[name]).run(options)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        # GraphError, and whatever torch says of a device or of memory that is not there.
        except (RuntimeError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nbench: stopped", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
