"""What is known about an episode: who did what, how it ended, what was wrong with the recording.

The same JSON stands in rosbag2's metadata.yaml and in a metadata record of the MCAP file, so that
either of them suffices.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

KEY = "dust_episode"
"""Name under which the facts are stored: in `custom_data` and as an MCAP metadata record."""


EPISODE_TYPE = "dust_msgs/msg/Episode"
"""Message that announces start and end of episodes."""


class Outcome(StrEnum):
    """How an episode ended; in the order of the constants of dust_msgs/Episode."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    HALF = "half"
    FAILURE = "failure"
    DISCARDED = "discarded"

    @classmethod
    def from_constant(cls, number: int) -> Self:
        """Return the outcome of a constant of dust_msgs/Episode; unknown numbers are UNKNOWN."""
        members = list(cls)
        return members[number] if 0 <= number < len(members) else members[0]


class FaultKind(StrEnum):
    """What can be wrong with a recording."""

    RATE = "rate"
    AGE = "age"
    SKEW = "skew"
    GAP = "gap"
    CLOCK = "clock"
    MISSING = "missing"
    DROPPED = "dropped"
    ENCODING = "encoding"
    DISK = "disk"
    ABANDONED = "abandoned"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a recording.

    Attributes:
        kind: What.
        topic: Topic that shows it; empty when none does.
        text: In words, with the figure that was measured first and its limit.
        first_ns: When it was seen first, by the recorder's clock. Unit: ns.
        count: How often it was seen.
        worst: The worst figure in s, of a rate what it lacks in Hz, else a count; 0: has none.
    """

    kind: FaultKind
    topic: str
    text: str
    first_ns: int = 0
    count: int = 1
    worst: float = 0.0


@dataclass(frozen=True, slots=True)
class EpisodeFacts:
    """Facts about one episode.

    Attributes:
        episode_id: Unique name.
        instruction: What the arm was told to do.
        outcome: How it ended; UNKNOWN until somebody judged it.
        operator: Who or what drove the arm.
        note: Failure reason or remark.
        start_ns: When it began, by the node clock. Unit: ns.
        end_ns: When it ended; 0 while it goes on. Unit: ns.
        complete: False until the recording was closed in an orderly way.
        faults: What is wrong with the recording; empty: nothing.
        dropped: Messages that were lost between DDS and disk, by topic.
        calibration: Intrinsics of each camera by topic: width, height, distortion_model, d, k, r,
            p and frame_id, as in sensor_msgs/CameraInfo.
        versions: Versions of the software that took part, by name.
        ros_distro: Such as jazzy.
        scene: What the simulated cell says of the scene: task, object, source, target, seed.
    """

    episode_id: str
    instruction: str = ""
    outcome: Outcome = Outcome.UNKNOWN
    operator: str = ""
    note: str = ""
    start_ns: int = 0
    end_ns: int = 0
    complete: bool = False
    faults: tuple[Fault, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    calibration: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    ros_distro: str = ""
    scene: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong with the recording; says nothing about the outcome."""
        return self.complete and not self.faults

    @property
    def is_unfinished(self) -> bool:
        """Whether the recording goes on, or ended without anybody noticing."""
        return not self.complete and all(f.kind is not FaultKind.CUT_OFF for f in self.faults)

    def cut_off(self, end_ns: int) -> Self:
        """Return the facts of an episode whose recording ended in the middle.

        Args:
            end_ns: When the last message came. Unit: ns.
        """
        if not self.is_unfinished:
            return self
        text = "the recording was cut off: recorder killed or power lost"
        fault = Fault(FaultKind.CUT_OFF, "", text, first_ns=end_ns)
        return replace(self, faults=(*self.faults, fault), end_ns=self.end_ns or end_ns)

    def to_json(self) -> str:
        """Return the facts as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; fields of later versions are ignored.

        Raises:
            ValueError: The text is not JSON, or a field is missing or of the wrong kind.
        """
        try:
            content = json.loads(text)
            known = {row.name for row in fields(cls)}
            values = {name: value for name, value in content.items() if name in known}
            values["outcome"] = Outcome(values.get("outcome", Outcome.UNKNOWN))
            values["faults"] = tuple(_fault(row) for row in values.get("faults", ()))
            return cls(**values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the facts under '{KEY}' are not an episode's: {error}") from error


def _fault(row: Mapping[str, Any]) -> Fault:
    known = {column.name for column in fields(Fault)}
    values = {name: value for name, value in row.items() if name in known}
    return Fault(**{**values, "kind": FaultKind(values["kind"])})
