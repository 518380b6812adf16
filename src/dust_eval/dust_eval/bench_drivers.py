"""Who drives in a measurement, and whether that can be, told before the first graph is started."""

from argparse import Namespace
from collections.abc import Mapping, Sequence

from dust_eval.bench_arguments import ACTION_STEPS
from dust_eval.driver import Driver, one_driver
from dust_eval.graph_check import OWN, require_effect, require_free, require_graph

FIXED_STEPS = 4
"""N_o of the fixed schedule that `auto` must not fall behind."""

_SCHEDULE_OWN = {**OWN, "action_steps": "", "vision_steps": "--most", "schedule": ""}


def schedule_words(options: Namespace) -> dict[str, list[str]]:
    """Return the arguments of the graph that make each schedule, by its name."""
    steps = f"action_steps:={ACTION_STEPS}"
    return {
        "auto": [steps, "schedule:=auto", f"vision_steps:={options.most}"],
        "fixed": [steps, "schedule:=fixed", f"vision_steps:={FIXED_STEPS}"],
    }


def require_drivers(options: Namespace) -> None:
    """Raise ValueError, one line, if a graph of the chosen parts could not run as it is asked for.

    Args:
        options: The command line of `bench`.
    """
    if "graph" in options.only:
        _require(one_driver(""), [], [])
    if "schedule" in options.only:
        driver = one_driver(options.checkpoint)
        if driver.is_expert:
            raise ValueError("the expert takes no vision steps: give --checkpoint a folder")
        for words in schedule_words(options).values():
            _require(driver, words, options.graph, _SCHEDULE_OWN)
    if "memory" in options.only and not options.watch:
        _require(one_driver(options.checkpoint), [], options.graph)


def _require(
    driver: Driver, words: Sequence[str], given: Sequence[str], own: Mapping[str, str] = OWN
) -> None:
    asked = [*driver.arguments, *given]
    ours = ["robot:=sim", *driver.seat, *words]
    require_free(asked, own)
    require_graph([*ours, *asked])
    require_effect(ours, asked)
