"""Node `dust_recorder`: one rosbag2 folder per episode."""

import json
import sys
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.serialization import deserialize_message
from rclpy.time import Time
from rclpy.timer import Timer
from std_msgs.msg import String
from std_srvs.srv import Trigger

from dust_demos.recording.arrivals import Source
from dust_demos.recording.cdr import text_of
from dust_demos.recording.ears import Ears, Wanted
from dust_demos.recording.facts import EPISODE_TYPE, EpisodeFacts, Outcome
from dust_demos.recording.mcap_storage import remove_drafts
from dust_demos.recording.mend import mend, unfinished
from dust_demos.recording.parameters import PARAMETERS
from dust_demos.recording.pressing import Press
from dust_demos.recording.recorder import Recorder, episode_name
from dust_demos.recording.settings import image_topics, names, recorder_settings
from dust_demos.recording.take import Ending
from dust_msgs.msg import Episode
from dust_node import qos
from dust_node.diagnostics import ERROR, OK, WARN, Level, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.run import run

POLL_SEC = 0.02
_TICK_SEC = 0.1
_SCAN_SEC = 0.5
_STATUS_SEC = 1.0
_ORPHAN_SEC = 3.0


class Every:
    """Says when something is due again.

    Args:
        period_sec: Time between two times.
    """

    def __init__(self, period_sec: float) -> None:
        self._period_sec = period_sec
        self._next_sec = 0.0

    def due(self, now_sec: float) -> bool:
        """Return whether it is due, at most once a period."""
        if now_sec < self._next_sec:
            return False
        self._next_sec = now_sec + self._period_sec
        return True


