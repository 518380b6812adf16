"""Do the pictures show something, something new, and the view that they should?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dust_demos.inspection.episode import Collection, Episode, Film
from dust_demos.inspection.finding import Finding, Kind, warning

DARK, FLAT = 8.0, 2.0
"""Mean of a black picture and standard deviation of an even one, 0 to 255."""
ENOUGH = 4
"""Episodes from which on views are compared between episodes."""


def check_first_pictures(data: Collection) -> Iterator[Finding]:
    """Yield views that are black or even at the start, or that look like each other's."""
    for episode in data.episodes:
        for view, small in episode.thumbnails.items():
            if small.mean() < DARK or small.std() < FLAT:
                state = "black" if small.mean() < DARK else "even"
                yield warning(
                    *(
                        Kind.PICTURE,
                        episode.name,
                        f"view {view} begins with a picture that is {state}",
                    ),
                    "look at lens cap, exposure and topic",
                )
    yield from _check_swapped(data)


def check_film(episode: Episode, film: Film) -> Iterator[Finding]:
    """Yield views whose pictures do not change although the arm moves."""
    for view, pictures in film.items():
        if len(pictures) > 1 and all(np.array_equal(p, pictures[0]) for p in pictures[1:]):
            yield warning(
                *(Kind.PICTURE, episode.name, f"all shown pictures of view {view} are the same"),
                "the camera had stopped: record it anew",
            )


def _check_swapped(data: Collection) -> Iterator[Finding]:
    views = sorted({view for episode in data.episodes for view in episode.thumbnails})
    whole = [e for e in data.episodes if set(e.thumbnails) == set(views)]
    if len(whole) < ENOUGH or len(views) < 2:
        return
    usual = {v: np.median([e.thumbnails[v] for e in whole], axis=0) for v in views}
    for episode in whole:
        for place, one in enumerate(views):
            for other in views[place + 1 :]:
                mine, its = episode.thumbnails[one], episode.thumbnails[other]
                straight = np.abs(mine - usual[one]).mean() + np.abs(its - usual[other]).mean()
                crossed = np.abs(mine - usual[other]).mean() + np.abs(its - usual[one]).mean()
                if crossed < 0.5 * straight:
                    yield warning(
                        *(Kind.PICTURE, episode.name),
                        f"views {one} and {other} look swapped, compared with other episodes",
                        "look at its strips; if so, remove its bag or map it by itself",
                    )
