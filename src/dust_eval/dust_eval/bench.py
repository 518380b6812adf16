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

from dust_eval.bench_arguments import ACTION_STEPS, multiple, number, out_folder, whole
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

USED_BY = {
    ("graph", "schedule"): ("runs",),
    ("executor", "graph", "schedule"): ("seconds",),
    ("schedule", "memory"): ("checkpoint", "graph"),
    ("schedule",): ("most", "load"),
    ("memory",): ("minutes", "warm_up", "interval", "watch", "domain"),
    ("model",): ("cases", "sizes", "device", "threads", "clock", "budget"),
}
"""Options by the parts that look at them."""

SCHEDULE_SEC = 3.0
"""Shortest measurement of schedule: a third of it is under load. Unit: s."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    made.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(USUAL), help="default: all but memory"
    )
    made.add_argument(
        "--out", type=out_folder, default=Path("out/bench"), help="folder for logs, JSON"
    )
    graph = made.add_argument_group("graph, executor, schedule")
    graph.add_argument(
        "--runs", type=whole(1, 1000), default=3, help="how often the graph is started"
    )
    graph.add_argument(
        "--seconds", type=number(1.0), default=60.0, help="length of each measurement"
    )
    driven = made.add_argument_group("schedule, memory")
    driven.add_argument(
        "--checkpoint",
        default="",
        help="who drives; default: the shipped policy; memory: or expert",
    )
    driven.add_argument(
        "--graph", nargs="+", default=[], metavar="NAME:=VALUE", help="arguments of the graph"
    )
    driven.add_argument(
        "--most",
        type=multiple(ACTION_STEPS, 1024),
        default=64,
        help=f"most vision steps of schedule: auto; a multiple of {ACTION_STEPS}",
    )
    driven.add_argument(
        "--load", type=whole(0, 4096), default=0, help="busy processes; default: all cores"
    )
    _add_memory(made.add_argument_group("memory"))
    _add_model(made.add_argument_group("model"))
    return made


def _add_memory(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--minutes", type=number(0.01), default=30.0, help="length of the measurement"
    )
    group.add_argument("--warm-up", type=number(0.0), default=120.0, help="seconds before that")
    group.add_argument(
        "--interval", type=number(0.01), default=10.0, help="seconds between two samples"
    )
    group.add_argument(
        "--watch", action="store_true", help="the nodes of a graph that runs already, to its end"
    )
    group.add_argument(
        "--domain", type=whole(0, 232), help="watch only the nodes of this ROS domain"
    )


def _add_model(model: argparse._ArgumentGroup) -> None:
    model.add_argument(
        "--cases", nargs="+", choices=("sampler", "encode", "train"), help="default: all"
    )
    model.add_argument("--sizes", nargs="+", choices=("tiny", "n1"), default=["tiny", "n1"])
    model.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of the network")
    model.add_argument(
        "--threads", type=whole(1, 1024), default=1, help="CPU threads of the network"
    )
    model.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: time of the processor on a shared machine; it counts all threads",
    )
    model.add_argument(
        "--budget", type=number(0.0), default=20.0, help="seconds for each comparison"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code: 2 for a mistake in what was asked, 1 for others."""
    options = parser().parse_args(arguments)
    try:
        _require_possible(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
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


def _require_possible(options: argparse.Namespace) -> None:
    """Raise ValueError if a part would refuse later, after minutes of others, what is asked for."""
    _require_used(options)
    if "schedule" in options.only and options.seconds < SCHEDULE_SEC:
        raise ValueError(f"--seconds {options.seconds:g}: schedule takes at least {SCHEDULE_SEC:g}")
    if "model" in options.only and options.device != "cpu":
        # Imported here: torch takes seconds that what needs no network can spare.
        from dust_model.devices import usable

        usable(options.device)
    if {"graph", "schedule", "memory"} & set(options.only):
        # Imported here: it takes ROS 2, which the model's part goes without.
        from dust_eval.bench_drivers import require_drivers

        require_drivers(options)


def _require_used(options: argparse.Namespace) -> None:
    """Raise ValueError if an option is given that none of the chosen parts looks at."""
    usual = parser().parse_args([])
    given = {name for name, value in vars(options).items() if value != getattr(usual, name)}
    for parts, names in USED_BY.items():
        unused = [name for name in names if name in given]
        if unused and not set(parts) & set(options.only):
            listed = " and ".join(parts)
            raise ValueError(f"{_option(unused[0])} is for {listed}: add --only {parts[0]}")
    if options.watch:
        driven = [name for name in ("checkpoint", "graph", "minutes") if name in given]
        if driven and options.only == ["memory"]:
            raise ValueError(f"{_option(driven[0])}: with --watch somebody else drives, to the end")
    elif "domain" in given:
        raise ValueError("--domain is for --watch: a graph of our own has a domain of its own")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    sys.exit(main())
