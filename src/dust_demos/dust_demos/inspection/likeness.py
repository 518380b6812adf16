"""Which episodes are the same, and where they begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from dust_demos.inspection.episode import Collection, Episode, Values
from dust_demos.inspection.finding import Finding, Kind, note, warning
from dust_demos.teleop import fr3
from dust_node.fr3_kinematics import hand_pose

POINTS = 32
"""At which two trajectories are compared, spread evenly over each."""
SAME_RAD, SAME_LENGTH = 0.01, 0.05
"""Two episodes are the same below: root mean square of the joints' differences; share of length."""
FAR_START, FAR_SCORE = 0.05, 6.0
"""A start is odd beyond both: from the median start (m), and in robust standard deviations."""
NARROW, ENOUGH = 0.005, 10
"""All starts within so much (m) are one, if there are so many episodes."""
_BLOCK = 512


def check_likeness(data: Collection) -> Iterator[Finding]:
    """Yield episodes that are there twice, and starts that are odd or all the same."""
    told = set()
    for first, second, apart in same_trajectories(data):
        told.add((first.name, second.name))
        yield warning(
            *(Kind.DUPLICATE, second.name),
            f"its trajectory is that of {first.name}: {apart:.4f} rad apart in the mean",
            "keep one of them: a copy weighs double, and leaks into a validation split",
        )
    for first, second in same_pictures(data):
        if (first.name, second.name) not in told:
            yield warning(
                *(Kind.DUPLICATE, second.name),
                f"its first pictures are byte for byte those of {first.name}",
                "a copy, a camera that had stopped, or one seed twice: compare both strips",
            )
    yield from _check_starts(data)


def same_trajectories(data: Collection) -> list[tuple[Episode, Episode, float]]:
    """Return episodes that go the way of an earlier one, that one, and how far apart they are."""
    episodes = data.moving
    if len(episodes) < 2 or not data.joints:
        return []
    ways = np.stack([_way(episode, data) for episode in episodes])
    lengths = np.array([len(episode) for episode in episodes])
    squares = (ways**2).sum(1)
    found = []
    for begin in range(0, len(ways), _BLOCK):
        rows = slice(begin, min(begin + _BLOCK, len(ways)))
        apart = squares[rows, None] + squares - 2 * ways[rows] @ ways.T
        # Columns before the row only: each pair once.
        apart[np.arange(rows.start, rows.stop)[:, None] <= np.arange(len(ways))] = np.inf
        shares = np.abs(lengths[rows, None] / lengths - 1)
        close = (apart < SAME_RAD**2 * ways.shape[1] * 2) & (shares < SAME_LENGTH)
        for row in np.flatnonzero(close.any(1)):
            other = int(np.argmin(np.where(close[row], apart[row], np.inf)))
            # The formula above loses digits where both are nearly equal.
            exact = float(np.sqrt(((ways[begin + row] - ways[other]) ** 2).mean()))
            if exact < SAME_RAD:
                found.append((episodes[other], episodes[begin + int(row)], exact))
    return found


def same_pictures(data: Collection) -> Iterator[tuple[Episode, Episode]]:
    """Yield episodes whose first pictures are, in all views, byte for byte an earlier one's."""
    groups: dict[tuple[str, ...], list[Episode]] = defaultdict(list)
    for episode in data.episodes:
        prints = tuple(digest for _, digest in sorted(episode.prints.items()))
        if prints and all(prints):
            groups[prints].append(episode)
    for first, *others in groups.values():
        for other in others:
            yield first, other


def starts(data: Collection) -> Values | None:
    """Return the hand's position at the start of each episode with rows [N, 3], m.

    None where the arm is no FR3, whose kinematics are the ones known here.
    """
    places = [data.columns.index(n) for n in fr3.ARM_JOINTS if n in data.columns]
    if len(places) < len(fr3.ARM_JOINTS) or not data.moving:
        return None
    begun = [np.nan_to_num(episode.state[0, places]) for episode in data.moving]
    return np.stack([hand_pose(start).position for start in begun])


def _way(episode: Episode, data: Collection) -> Values:
    shares, rows = np.linspace(0, 1, POINTS), np.linspace(0, 1, len(episode))
    values = np.nan_to_num(episode.state[:, data.joints])
    return np.concatenate([np.interp(shares, rows, column) for column in values.T])


def _check_starts(data: Collection) -> Iterator[Finding]:
    places = starts(data)
    if places is None or len(places) < ENOUGH:
        return
    middle = np.median(places, axis=0)
    far = np.linalg.norm(places - middle, axis=1)
    scale = max(1.4826 * float(np.median(far)), 1e-3)
    for episode, distance in zip(data.moving, far, strict=True):
        if distance > FAR_START and distance / scale > FAR_SCORE:
            yield warning(
                *(Kind.START, episode.name),
                f"the hand begins {distance * 100:.0f} cm from where it usually does",
                "begin at the start pose, or record more that begin there",
            )
    if far.max() < NARROW:
        yield note(
            *(Kind.START, ""),
            f"all {len(places)} episodes begin within {far.max() * 1000:.1f} mm of each other",
            "start the policy from that pose, or vary it while recording",
        )
