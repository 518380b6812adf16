"""Everything of a bag that its rows are made of, except the pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dust_demos.conversion.clock import check_arrival, check_stamps
from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.mapping import ArmSource, GripperSource, Mapping
from dust_demos.conversion.messages import (
    ARM,
    GRIPPER,
    TRAJECTORY,
    Kind,
    Picker,
    picker,
    plan_of,
    stamp_of,
    to_opening,
    to_rad,
)
from dust_demos.conversion.tracks import (
    Plan,
    Samples,
    StepSamples,
    Times,
    Track,
    Values,
    in_order,
    plans_in_order,
)
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import EpisodeFacts

COMPRESSED = "sensor_msgs/msg/CompressedImage"
RAW = "sensor_msgs/msg/Image"


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The images of a camera.

    Attributes:
        topic: where they are.
        stamps: when they were taken, [N], rising strictly, ns.
        places: which message of the topic each is, counted in the order of reading, [N].
    """

    topic: str
    stamps: Times
    places: Times


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take:
    """One episode as it was recorded.

    Attributes:
        facts: what it was, its start and end.
        state: arm (rad) and, if there is one, gripper (opening), as measured.
        action: the same, as commanded.
        frames: camera -> its images.
    """

    facts: EpisodeFacts
    state: tuple[Track, ...]
    action: tuple[Track, ...]
    frames: dict[str, Frames]


def read_take(bag: Bag, facts: EpisodeFacts, mapping: Mapping) -> Take:
    """Read the numbers and the images' stamps of a bag.

    Raises:
        EpisodeFault: a topic is missing or of another kind than mapped, or a clock jumps.
        ValueError: the bag is damaged.
    """
    cameras = {name: image_topic(bag, mapping, name) for name in mapping.views}
    columns = _columns(bag, mapping)
    log = _Log()
    for topic, received, stamp in _image_stamps(bag, cameras.values()):
        log.add(topic, received, stamp)
    for entry in bag.messages({column.topic for column in columns}):
        stamp = stamp_of(entry.message, entry.time_ns)
        log.add(entry.topic, entry.time_ns, stamp)
        for column in columns:
            if column.topic == entry.topic:
                column.add(stamp, entry.message)
    log.check(bag.path, mapping.gates.max_clock_step)
    tracks = {side: tuple(c.track() for c in columns if c.side == side) for side in _SIDES}
    frames = {name: log.frames(topic) for name, topic in cameras.items()}
    every = [track for side in tracks.values() for track in side]
    return Take(facts=_bounded(facts, frames.values(), every), frames=frames, **tracks)


_SIDES = ("state", "action")


@dataclass(slots=True)
class _Log:
    """When the messages of each topic came, and their stamps, in the order of reading."""

    times: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)

    def add(self, topic: str, received: int, stamp: int) -> None:
        known = self.times.setdefault(topic, ([], []))
        known[0].append(received)
        known[1].append(stamp)

    def check(self, path: Path, max_step: float) -> None:
        limit = round(max_step * 1e9)
        for topic, (received, stamps) in self.times.items():
            check_stamps(topic, received, stamps, max_step_ns=limit)
        check_arrival(path, list(self.times), max_step_ns=limit)

    def frames(self, topic: str) -> Frames:
        stamps = self.times[topic][1]
        by_stamp = {stamp: place for place, stamp in enumerate(stamps)}
        known = sorted(by_stamp)
        places = np.array([by_stamp[stamp] for stamp in known], np.int64)
        return Frames(topic, np.array(known, np.int64), places)