class RecorderNode(DustNode):
    """Record from START to END of an episode, or between two service calls."""

    parameters = PARAMETERS

    def __init__(self) -> None:
        """Declare the parameters; everything else is made in `setup`."""
        self._recorder: Recorder | None = None
        self._timer: Timer | None = None
        self._ears: Ears | None = None
        self._entities: list[tuple[Any, Any]] = []
        self._saved: deque[tuple[Path, EpisodeFacts]] = deque()
        self._last: dict[str, Any] = {}
        self._by_service = False
        self._orphaned_sec: float | None = None
        super().__init__("dust_recorder")

    def setup(self) -> None:
        """Make recorder, topics and services; finish bags whose recorder was killed."""
        values: dict[str, Any] = self.values
        try:
            self._make_recorder(values)
        except (ValueError, OSError) as error:
            raise UserError(str(error)) from error
        self._mend(self._settings.folder)
        self._monitor = Monitor(self, self._assess)
        self._entities.append((Monitor.close, self._monitor))
        self._status = self.create_publisher(String, "~/status", qos.LATCHED)
        self._entities.append((self.destroy_publisher, self._status))
        for name, answer in (("~/start", self._on_start), ("~/stop", self._on_stop)):
            self._entities.append(
                (self.destroy_service, self.create_service(Trigger, name, answer))
            )

    def start(self) -> None:
        """Begin to listen."""
        self._ears = Ears(self, self._wanted(), self._on_lost)
        self._scan, self._tick = Every(_SCAN_SEC), Every(_TICK_SEC)
        self._tell = Every(_STATUS_SEC)
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(POLL_SEC, self._work, clock=clock)
        self._publish_status()

    def stop(self) -> None:
        """End the episode that is being recorded, and stop listening."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        if self._recorder is not None:
            self._recorder.abandon("the recorder was deactivated", self._now_ns())
        if self._ears is not None:
            self._ears.close()
            self._ears = None

    def teardown(self) -> None:
        """Wait for the disk, then release everything."""
        if self._recorder is not None:
            if not self._recorder.close(self._now_ns()):
                self.get_logger().error("the disk does not take the rest of the episode")
            self._recorder = None
            self._report_saved()
        while self._entities:
            destroy, entity = self._entities.pop()
            destroy(entity)

    def _make_recorder(self, values: dict[str, Any]) -> None:
        self._settings = recorder_settings(values, self.resolve_topic_name)
        press = None
        if values["compress"] == "auto":
            press = Press(
                image_format=values["image_format"],
                quality=values["jpeg_quality"],
                threads=values["threads"],
            )
        self._recorder = Recorder(
            self._settings,
            on_saved=lambda folder, facts: self._saved.append((folder, facts)),
            press=press,
        )

    def _wanted(self) -> list[Wanted]:
        values: dict[str, Any] = self.values
        images = image_topics(values, self.resolve_topic_name)
        compressed = values["compress"] == "auto"
        self._episodes = self.resolve_topic_name("episode")
        others = names(values["topics"], self.resolve_topic_name)
        return [
            Wanted(self._episodes, type_name=EPISODE_TYPE),
            *(Wanted(topic, is_image=compressed) for topic in images),
            *(Wanted(topic) for topic in others if topic not in (self._episodes, *images)),
        ]

    def _mend(self, folder: Path) -> None:
        remove_drafts(folder)
        for bag in unfinished(folder):
            try:
                self.get_logger().warning(str(mend(bag)))
            except (ValueError, OSError) as error:
                self.get_logger().error(f"{bag} is not mended: {error}")

    def _work(self) -> None:
        """Fetch what came, and look after everything else when it is due."""
        assert self._recorder is not None
        assert self._ears is not None
        now_sec = time.monotonic()
        if self._scan.due(now_sec):
            self._ears.scan()
            self._check_driver(now_sec)
        simulated = bool(self.get_parameter("use_sim_time").value)
        now_ns = self._now_ns()
        for arrival in self._ears.poll(time.time_ns(), now_ns, is_simulated=simulated):
            self._recorder.receive(arrival)
            if arrival.source.gate in self._settings.gates.limits:
                self._monitor.tick(arrival.source.gate)
            if arrival.name == self._episodes:
                self._on_episode(deserialize_message(arrival.data, Episode), now_ns)
        if self._tick.due(now_sec):
            self._recorder.tick(now_ns)
            self._report(now_sec)

    def _on_episode(self, event: Episode, now_ns: int) -> None:
        assert self._recorder is not None
        take = self._recorder.take
        stamp_ns = Time.from_msg(event.header.stamp).nanoseconds or now_ns
        running = take is not None and take.episode_id == event.episode_id
        if event.event == Episode.END and running:
            outcome = Outcome.from_constant(event.outcome)
            ending = Ending(outcome, event.note, event.instruction, event.operator_name)
            self._recorder.end(ending, end_ns=stamp_ns, now_ns=now_ns)
        elif event.event == Episode.START and not running:
            age = (now_ns - stamp_ns) * 1e-9
            if age > self.values["max_start_age"]:  # type: ignore[operator]
                text = f"episode {event.episode_id} began {age:.1f} s ago: not recorded"
                self.get_logger().warning(f"{text} (max_start_age)")
                return
            facts = EpisodeFacts(
                event.episode_id,
                event.instruction,
                operator=event.operator_name,
                note=event.note,
                start_ns=stamp_ns,
            )
            self._begin(facts, by_service=False)

    def _begin(self, facts: EpisodeFacts, *, by_service: bool) -> str:
        """Begin an episode; return why not, empty if it was begun."""
        assert self._recorder is not None
        try:
            self._recorder.begin(facts)
        except ValueError as error:
            self.get_logger().error(str(error))
            self._publish_status()
            return str(error)
        self._by_service, self._orphaned_sec = by_service, None
        self.get_logger().info(f"recording {facts.episode_id}: '{facts.instruction}'")
        self._publish_status()
        return ""

    def _on_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer ~/start."""
        response.message = self._refusal() or self._begin(self._own_facts(), by_service=True)
        response.success = not response.message
        if response.success and self._recorder is not None and self._recorder.take is not None:
            response.message = self._recorder.take.episode_id
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer ~/stop."""
        take = self._recorder.take if self._recorder is not None else None
        if take is None or self._recorder is None:
            response.message = "nothing is being recorded"
            return response
        now_ns = self._now_ns()
        self._recorder.end(Ending(), end_ns=now_ns, now_ns=now_ns)
        response.success, response.message = True, take.episode_id
        return response

    def _refusal(self) -> str:
        if not self.active or self._recorder is None:
            return "dust_recorder is not active; activate it first"
        if self._recorder.take is not None:
            return f"episode {self._recorder.take.episode_id} is being recorded; call ~/stop first"
        return ""

    def _own_facts(self) -> EpisodeFacts:
        """Return the facts of an episode that nobody announced."""
        assert self._recorder is not None
        told = self._recorder.newest(self.resolve_topic_name("instruction"))
        return EpisodeFacts(
            episode_name(datetime.now()),
            text_of(told.data) if told is not None else "",
            operator=str(self.values["operator"]),
            start_ns=self._now_ns(),
        )

    def _check_driver(self, now_sec: float) -> None:
        """End an episode whose driver died: nobody will ever say that it is over."""
        assert self._recorder is not None
        alone = not self._by_service and not self.count_publishers(self._episodes)
        if self._recorder.take is None or not alone:
            self._orphaned_sec = None
        elif self._orphaned_sec is None:
            self._orphaned_sec = now_sec
        elif now_sec - self._orphaned_sec > _ORPHAN_SEC:
            self._recorder.abandon("who announced it is gone", self._now_ns())

    def _on_lost(self, source: Source, count: int) -> None:
        if self._recorder is not None:
            self._recorder.lost(source, count, self._now_ns())

    def _report(self, now_sec: float) -> None:
        """Say what is new, at once; the rest now and then."""
        assert self._recorder is not None
        take = self._recorder.take
        new = take.log.take_new() if take is not None else []
        for fault in new:
            self.get_logger().warning(f"bad take ({fault.kind}): {fault.text}")
        if new:
            self._recorder.publish_facts()
        saved = self._report_saved()
        if new or saved or self._tell.due(now_sec):
            self._publish_status()

    def _report_saved(self) -> bool:
        """Say which bags were closed; return whether there were any."""
        found = False
        while self._saved:
            folder, facts = self._saved.popleft()
            found = True
            faults = [fault.text for fault in facts.faults]
            seconds = (facts.end_ns - facts.start_ns) * 1e-9
            verdict = f"{len(faults)} faults: {'; '.join(faults[:3])}" if faults else "no faults"
            self.get_logger().info(f"saved {folder}: {seconds:.1f} s, {facts.outcome}, {verdict}")
            self._last = {
                "folder": str(folder),
                "episode_id": facts.episode_id,
                "outcome": facts.outcome.value,
                "seconds": round(seconds, 3),
                "dropped": sum(facts.dropped.values()),
                "faults": faults,
            }
        return found

    def _publish_status(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        take = recorder.take
        status: dict[str, Any] = {"state": "idle" if take is None else "recording"}
        if take is not None:
            status |= {
                "episode_id": take.episode_id,
                "seconds": round(take.seconds(self._now_ns()), 2),
                "messages": recorder.written,
                "megabytes": round(recorder.size / 1e6, 2),
                "dropped": sum(take.losses.by_topic.values()),
                "faults": [fault.text for fault in take.log.faults()],
            }
        status |= {"trouble": recorder.trouble, "last": self._last}
        self._status.publish(String(data=json.dumps(status)))

    def _assess(self) -> Level:
        recorder = self._recorder
        if not self.active or recorder is None:
            return OK, "inactive"
        self._monitor.set("waiting [MB]", f"{recorder.waiting / 1e6:.2f}")
        if recorder.trouble:
            return ERROR, recorder.trouble
        take = recorder.take
        if take is None:
            return OK, "waiting for an episode"
        self._monitor.set("messages", recorder.written)
        self._monitor.set("dropped", sum(take.losses.by_topic.values()))
        faults = [fault.text for fault in take.log.faults()]
        if faults:
            return WARN, f"episode {take.episode_id} is faulty: {'; '.join(faults)}"
        return OK, f"recording {take.episode_id}"

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)


def main() -> int:
    """Run the node until it is interrupted."""
    return run(RecorderNode)


if __name__ == "__main__":
    sys.exit(main())
