"""Are states and actions what an arm can do, and does something move?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_demos.inspection.episode import Collection, Episode, Values
from dust_demos.inspection.finding import Finding, Kind, note, warning
from dust_demos.teleop import fr3

SPEED_MARGIN = 1.05
"""Above the limits of the arm: two neighbouring samples are no exact speed."""
STILL_SPEED, STILL_OPENING = 0.02, 0.02
"""What moves less stands still: joints (rad/s), gripper (opening between two rows)."""
LONGEST_STILL = 2.0
"""So long an arm may stand still, s."""
FAR, SCALE_FLOOR = 6.0, 0.1
"""Robust z-score of an outlier; least scale (rad), or a joint that hardly moves has many."""
FOLLOWING = 0.5
"""Between command and measurement, rad; an arm that is followed by 0.1 s lags 0.3 at its limit."""
_RERECORD = "look at its trajectory; record it anew, or remove its bag and convert again"


def check_motion(data: Collection) -> Iterator[Finding]:
    """Yield what is wrong with the numbers."""
    if not data.joints:
        return
    yield from _check_copied(data)
    spreads = {side: _spread(data, side) for side in ("state", "action")}
    for episode in data.moving:
        yield from _check_finite(episode)
        yield from _check_times(episode, data)
        yield from _check_openings(episode, data)
        yield from _check_speed(episode, data)
        yield from _check_outliers(episode, data, spreads)
        yield from _check_following(episode, data)
        yield from _check_idle(episode, data)


def still_rows(episode: Episode, data: Collection) -> NDArray[np.bool_]:
    """Return which rows differ from the one before by nothing worth mentioning, [L - 1]."""
    moves = np.zeros(len(episode) - 1, bool)
    for values in (episode.state, episode.action):
        steps = np.abs(np.diff(values, axis=0))
        moves |= (steps[:, data.joints] * data.fps > STILL_SPEED).any(1)
        moves |= (steps[:, data.grippers] > STILL_OPENING).any(1)
    return ~moves


def idle_share(episode: Episode, data: Collection) -> float:
    """Return the share of an episode in which nothing moves, 0 to 1."""
    return float(still_rows(episode, data).mean())


@dataclass(frozen=True, slots=True)
class _Spread:
    """Median and scale of each column over all rows [columns]."""

    middle: Values
    scale: Values


def _spread(data: Collection, side: str) -> _Spread:
    rows = [getattr(episode, side) for episode in data.moving]
    together = np.concatenate(rows) if rows else np.zeros((1, len(data.columns)))
    together = np.where(np.isfinite(together), together, 0.0)
    middle = np.median(together, axis=0)
    deviation = 1.4826 * np.median(np.abs(together - middle), axis=0)
    low, high = np.quantile(together, [0.01, 0.99], axis=0)
    # 4.65 standard deviations of a normal distribution lie between these quantiles.
    floor = np.full_like(middle, SCALE_FLOOR)
    return _Spread(middle, np.maximum.reduce([deviation, (high - low) / 4.65, floor]))


def _check_copied(data: Collection) -> Iterator[Finding]:
    rows = [np.abs(e.state - e.action)[:, data.joints].max(initial=0.0) for e in data.moving]
    if rows and max(rows) < 1e-6:
        yield warning(
            *(Kind.VALUES, ""),
            "actions equal states in every row: measurements are recorded as commands",
            "map `action` to the topic of commands; a policy of these data learns to stand still",
        )


def _check_finite(episode: Episode) -> Iterator[Finding]:
    for side in ("state", "action"):
        bad = ~np.isfinite(getattr(episode, side)).all(1)
        if bad.any():
            text = f"{side} is no finite number in {int(bad.sum())} rows, first {_at(episode, bad)}"
            yield warning(Kind.VALUES, episode.name, text, "remove its bag and convert again")


def _check_times(episode: Episode, data: Collection) -> Iterator[Finding]:
    steps = np.diff(episode.times)
    bad = np.abs(steps - 1 / data.fps) > 0.1 / data.fps
    if bad.any():
        step = float(steps[np.argmax(bad)])
        text = f"two rows are {step:.3f} s apart instead of {1 / data.fps:.3f}, {_at(episode, bad)}"
        yield warning(Kind.TIMES, episode.name, text, "convert it again at an even rate")


def _check_openings(episode: Episode, data: Collection) -> Iterator[Finding]:
    for side in ("state", "action"):
        values = getattr(episode, side)[:, data.grippers]
        if ((values < -0.01) | (values > 1.01)).any():
            low, high = np.nanmin(values), np.nanmax(values)
            text = f"gripper of the {side} goes from {low:.2f} to {high:.2f}, not from 0 to 1"
            yield warning(
                *(Kind.VALUES, episode.name, text),
                "give `closed` and `open` of the gripper in the mapping file",
            )


def _check_speed(episode: Episode, data: Collection) -> Iterator[Finding]:
    known = [p for p, name in enumerate(data.columns) if name in fr3.ARM_JOINTS]
    if not known:
        return
    limits = np.array([fr3.SPEED[fr3.ARM_JOINTS.index(data.columns[p])] for p in known])
    for side, word in (("state", "measured"), ("action", "commanded")):
        speeds = np.abs(np.diff(getattr(episode, side)[:, known], axis=0)) * data.fps
        share, row, place = _worst(speeds / limits)
        if share <= SPEED_MARGIN:
            continue
        yield warning(
            *(Kind.SPEED, episode.name),
            f"{word} {data.columns[known[place]]} moves at {speeds[row, place]:.2f} rad/s "
            f"{episode.times[row]:.1f} s after the start, its limit is {limits[place]:.2f}; "
            f"{int((speeds > SPEED_MARGIN * limits).any(1).sum())} rows are too fast",
            _RERECORD,
        )


def _check_outliers(
    episode: Episode, data: Collection, spreads: dict[str, _Spread]
) -> Iterator[Finding]:
    places, found = data.joints, []
    for side, spread in spreads.items():
        values, middle = getattr(episode, side)[:, places], spread.middle[places]
        score, row, place = _worst(np.abs(values - middle) / spread.scale[places])
        found.append((score, side, row, place, values[row, place], middle[place]))
    score, side, row, place, value, usual = max(found)
    if score > FAR:
        yield warning(
            *(Kind.OUTLIER, episode.name),
            f"{side} {data.columns[places[place]]} is {value:.2f} rad "
            f"{episode.times[row]:.1f} s after the start: {score:.0f} robust standard "
            f"deviations from {usual:.2f}, the median of all rows",
            _RERECORD,
        )


def _worst(figures: Values) -> tuple[float, int, int]:
    """Return the largest finite entry, its row and its column."""
    known = np.where(np.isfinite(figures), figures, 0.0)
    row, place = np.unravel_index(int(np.argmax(known)), known.shape)
    return float(known[row, place]), int(row), int(place)


def _check_following(episode: Episode, data: Collection) -> Iterator[Finding]:
    off, row, place = _worst(np.abs(episode.state - episode.action)[:, data.joints])
    if off <= FOLLOWING:
        return
    yield warning(
        *(Kind.FOLLOWING, episode.name),
        f"{data.columns[data.joints[place]]} is {off:.2f} rad from its command "
        f"{episode.times[row]:.1f} s after the start, more than {FOLLOWING:g}",
        "the arm was blocked, or commands and states are not of one clock or unit",
    )


def _check_idle(episode: Episode, data: Collection) -> Iterator[Finding]:
    still = still_rows(episode, data)
    if still.all():
        yield warning(Kind.IDLE, episode.name, "nothing moves", "remove it")
        return
    moving = np.flatnonzero(~still)
    pauses = np.diff(moving) - 1
    longest = int(pauses.max(initial=0)) / data.fps
    if longest > LONGEST_STILL:
        since = episode.times[moving[int(np.argmax(pauses))] + 1]
        yield warning(
            *(Kind.IDLE, episode.name),
            f"nothing moves for {longest:.1f} s, {since:.1f} s after the start",
            "a policy learns such pauses: record it anew without hesitating",
        )
    ends = {"begins": moving[0] / data.fps, "ends": (len(still) - 1 - moving[-1]) / data.fps}
    for word, seconds in ends.items():
        if data.converted and seconds > LONGEST_STILL:
            text = f"it {word} with {seconds:.1f} s of standing still"
            yield warning(Kind.IDLE, episode.name, text, "convert with --trim-idle 0.5")
    column = [episode.action[:, place] for place in data.grippers]
    if column and max(np.ptp(values) for values in column) < STILL_OPENING:
        yield note(Kind.IDLE, episode.name, "the gripper is never told to move")


def _at(episode: Episode, bad: NDArray[np.bool_]) -> str:
    return f"{episode.times[int(np.argmax(bad))]:.1f} s after the start"
