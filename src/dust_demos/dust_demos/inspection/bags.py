"""Episodes out of bags, also of those that dust-convert would leave out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.grid import rows_between
from dust_demos.conversion.jobs import Source
from dust_demos.conversion.mapping import Mapping
from dust_demos.conversion.pictures import Pixels, read_picture
from dust_demos.conversion.rows import make_rows
from dust_demos.conversion.span import check_outcome, episode_of
from dust_demos.conversion.take import Take, image_topic, read_take
from dust_demos.inspection.episode import Collection, Episode, Film, Values
from dust_demos.inspection.film import thumbnail
from dust_demos.inspection.streams import CAMERA, Arrivals, first_print, read_arrivals, streams_of
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import EpisodeFacts, Outcome

FPS = 15.0
TRIM = 0.5
_NO_LIMIT = 1e6  # s; longer than any episode


def read_bags(
    sources: Sequence[Source], name: str, mapping: Mapping, *, done: Callable[[], None]
) -> Collection:
    """Read all bags; those that can't be read at all are listed as left out.

    Args:
        sources: the bags.
        name: of all together.
        mapping: what stands where in them.
        done: called for every bag.
    """
    episodes, left_out = [], []
    for source in sources:
        try:
            episodes.append(_read(source, mapping))
        except ValueError as error:
            left_out.append((source.name, (str(error) or "unreadable").splitlines()[0]))
        done()
    return Collection(
        name=name,
        kind="a bag" if len(sources) == 1 else f"{len(sources)} bags",
        converted=False,
        fps=FPS,
        columns=mapping.columns,
        episodes=tuple(episodes),
        left_out=tuple(left_out),
    )


def _read(source: Source, mapping: Mapping) -> Episode:
    with Bag.open(source.path) as bag:
        views = _views(bag, mapping)
        facts, take, fault = _judged(bag, mapping, views)
        roles = {topic: f"{CAMERA}{view}" for view, topic in views.items()} | _roles(mapping)
        arrivals = read_arrivals(bag, roles)
        start_ns, end_ns = _span(bag, facts, take)
        # The recorder's clock may be another one than the stamps'.
        span = (start_ns, end_ns) if end_ns > start_ns else (bag.start_ns, bag.end_ns)
        times, state, action = _rows(take, span, len(mapping.columns))
        film = partial(_film, source.path, views, _stamps(arrivals, views), span)
        return Episode(
            name=source.name,
            instruction=facts.instruction,
            outcome=str(facts.outcome),
            operator=facts.operator,
            note=facts.note,
            times=times,
            state=state,
            action=action,
            faults=tuple(fault.text for fault in facts.faults),
            verdict=str(fault) if fault else "",
            unwanted=fault is not None and fault.gate is Gate.OUTCOME,
            streams=streams_of(arrivals, roles, *span),
            prints={v: first_print(arrivals[t], span[0]) for v, t in views.items()},
            thumbnails={v: thumbnail(rows[0]) for v, rows in film(1).items() if rows},
            film=film,
        )


def _views(bag: Bag, mapping: Mapping) -> dict[str, str]:
    """Return the image topics of the cameras that the bag has."""
    found = {}
    for view in mapping.views:
        try:
            found[view] = image_topic(bag, mapping, view)
        except EpisodeFault:
            continue  # the verdict says it
    return found


def _roles(mapping: Mapping) -> dict[str, str]:
    roles: dict[str, str] = {}
    for role in ("state", "action"):
        side = getattr(mapping, role)
        roles.setdefault(mapping.resolve(side.arm.topic), role)
    return roles


def _judged(
    bag: Bag, mapping: Mapping, views: dict[str, str]
) -> tuple[EpisodeFacts, Take | None, EpisodeFault | None]:
    """Return what is known of an episode, its numbers, and why dust-convert leaves it out."""
    facts, fault = bag.episode or EpisodeFacts(episode_id=bag.path.stem), None
    take = None
    try:
        facts = episode_of(bag, mapping)
        take = read_take(bag, facts, mapping)
        if mapping.episode_topic is not None:
            check_outcome(facts, (Outcome.SUCCESS,), flagged=True)
        make_rows(take, mapping, fps=FPS, trim=TRIM)
    except EpisodeFault as error:
        fault = error
    return facts, take or _lenient(bag, facts, mapping, views), fault


def _lenient(bag: Bag, facts: EpisodeFacts, mapping: Mapping, views: dict[str, str]) -> Take | None:
    """Return the numbers of a bag that lacks cameras or whose clock jumps."""
    gates = replace(mapping.gates, max_clock_step=_NO_LIMIT)
    kept = {view: mapping.views[view] for view in views}
    try:
        return read_take(bag, facts, replace(mapping, views=kept, gates=gates))
    except EpisodeFault:
        return None


def _span(bag: Bag, facts: EpisodeFacts, take: Take | None) -> tuple[int, int]:
    known = take.facts if take else facts
    return known.start_ns or bag.start_ns, known.end_ns or bag.end_ns


def _rows(take: Take | None, span: tuple[int, int], columns: int) -> tuple[Values, Values, Values]:
    """Return times (s), states and actions at an even rate over the whole episode."""
    if take is None:
        return np.empty(0), np.empty((0, columns)), np.empty((0, columns))
    moments = rows_between(*span, FPS)
    state, action = (
        np.concatenate([track.at(moments) for track in tracks], axis=1)
        for tracks in (take.state, take.action)
    )
    return (moments - moments[0]) * 1e-9, state, action


def _stamps(arrivals: dict[str, Arrivals], views: dict[str, str]) -> dict[str, list[int]]:
    return {topic: arrivals[topic].stamps for topic in views.values()}


def _film(
    path: Path,
    views: dict[str, str],
    stamps: dict[str, list[int]],
    span: tuple[int, int],
    count: int,
) -> Film:
    """Return pictures of each view; what does not decode is left out."""
    moments = np.linspace(*span, count)
    wanted = {}
    for topic, known in stamps.items():
        order = np.argsort(known, kind="stable")
        places = np.searchsorted(np.array(known, np.int64)[order], moments)
        wanted[topic] = set(order[np.minimum(places, len(order) - 1)].tolist())
    shots = _shots(path, wanted)
    return {view: [shots[topic, p] for p in _known(shots, topic)] for view, topic in views.items()}


def _known(shots: dict[tuple[str, int], Pixels], topic: str) -> list[int]:
    return sorted(place for name, place in shots if name == topic)


def _shots(path: Path, wanted: dict[str, set[int]]) -> dict[tuple[str, int], Pixels]:
    seen, shots = dict.fromkeys(wanted, 0), {}
    left = sum(map(len, wanted.values()))
    with Bag.open(path) as bag:
        for connection, _, data in bag.raw(wanted):
            place = seen[connection.topic]
            seen[connection.topic] += 1
            if place not in wanted[connection.topic]:
                continue
            left -= 1
            try:
                message = bag.decode(connection, data)
                shots[connection.topic, place] = read_picture(message)
            except ValueError:
                pass  # the picture is missing in the strip; the verdict says why
            if not left:
                break
    return shots
