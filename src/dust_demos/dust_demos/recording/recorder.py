"""The recorder without ROS: messages and events in, bags out.

receive -> pre-roll ................. begin: pre-roll goes to the scribe, then every message
        -> gates (while it lasts)     end:   a moment later the scribe closes the bag
        -> scribe (its own thread)    tick:  gates, room on the disk, time limits
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dust_demos.recording.arrivals import Arrival, PreRoll, Source
from dust_demos.recording.episode_writer import EpisodeWriter
from dust_demos.recording.facts import EPISODE_TYPE, EpisodeFacts, FaultKind
from dust_demos.recording.gates import GateSettings
from dust_demos.recording.pressing import Press
from dust_demos.recording.room import CHECK_SEC, Room
from dust_demos.recording.scribe import Scribe
from dust_demos.recording.surroundings import (
    CAMERA_INFO,
    calibration,
    ros_distro,
    scene,
    software_versions,
)
from dust_demos.recording.take import Ending, Take


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """What the recorder needs to know.

    Attributes:
        folder: Gets one folder per episode.
        gates: Limits.
        writer: One of `episode_writer.WRITERS`.
        commit_period: How much a kill may lose. Unit: s.
        capacity: Room for what waits for the disk. Unit: byte.
        pre_roll: What came this long before the start is recorded. Unit: s.
        post_roll: What comes this long after the end is recorded. Unit: s.
        max_duration: Longest episode. Unit: s.
        min_free: Bytes of the disk that stay free.
        reserve: Length of an episode that has to fit when one begins. Unit: s.
    """

    folder: Path
    gates: GateSettings
    writer: str = "dust"
    commit_period: float = 0.25
    capacity: int = 128 << 20
    pre_roll: float = 0.5
    post_roll: float = 0.3
    max_duration: float = 900.0
    min_free: float = 2.0 * (1 << 30)
    reserve: float = 120.0


class Recorder:
    """Records episodes; all methods are called from one thread.

    Args:
        settings: See there; the folder is made if it is not there.
        on_saved: Called with folder and facts when a bag is closed, in the scribe's thread.
        room: Watches the disk; without it, one that looks at the folder.
        press: Encodes images of sources that ask for it.

    Raises:
        OSError: The folder cannot be made.

    Attributes:
        take: The episode that is being recorded; None: none is.
        trouble: Why the last episode could not be begun, or had to end; empty: nothing.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        *,
        on_saved: Callable[[Path, EpisodeFacts], None] = lambda *_: None,
        room: Room | None = None,
        press: Press | None = None,
    ) -> None:
        settings.folder.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._on_saved = on_saved
        self._press = press
        self._room = room or Room(
            settings.folder, min_free=settings.min_free, reserve_sec=settings.reserve
        )
        self._pre_roll = PreRoll(round(settings.pre_roll * 1e9))
        self._scribe = Scribe(self._make_writer, capacity=settings.capacity)
        self._room_checked_ns = 0
        self.take: Take | None = None
        self.trouble = ""

    @property
    def written(self) -> int:
        """Messages of the episode that are written."""
        return self._scribe.written

    @property
    def size(self) -> int:
        """Bytes of the episode that are written."""
        return self._scribe.size

    @property
    def waiting(self) -> int:
        """Bytes that wait for the disk."""
        return self._scribe.waiting

    def newest(self, topic: str) -> Arrival | None:
        """Return the newest message of a topic, if any came."""
        return self._pre_roll.newest.get(topic)

    def receive(self, arrival: Arrival) -> None:
        """Take a message."""
        self._pre_roll.add(arrival)
        take = self.take
        if take is None:
            return
        if not take.has_ended:
            take.gates.observe(arrival.source.gate, arrival.stamp_ns, arrival.time_ns)
        self._write(take, arrival)

    def lost(self, source: Source, count: int, now_ns: int) -> None:
        """Note messages that did not arrive, as their numbers tell."""
        if self.take is not None and not self.take.has_ended:
            self.take.lose(source, count, now_ns=now_ns, in_queue=False)

    def begin(self, facts: EpisodeFacts) -> None:
        """Begin to record an episode; one that is being recorded ends.

        Args:
            facts: Name, instruction, operator and start; the rest is filled in here.

        Raises:
            ValueError: There is no room on the disk; one line with the remedy.
        """
        if self.take is not None:
            self._abandon("the next one began before its end", facts.start_ns)
        refusal = self._room.refusal()
        if refusal:
            self.trouble = f"episode {facts.episode_id} is not recorded: {refusal}"
            raise ValueError(self.trouble)
        self.trouble = ""
        facts = replace(
            facts,
            versions=software_versions(),
            ros_distro=ros_distro(),
            **self._surroundings(),
        )
        take = self.take = Take(facts, self._settings.gates)
        self._scribe.begin(take.facts(), take.on_fault)
        self._write_pre_roll(take)

    def end(self, ending: Ending, *, end_ns: int, now_ns: int) -> None:
        """End the episode; what comes in the next moments is still recorded.

        Args:
            ending: How it ended.
            end_ns: When. Unit: ns.
            now_ns: Time by the node clock. Unit: ns.
        """
        if self.take is None or self.take.has_ended:
            return
        closes_ns = now_ns + round(self._settings.post_roll * 1e9)
        self.take.end(ending, end_ns=end_ns, closes_ns=closes_ns, now=self._surroundings)

    def tick(self, now_ns: int) -> None:
        """Look at gates, disk and time; to be called ten times a second or more."""
        take = self.take
        if take is None:
            return
        if take.closes_ns is not None:
            # A clock that was set back would let it wait for ever.
            rest = (take.closes_ns - now_ns) * 1e-9
            if not 0 < rest <= self._settings.post_roll + 1:
                self._close(take)
            return
        take.gates.check(now_ns)
        self._check_room(take, now_ns)
        if take.failure:
            self.trouble = f"episode {take.episode_id} was ended: {take.failure}"
            self._abandon(take.failure, now_ns)
        elif take.seconds(now_ns) > self._settings.max_duration:
            limit = self._settings.max_duration
            self._abandon(f"nobody ended it for {limit:g} s (max_duration)", now_ns)

    def publish_facts(self) -> None:
        """Let the bag know the faults that were found since."""
        if self.take is not None:
            self._scribe.update(self.take.facts())

    def abandon(self, reason: str, now_ns: int) -> None:
        """End the episode although nobody said that it is over.

        Args:
            reason: Why, in words.
            now_ns: Time by the node clock. Unit: ns.
        """
        if self.take is not None:
            self._abandon(reason, now_ns)

    def close(self, now_ns: int) -> bool:
        """End what is being recorded and wait for the disk; False if it does not let us."""
        if self.take is not None:
            if self.take.has_ended:
                self._close(self.take)
            else:
                self._abandon("the recorder was ended", now_ns)
        done = self._scribe.close()
        if self._press is not None:
            self._press.close()
        return done

    def _abandon(self, reason: str, now_ns: int) -> None:
        take = self.take
        assert take is not None
        if not take.has_ended:
            text = f"the episode was cut short: {reason}"
            take.log.note(FaultKind.ABANDONED, "", text, now_ns=now_ns)
            take.end(Ending(), end_ns=now_ns, closes_ns=now_ns, now=self._surroundings)
        self._close(take)

    def _close(self, take: Take) -> None:
        self._scribe.end(lambda: take.facts(complete=True), self._on_saved)
        self.take = None

    def _check_room(self, take: Take, now_ns: int) -> None:
        if abs(now_ns - self._room_checked_ns) * 1e-9 < CHECK_SEC:
            return
        self._room_checked_ns = now_ns
        self._room.learn(self._scribe.size, take.seconds(now_ns))
        shortage = self._room.shortage()
        if shortage:
            self.trouble = f"episode {take.episode_id} was ended: {shortage}"
            take.log.note(FaultKind.DISK, "", shortage, now_ns=now_ns)
            self._abandon("the disk is nearly full", now_ns)

    def _write_pre_roll(self, take: Take) -> None:
        """Write what came just before, after the latched ones that came long ago."""
        recent = self._pre_roll.since(take.start_ns - round(self._settings.pre_roll * 1e9))
        first_ns = min((arrival.time_ns for arrival in recent), default=take.start_ns)
        there = {arrival.name for arrival in recent}
        for name, arrival in sorted(self._pre_roll.newest.items()):
            if name not in there and _outlasts(arrival):
                self._write(take, replace(arrival, time_ns=first_ns))
        for arrival in recent:
            self._write(take, arrival)

    def _write(self, take: Take, arrival: Arrival) -> None:
        if arrival.source.encode and self._press is not None:
            arrival = replace(arrival, encoded=self._press.submit(arrival.data))
        if not self._scribe.write(arrival):
            take.lose(arrival.source, 1, now_ns=arrival.time_ns, in_queue=True)

    def _surroundings(self) -> dict[str, Any]:
        newest = self._pre_roll.newest.values()
        return {"calibration": calibration(newest), "scene": scene(newest)}

    def _make_writer(self, facts: EpisodeFacts) -> EpisodeWriter:
        settings = self._settings
        return EpisodeWriter(
            settings.folder,
            facts,
            writer=settings.writer,
            commit_period_sec=settings.commit_period,
        )


def episode_name(now: datetime) -> str:
    """Return a name for an episode that has none; it sorts by time."""
    return f"episode-{now:%Y%m%d-%H%M%S}"


def _outlasts(arrival: Arrival) -> bool:
    """Return whether a message still holds long after it came."""
    topic = arrival.source.topic
    latched = any(row["durability"] == "transient_local" for row in topic.qos)
    return topic.type_name != EPISODE_TYPE and (latched or topic.type_name == CAMERA_INFO)
