"""Stamps that jump: a clock was set, or two hosts' clocks are not the same one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from numpy.typing import NDArray

from dust_demos.conversion.faults import EpisodeFault, Gate


def check_stamps(
    name: str, received: Sequence[int], stamps: Sequence[int], *, max_step_ns: int
) -> None:
    """Complain if a topic's stamps step back, or ahead of the recorder's clock.

    Args:
        name: topic.
        received: when its messages were received, in the order of arrival, ns.
        stamps: their stamps, ns.
        max_step_ns: what is still taken for messages that overtook each other.

    Raises:
        EpisodeFault: the first jump, with its size.
    """
    steps, arrivals = _steps(stamps), np.maximum(_steps(received), 0)
    # Silence makes both clocks run on; only the excess is a jump. A simulation may run faster or
    # slower than the recorder's clock.
    ahead = steps - _ratio(steps, arrivals) * arrivals
    jumps = np.flatnonzero((steps < -max_step_ns) | ((ahead > max_step_ns) & (steps > max_step_ns)))
    if not len(jumps):
        return
    step = int(steps[jumps[0]])
    raise EpisodeFault(
        Gate.CLOCK,
        f"the clock jumps: stamps of {name} step {'back' if step < 0 else 'ahead'} by "
        f"{abs(step) * 1e-9:.3f} s",
    )


def _steps(times: Sequence[int]) -> NDArray[np.int64]:
    known = np.asarray(times, np.int64)
    return np.subtract(known[1:], known[:-1])


def _ratio(steps: NDArray[np.int64], arrivals: NDArray[np.int64]) -> float:
    usual = [float(np.median(known)) if len(known) else 0.0 for known in (steps, arrivals)]
    return usual[0] / usual[1] if min(usual) > 0 else 1.0


def check_arrival(folder: Path, topics: Sequence[str], *, max_step_ns: int) -> None:
    """Complain if the recorder's own clock stepped back while it recorded.

    Readers give messages sorted by that clock, which hides the step; the order in an MCAP file
    is that of arrival. Bags in other formats pass.

    Raises:
        EpisodeFault: the first jump, with its size.
    """
    newest: dict[str, int] = {}
    for topic, time_ns in _arrivals(folder, topics):
        before = newest.get(topic, time_ns)
        if time_ns < before - max_step_ns:
            raise EpisodeFault(
                Gate.CLOCK,
                f"the clock jumps: the recorder's steps back by {(before - time_ns) * 1e-9:.3f} s "
                f"at a message of {topic}",
            )
        newest[topic] = max(before, time_ns)


def _arrivals(folder: Path, topics: Sequence[str]) -> Iterator[tuple[str, int]]:
    for file in sorted(folder.glob("*.mcap")):
        try:
            with file.open("rb") as stream:
                reader = make_reader(stream)
                for _, channel, message in reader.iter_messages(topics, log_time_order=False):
                    yield channel.topic, message.log_time
        except (McapError, OSError):
            return  # a file that was cut off; whoever reads it says so
