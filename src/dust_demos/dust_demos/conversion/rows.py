"""An episode's rows: state and action at each moment of an even grid, and which image is when.

Row k lies at the first image after START plus k / fps. Its state is what was measured then, its
action what was commanded then: rows k to k + 15 of the actions are the chunk whose action i is due
i periods after row k, which is what a policy is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.grid import ahead_limit, choose, rows_between
from dust_demos.conversion.mapping import Gates, Mapping
from dust_demos.conversion.take import Take
from dust_demos.conversion.tracks import StepSamples, Times, Track, longest_silence

STILL_RAD, STILL_OPENING = 0.01, 0.05
"""A command that differs by less from the first or last one counts as standing still."""

PAUSED_RAD, PAUSED_OPENING = 0.005, 0.02
"""Measured or commanded, a pause stays this close to its first row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of an episode.

    Attributes:
        times: [L], ns.
        state: float32 [L, columns], rad and opening, as measured.
        action: float32 [L, columns], rad and opening, as commanded.
        images: camera -> which message of its topic each row shows, [L].
        skew: longest time between the images of a row, s.
        lag: how much older than its row the oldest image of any is, s.
    """

    times: Times
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    images: Dictionary[str, NDArray[np.int64]]
    skew: float
    lag: float

    def __len__(self) -> int:
        return len(self.times)


def make_rows(
    take: Take, mapping: Mapping, *, fps: float, trim: float | None, pause: float | None = None
) -> Rows:
    """Cut an episode into rows.

    Args:
        take: what was recorded.
        mapping: says the limits.
        fps: rows per second.
        trim: how long the arm may stand still at either end, s; None keeps all.
        pause: how long everything may stand still anywhere, s; the rest of the rows is left out,
            as if the pause had been shorter. None keeps all.

    Raises:
        EpisodeFault: data are missing somewhere, or too little is left.
    """
    stamps = {name: frames.stamps for name, frames in take.frames.items()}
    gates = replace(mapping.gates, max_ahead=ahead_limit(stamps, mapping.gates.max_ahead))
    start_ns, end_ns = _covered(take, gates)
    times = rows_between(_anchor(stamps, start_ns, gates), end_ns, fps)
    _require_length(len(times) / fps, gates)
    state = _columns(take.state, times)
    action = _columns(take.action, times)
    _fill_gripper(take.action, times, state, action)
    joints = len(mapping.joints)
    kept = np.arange(len(times))
    if trim is not None:
        kept = kept[_moving(action, joints, trim * fps)]
    if pause is not None:
        kept = kept[_unpaused(state[kept], action[kept], joints, max(1, round(pause * fps)))]
    _require_length(len(kept) / fps, gates)
    return _rows(take, times[kept], state[kept], action[kept], gates)


def _rows(
    take: Take,
    times: Times,
    state: NDArray[np.float64],
    action: NDArray[np.float64],
    gates: Gates,
) -> Rows:
    stamps = {name: frames.stamps for name, frames in take.frames.items()}
    sets = [_choose(stamps, int(time), gates, int(times[0])) for time in times]
    shown = {name: known[[found[name] for found in sets]] for name, known in stamps.items()}
    together = np.stack(list(shown.values()))
    return Rows(
        times=times,
        state=state.astype(np.float32),
        action=action.astype(np.float32),
        images={
            name: frames.places[[found[name] for found in sets]]
            for name, frames in take.frames.items()
        },
        skew=float((together.max(0) - together.min(0)).max()) * 1e-9,
        lag=float((times - together.min(0)).max()) * 1e-9,
    )


def _choose(
    stamps: Dictionary[str, Times], row_ns: int, gates: Gates, first_ns: int
) -> dict[str, int]:
    try:
        return choose(stamps, row_ns, gates)
    except EpisodeFault as fault:
        after = (row_ns - first_ns) * 1e-9
        raise EpisodeFault(fault.gate, f"{fault}, {after:.1f} s after the start") from None


def _covered(take: Take, gates: Gates) -> tuple[int, int]:
    """Return from when to when the numbers reach, ns, if that is the whole episode."""
    start_ns, end_ns, limit = take.facts.start_ns, take.facts.end_ns, _ns(gates.max_gap)
    if end_ns <= start_ns:
        raise EpisodeFault(Gate.CLOCK, "the clock jumps: END is stamped before START")
    for track in (*take.state, *take.action):
        if not track.steady:
            continue
        _require_reach(track, start_ns, end_ns, limit)
        silent, since = longest_silence(track.times, start_ns, end_ns)
        if silent > limit:
            raise EpisodeFault(
                Gate.GAP,
                f"{track.name} is silent for {silent * 1e-9:.3f} s, the limit is "
                f"{gates.max_gap:.3f} s, {max(0, since - start_ns) * 1e-9:.1f} s after the start",
            )
    # The arm's columns come first; a gripper's command may come late, or never.
    tracks = (*take.state, take.action[0])
    start_ns = max(start_ns, *(int(track.times[0]) for track in tracks))
    ends = [int(track.times[-1]) for track in tracks if track.steady]
    return start_ns, min([end_ns, *ends])


def _require_reach(track: Track, start_ns: int, end_ns: int, limit: int) -> None:
    late, early = int(track.times[0]) - start_ns, end_ns - int(track.times[-1])
    if late > limit:
        raise EpisodeFault(
            Gate.GAP, f"{track.name} begins {late * 1e-9:.3f} s after the episode's start"
        )
    if early > limit:
        raise EpisodeFault(
            Gate.GAP, f"{track.name} ends {early * 1e-9:.3f} s before the episode's end"
        )


def _anchor(stamps: Dictionary[str, Times], start_ns: int, gates: Gates) -> int:
    """Return the moment of the first row: when the newest image of the first good set was taken.

    Cameras take turns in a fixed order; of the moments in their first period, the one with the
    least time between its images is where live sets settle, too.
    """
    strict = replace(gates, max_ahead=0.0)
    periods = [float(np.median(np.diff(known))) for known in stamps.values() if len(known) > 1]
    until = start_ns + max([_ns(gates.max_gap), *(1.5 * period for period in periods)])
    together = np.unique(np.concatenate(list(stamps.values())))
    moments = together[(together >= start_ns) & (together <= until)]
    if not len(moments):
        raise EpisodeFault(Gate.GAP, "no camera has an image at the start")
    found: list[tuple[int, int]] = []
    fault: EpisodeFault | None = None
    for moment in moments:
        if found and moment > found[0][1] + max(periods, default=0.0):
            break
        try:
            places = choose(stamps, int(moment), strict)
        except EpisodeFault as error:
            fault = error
            continue
        taken = [int(stamps[name][place]) for name, place in places.items()]
        found.append((max(taken) - min(taken), int(moment)))
    if not found:
        assert fault is not None, "every moment was tried"
        raise EpisodeFault(fault.gate, f"{fault}, at the start")
    return min(found)[1]


def _columns(tracks: tuple[Track, ...], times: Times) -> NDArray[np.float64]:
    return np.concatenate([track.at(times) for track in tracks], axis=1)


def _fill_gripper(
    tracks: tuple[Track, ...],
    times: Times,
    state: NDArray[np.float64],
    action: NDArray[np.float64],
) -> None:
    """Let the gripper keep its first opening until it is first told another."""
    if len(tracks) > 1 and isinstance(tracks[1], StepSamples):
        action[times < tracks[1].times[0], -1] = state[0, -1]


def _moving(action: NDArray[np.float64], joints: int, margin: float) -> slice:
    """Return the rows from the first to the last motion, and `margin` rows at either end."""
    limits = np.full(action.shape[1], STILL_OPENING)
    limits[:joints] = STILL_RAD
    left = np.flatnonzero((np.abs(action - action[0]) > limits).any(1))
    arrived = np.flatnonzero((np.abs(action - action[-1]) > limits).any(1))
    if not len(left):
        raise EpisodeFault(Gate.LENGTH, "no command moves anything")
    first, last = int(left[0] - margin), int(arrived[-1] + 1 + margin)
    return slice(max(first, 0), min(last + 1, len(action)))


def _unpaused(
    state: NDArray[np.float64], action: NDArray[np.float64], joints: int, most: int
) -> NDArray[np.bool_]:
    """Return which rows to keep [L], so that no more than `most` in a row are alike."""
    limits = np.full(state.shape[1] + action.shape[1], PAUSED_OPENING)
    limits[:joints] = limits[state.shape[1] : state.shape[1] + joints] = PAUSED_RAD
    rows = np.concatenate([state, action], axis=1)
    kept = np.ones(len(rows), bool)
    begin = 0
    for place in range(1, len(rows)):
        if (np.abs(rows[place] - rows[begin]) > limits).any():
            begin = place
        kept[place] = place - begin < most
    return kept


def _require_length(seconds: float, gates: Gates) -> None:
    if seconds < gates.min_length:
        raise EpisodeFault(
            Gate.LENGTH, f"only {seconds:.2f} s are left, the limit is {gates.min_length:.2f} s"
        )


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
