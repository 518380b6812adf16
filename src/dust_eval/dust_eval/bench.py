"""Program: speed of the model and of the running graph on this machine, with the spread.

python -m dust_eval.bench --only model --sizes tiny n1
python -m dust_eval.bench --only graph --runs 3 --seconds 60
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from dust_eval.bench_machine import machine_lines

PARTS = {"model": "dust_eval.bench_model", "graph": "dust_eval.bench_graph"}
"""Parts by name, and the module whose `run` measures each; imported only when asked for."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    made.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    made.add_argument("--out", type=Path, default=Path("out/bench"), help="folder for logs")
    graph = made.add_argument_group("graph")
    graph.add_argument("--runs", type=int, default=3, help="how often the graph is started")
    graph.add_argument("--seconds", type=float, default=60.0, help="length of each measurement")
    model = made.add_argument_group("model")
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
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    options = parser().parse_args(arguments)
    print("\n".join(machine_lines()), flush=True)
    for name in options.only:
        try:
            importlib.import_module(PARTS[name]).run(options)
        # GraphError, and whatever torch says of a device or of memory that is not there.
        except (RuntimeError, ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