@dataclass(slots=True, kw_only=True)
class _Column:
    """Collects one track."""

    side: str
    topic: str
    where: str
    source: ArmSource | GripperSource
    kind: Kind | None  # None: trajectories
    pick: Picker | None
    entries: list[tuple[int, Any]] = field(default_factory=list)
    others: set[str] = field(default_factory=set)  # joints in messages without the wanted ones

    def add(self, stamp: int, message: Any) -> None:
        try:
            values = self._read(message)
        except ValueError as error:
            raise EpisodeFault(Gate.MAPPING, str(error)) from None
        if values is not None:
            self.entries.append((stamp, values))
        elif self.kind is not None and self.kind.names is not None:
            self.others = self.others | set(map(str, self.kind.names(message)))

    def _read(self, message: Any) -> Values | Plan | None:
        if self.pick is not None:
            return self.pick(message)
        assert isinstance(self.source, ArmSource), "only arms follow trajectories"
        return plan_of(message, self.source, self.where)

    def track(self) -> Track:
        if not self.entries:
            wanted, known = ", ".join(self.source.joints), ", ".join(sorted(self.others)) or "none"
            raise EpisodeFault(Gate.MAPPING, f"{self.where}: no joint {wanted}; there are {known}")
        if self.kind is None:
            plans: list[tuple[int, Plan]] = self.entries
            return plans_in_order(self.topic, plans)
        times, values = in_order(self.entries)
        numbers = self._scaled(values)
        held = self.side == "action" and (self.kind.steps or isinstance(self.source, GripperSource))
        return (StepSamples if held else Samples)(self.topic, times, numbers)

    def _scaled(self, values: Values) -> Values:
        if isinstance(self.source, GripperSource):
            return to_opening(values, self.source)
        return to_rad(values, self.source.unit)


def image_topic(bag: Bag, mapping: Mapping, view: str) -> str:
    """Return the topic that has a camera's images: as mapped, else with or without /compressed.

    Raises:
        EpisodeFault: there is none; those with images are named.
    """
    wanted = mapping.resolve(mapping.views[view])
    images = {t.name for t in bag.topics.values() if t.type_name in (RAW, COMPRESSED) and t.count}
    for name in (wanted, f"{wanted}/compressed", wanted.removesuffix("/compressed")):
        if name in images:
            return name
    if wanted in bag.topics and bag.topics[wanted].count:
        kind = bag.topics[wanted].type_name
        raise EpisodeFault(Gate.MAPPING, f"views.{view}: {wanted} is {kind}, not an image")
    others = ", ".join(sorted(images)) or "no topic"
    raise EpisodeFault(Gate.MISSING, f"camera {view}: no image on {wanted}; images are on {others}")


def _columns(bag: Bag, mapping: Mapping) -> list[_Column]:
    columns = []
    for side in _SIDES:
        sources = getattr(mapping, side)
        columns.append(_column(bag, mapping, side, "arm", sources.arm))
        if sources.gripper is not None:
            columns.append(_column(bag, mapping, side, "gripper", sources.gripper))
    return columns


def _column(
    bag: Bag, mapping: Mapping, side: str, part: str, source: ArmSource | GripperSource
) -> _Column:
    topic, where = mapping.resolve(source.topic), f"{side}.{part}"
    known = bag.topics.get(topic)
    if known is None or not known.count:
        state = "is not in the bag" if known is None else "has no message"
        raise EpisodeFault(Gate.MISSING, f"{where}: topic {topic} {state}")
    kinds = ARM if part == "arm" else GRIPPER
    trajectory = part == "arm" and side == "action" and known.type_name == TRAJECTORY
    if not trajectory and known.type_name not in kinds:
        types = [*kinds, *([TRAJECTORY] if (part, side) == ("arm", "action") else [])]
        raise EpisodeFault(
            Gate.MAPPING,
            f"{where}: topic {topic} is {known.type_name}, not one of {', '.join(types)}",
        )
    where, kind = f"{where}: topic {topic}", kinds.get(known.type_name)
    pick = picker(kind, source.joints, source.columns, where) if kind else None
    return _Column(side=side, topic=topic, where=where, source=source, kind=kind, pick=pick)


def _image_stamps(bag: Bag, topics: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Yield topic, time of arrival and stamp of each image, without decoding it."""
    for connection, received, data in bag.raw(topics):
        # CDR: four bytes that say the byte order, then std_msgs/Header with its stamp.
        order = "<" if data[1] & 1 else ">"
        seconds, rest = struct.unpack_from(f"{order}iI", data, 4)
        yield connection.topic, received, (seconds * 1_000_000_000 + rest) or received


def _bounded(
    facts: EpisodeFacts, frames: Iterable[Frames], tracks: Iterable[Track]
) -> EpisodeFacts:
    """Give an episode that nobody marked the bounds of its data."""
    if facts.end_ns:
        return facts
    spans = [(f.stamps[0], f.stamps[-1]) for f in frames]
    spans += [(t.times[0], t.times[-1]) for t in tracks if t.steady]
    starts, ends = zip(*spans, strict=True)
    return replace(facts, start_ns=int(max(starts)), end_ns=int(min(ends)))
