"""What a rehearsal takes out of a bag: sets of images, joint states, what was commanded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dust_demos.recording.bag import Bag
from dust_demos.recording.cdr import stamp_ns as cdr_stamp_ns
from dust_node.stamps import nanoseconds_of
from dust_view.trajectory import NS, Array, Times

_IMAGE, _COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_STATE = "dust_msgs/msg/ExecutorState"


@dataclass(frozen=True, slots=True)
class ImageSet:
    """One image of each view, taken close together.

    Attributes:
        stamps_ns: When each view's image was taken, by view.
        images: Messages in CDR by view: what was recorded; empty until they are read.
    """

    stamps_ns: Mapping[str, int]
    images: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def stamp_ns(self) -> int:
        """When the newest image was taken."""
        return max(self.stamps_ns.values())


@dataclass(frozen=True, slots=True)
class JointSample:
    """One message of joint_states.

    Attributes:
        stamp_ns: Its stamp.
        data: The message in CDR, as recorded.
        names: Joints.
        positions: Their positions; rad, m.
    """

    stamp_ns: int
    data: bytes
    names: tuple[str, ...]
    positions: Array

    def of(self, joint_names: Sequence[str]) -> Array:
        """Return the positions of some joints.

        Raises:
            ValueError: One is not among them.
        """
        missing = [name for name in joint_names if name not in self.names]
        if missing:
            raise ValueError(f"joint_states of the bag lack {missing[0]}")
        return self.positions[[self.names.index(name) for name in joint_names]]


@dataclass(frozen=True, slots=True)
class Commands:
    """What the arm was told.

    Attributes:
        source: Topic that it was read from; empty: the bag does not tell.
        times_ns: Increasing [N].
        positions: [N, J], rad.
    """

    source: str
    times_ns: Times
    positions: Array

    def at(self, times_ns: Times) -> tuple[NDArray[np.bool_], Array]:
        """Return which of the times [M] are inside, and the positions there [inside, J]."""
        if len(self.times_ns) < 2:
            return np.zeros(len(times_ns), bool), np.empty((0, self.positions.shape[1]))
        inside = (times_ns >= self.times_ns[0]) & (times_ns <= self.times_ns[-1])
        # Seconds since 1970 as a float would be too coarse.
        since = (times_ns[inside] - self.times_ns[0]) / NS
        known = (self.times_ns - self.times_ns[0]) / NS
        columns = [np.interp(since, known, column) for column in self.positions.T]
        return inside, np.stack(columns, axis=1)


class Recording:
    """An open bag as a rehearsal needs it; a context manager.

    Attributes:
        instruction: What the arm was told to do; empty: the bag does not tell.
        joints: Joint states, oldest first.
        commands: What the arm was told.
        sets: Sets of images within the time that is rehearsed, oldest first, without the images.
    """

    def __init__(
        self,
        bag: Bag,
        *,
        image_topics: Mapping[str, str],
        joint_names: Sequence[str],
        start: float = 0.0,
        duration: float = 0.0,
    ) -> None:
        """Read all but the images.

        Args:
            bag: The open bag; closed with this.
            image_topics: Topic of each view without /compressed, relative to the namespace.
            joint_names: Arm joints in the order of the columns.
            start: From when on it is rehearsed, seconds after the episode's start.
            duration: For how long, s; 0: to the episode's end.

        Raises:
            ValueError: Something is missing.
        """
        self._bag = bag
        self._space = _namespace(bag)
        self._topics = {view: self._image_topic(topic) for view, topic in image_topics.items()}
        self.instruction = bag.episode.instruction if bag.episode else ""
        self.joints = self._read_joints()
        self.commands = self._read_commands(list(joint_names))
        self.sets = self._within(self._pair(), start, duration)

    @classmethod
    def open(cls, path: Path, **choices: Any) -> Self:
        """Open a bag; see `__init__`.

        Raises:
            ValueError: It is no bag, or something is missing in it.
        """
        bag = Bag.open(path)
        try:
            return cls(bag, **choices)
        except BaseException:
            bag.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bag.close()

    def read_sets(self) -> Iterator[ImageSet]:
        """Yield the sets with their images, oldest first; holds few of them at a time."""
        views = {topic: view for view, topic in self._topics.items()}
        wanted = {
            (view, stamp): number
            for number, images in enumerate(self.sets)
            for view, stamp in images.stamps_ns.items()
        }
        held: dict[int, dict[str, bytes]] = {}
        due = 0
        for connection, _, data in self._bag.raw(views):
            view = views[connection.topic]
            number = wanted.pop((view, cdr_stamp_ns(data) or 0), None)
            if number is not None:
                held.setdefault(number, {})[view] = data
            while len(held.get(due, ())) == len(views):
                yield ImageSet(self.sets[due].stamps_ns, held.pop(due))
                due += 1

    def is_raw(self, view: str) -> bool:
        """Return whether a view was recorded as sensor_msgs/Image."""
        return self._bag.topics[self._topics[view]].type_name == _IMAGE

    def decode_image(self, view: str, data: bytes) -> Any:
        """Return a message of a view; fields as attributes."""
        topic = self._topics[view]
        connection = next(c for c, _, _ in self._bag.raw([topic]))
        return self._bag.decode(connection, data)

    def _image_topic(self, topic: str) -> str:
        names = [f"{self._space}/{topic}/compressed", f"{self._space}/{topic}"]
        for name, kind in zip(names, (_COMPRESSED, _IMAGE), strict=True):
            found = self._bag.topics.get(name)
            if found is not None and found.type_name == kind and found.count:
                return name
        raise ValueError(f"{self._bag.path} has no images on {names[0]} or {names[1]}")

    def _read_joints(self) -> list[JointSample]:
        topic = f"{self._space}/joint_states"
        samples = []
        for connection, _, data in self._bag.raw([topic]):
            message = self._bag.decode(connection, data)
            positions = np.array(message.position, dtype=np.float64)
            if len(positions) == len(message.name) and np.isfinite(positions).all():
                stamp = nanoseconds_of(message.header.stamp)
                samples.append(JointSample(stamp, bytes(data), tuple(message.name), positions))
        if not samples:
            raise ValueError(f"{self._bag.path} has no joint states on {topic}")
        return sorted(samples, key=lambda sample: sample.stamp_ns)

    def _read_commands(self, joint_names: list[str]) -> Commands:
        state, reference = "executor_state", "fr3_arm_controller/controller_state"
        for topic, read in ((reference, _reference), (state, _promised)):
            rows: dict[int, Array] = {}
            for row in self._bag.messages([f"{self._space}/{topic}"]):
                position = read(row.message, joint_names)
                if position is not None:
                    rows[nanoseconds_of(row.message.header.stamp)] = position
            if len(rows) > 1:
                times = sorted(rows)
                stacked = np.stack([rows[time] for time in times])
                return Commands(topic, np.array(times, dtype=np.int64), stacked)
        return Commands("", np.empty(0, np.int64), np.empty((0, len(joint_names))))

    def _pair(self) -> list[ImageSet]:
        stamps: dict[str, list[int]] = {}
        for view, topic in self._topics.items():
            found = {cdr_stamp_ns(data) or 0 for _, _, data in self._bag.raw([topic])}
            stamps[view] = sorted(found)
        return paired(stamps)

    def _within(self, sets: list[ImageSet], start: float, duration: float) -> list[ImageSet]:
        episode = self._bag.episode
        begin = episode.start_ns if episode and episode.start_ns else self._bag.start_ns
        end = episode.end_ns if episode and episode.end_ns else self._bag.end_ns
        first = max(begin + round(start * NS), self.joints[0].stamp_ns)
        last = min(first + round(duration * NS), end) if duration else end
        found = [images for images in sets if first <= images.stamp_ns <= last]
        if not found:
            raise ValueError(
                f"{self._bag.path} has no images of all views with joint states "
                f"from {start:g} s on: is there an episode of that length?"
            )
        return found


def paired(stamps: Mapping[str, Sequence[int]]) -> list[ImageSet]:
    """Pair images of several views, each with the nearest ones of the others.

    The view with the fewest images leads. Images of a set are at most half a period apart and
    belong to no other set: so perception takes each set as a whole, in whatever order they come.

    Args:
        stamps: Increasing stamps by view, ns.
    """
    lead = min(stamps, key=lambda view: len(stamps[view]))
    if len(stamps[lead]) < 2:
        return []
    reach = float(np.median(np.diff(stamps[lead]))) / 2
    sets: list[ImageSet] = []
    for stamp in stamps[lead]:
        near = {view: min(rows, key=lambda row: abs(row - stamp)) for view, rows in stamps.items()}
        newer = not sets or all(near[view] > sets[-1].stamps_ns[view] for view in near)
        if newer and max(abs(row - stamp) for row in near.values()) <= reach:
            sets.append(ImageSet(near))
    return sets


def _namespace(bag: Bag) -> str:
    """Return the namespace that the bag was recorded in; empty or beginning with a slash."""
    found = [topic.name for topic in bag.topics.values() if topic.type_name == _STATE]
    return found[0].rpartition("/")[0] if found else ""


def _promised(message: Any, joint_names: list[str]) -> Array | None:
    return _picked(message.joint_names, message.positions[: len(message.joint_names)], joint_names)


def _reference(message: Any, joint_names: list[str]) -> Array | None:
    point = getattr(message, "reference", None)
    return None if point is None else _picked(message.joint_names, point.positions, joint_names)


def _picked(names: Sequence[str], positions: Any, joint_names: list[str]) -> Array | None:
    found = list(names)
    if len(positions) != len(found) or any(name not in found for name in joint_names):
        return None
    return np.array(positions, dtype=np.float64)[[found.index(name) for name in joint_names]]
