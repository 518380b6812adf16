"""The moments of an episode's rows, and which image of each view belongs to each.

The rule for images is dust_perception's Synchroniser's, word for word: each view's newest image
that is not newer than the row; views that are ahead step back to the slowest one. Here all images
are known and lie in arrays.

wrist   .  a     b     c
side      A     B           C  row     c and C, or c and B if C - c exceeds the skew limit
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.mapping import Gates
from dust_demos.conversion.tracks import Times

SHARE_AHEAD = 0.4
"""Of a camera's period: an image may be this much later than its row. Stamps jitter, and without
it an image a millisecond late would be passed over for the one before; with half a period it could
be the next one."""


def choose(frames: Mapping[str, Times], row_ns: int, gates: Gates) -> dict[str, int]:
    """Return for each view the place of its image in a row.

    Args:
        frames: view -> stamps of its images, rising, ns.
        row_ns: the row's moment, ns.
        gates: limits; `max_ahead` as it is.

    Raises:
        EpisodeFault: there is no such set; the view and the figure are named.
    """
    newest = {view: _newest(view, stamps, row_ns, gates) for view, stamps in frames.items()}
    slowest = min(newest, key=lambda view: int(frames[view][newest[view]]))
    oldest_ns = int(frames[slowest][newest[slowest]])
    chosen = {}
    for view, stamps in frames.items():
        limit = min(oldest_ns + _ns(gates.max_skew), int(stamps[newest[view]]))
        place = _last_until(stamps, limit)
        if place < 0 or row_ns - int(stamps[place]) > _ns(gates.max_age):
            raise _skewed(frames, newest, slowest, gates)
        chosen[view] = place
    times = [int(frames[view][place]) for view, place in chosen.items()]
    if max(times) - min(times) > _ns(gates.max_skew):
        raise _skewed(frames, newest, slowest, gates)
    return chosen


def rows_between(first_ns: int, last_ns: int, fps: float) -> Times:
    """Return the moments from `first_ns` to `last_ns` at `fps`, ns."""
    count = int((last_ns - first_ns) * fps / 1e9 + 1e-6) + 1
    return first_ns + np.round(np.arange(count) * (1e9 / fps)).astype(np.int64)


def ahead_limit(frames: Mapping[str, Times], max_ahead: float) -> float:
    """Return how much later than its row an image may be, s: at most `max_ahead`."""
    periods = [float(np.median(np.diff(stamps))) for stamps in frames.values() if len(stamps) > 1]
    return min([max_ahead, *(SHARE_AHEAD * period * 1e-9 for period in periods)])


def _newest(view: str, stamps: Times, row_ns: int, gates: Gates) -> int:
    place = _last_until(stamps, row_ns + _ns(gates.max_ahead))
    if place < 0:
        raise EpisodeFault(Gate.GAP, f"camera {view}: no image at the start")
    age_ns = row_ns - int(stamps[place])
    if age_ns > _ns(gates.max_age):
        raise EpisodeFault(
            Gate.GAP,
            f"camera {view}: newest image is {age_ns * 1e-9:.3f} s old, "
            f"the limit is {gates.max_age:.3f} s",
        )
    return place


def _skewed(
    frames: Mapping[str, Times], newest: Mapping[str, int], slowest: str, gates: Gates
) -> EpisodeFault:
    times = {view: int(frames[view][place]) for view, place in newest.items()}
    skew = (max(times.values()) - times[slowest]) * 1e-9
    return EpisodeFault(
        Gate.SKEW,
        f"camera {slowest}: {skew:.3f} s behind the newest camera, "
        f"the limit is {gates.max_skew:.3f} s",
    )


def _last_until(stamps: Times, limit_ns: int) -> int:
    return int(np.searchsorted(stamps, limit_ns, side="right")) - 1


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
