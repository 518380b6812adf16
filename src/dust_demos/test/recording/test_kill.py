"""SIGKILL at any moment: every bag opens as it is, and at most a second is missing.

Run as a program, this file forks a recorder for every line on stdin and prints its process id.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader

from dust_demos.recording.arrivals import Arrival, Source
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import EpisodeFacts, Outcome
from dust_demos.recording.gates import GateSettings
from dust_demos.recording.mend import mend, unfinished
from dust_demos.recording.recorded_topic import RecordedTopic, offered_qos
from dust_demos.recording.recorder import Recorder, RecorderSettings
from dust_demos.recording.take import Ending

TYPES = {
    "/side/compressed": "sensor_msgs/msg/CompressedImage",
    "/wrist/compressed": "sensor_msgs/msg/CompressedImage",
    "/joint_states": "sensor_msgs/msg/JointState",
    "/late": "std_msgs/msg/String",
}
SIZES = {"/side/compressed": 10_000, "/wrist/compressed": 10_000, "/joint_states": 300, "/late": 9}
LOST_NS = 1_000_000_000
PAUSE = threading.Event()  # never set


def record(out: Path, seed: int) -> None:
    """Record episodes of random length until the end, noting when the last message came."""
    settings = RecorderSettings(
        out, GateSettings({}), min_free=0, reserve=0, pre_roll=0.1, post_roll=0.05
    )
    recorder = Recorder(settings)
    progress = os.open(out / "progress", os.O_CREAT | os.O_RDWR)
    rng = random.Random(seed)
    sources = {
        name: Source(RecordedTopic.describe(name, kind, [offered_qos()]), name)
        for name, kind in TYPES.items()
    }
    for number in range(10_000):
        began = time.time_ns()
        recorder.begin(EpisodeFacts(f"{seed}_{number}", "do it", start_ns=began))
        end_ns = began + round(rng.uniform(0.05, 2.5) * 1e9)
        while (now := time.time_ns()) < end_ns:
            for name, source in sources.items():
                if name != "/late" or now > began + 300_000_000:
                    recorder.receive(Arrival(source, now, now, b"\0\1\0\0" + bytes(SIZES[name])))
            os.pwrite(progress, now.to_bytes(8, "little"), 0)
            recorder.tick(now)
            PAUSE.wait(0.005)
        recorder.end(Ending(Outcome.SUCCESS), end_ns=end_ns, now_ns=end_ns)


def fork_for_each_line(out: Path) -> None:
    """Fork recorders; what they need is loaded once."""
    for seed, _ in enumerate(sys.stdin):
        pid = os.fork()
        if not pid:
            folder = out / str(seed)
            folder.mkdir()
            record(folder, seed)
        print(pid, flush=True)
        os.waitpid(pid, 0)


class Victims:
    """Recorders that are killed, one after the other."""

    def __init__(self, out: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(out)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.out = out
        self._count = -1

    def kill_one(self, after_sec: float) -> Path:
        """Start a recorder and kill it after that time of recording; return its folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        pid = int(self._process.stdout.readline())
        self._count += 1
        folder = self.out / str(self._count)
        wait_until(lambda: progress(folder) > 0)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > after_sec)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid))
        return folder

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def is_gone(pid: int) -> bool:
    """Return whether the process and its files are gone; its parent may not have noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def progress(folder: Path) -> int:
    """Return when the recorder received its last message. Unit: ns."""
    file = folder / "progress"
    return int.from_bytes(file.read_bytes(), "little") if file.exists() else 0


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        PAUSE.wait(0.001)


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[Victims]:
    victims = Victims(tmp_path)
    yield victims
    victims.close()


def check(folder: Path) -> None:
    """Check all bags of a recorder that was killed."""
    bags = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    newest = max((last_ns(bag) for bag in bags), default=0)
    received = progress(folder)
    # Before the first commit there may be nothing to show yet.
    first = min((first_ns(bag) for bag in bags), default=received)
    assert received - (newest or first) <= LOST_NS
    assert len(list(unfinished(folder))) <= 2  # one that is closed while the next one begins
    for bag in unfinished(folder):
        before = count(bag)
        mended = mend(bag)
        assert mended is not None
        # Who goes through the records finds what the killed one had not put into the table yet.
        assert mended.messages == count(bag) >= before


def last_ns(path: Path) -> int:
    """Open a bag in three ways; return when its last message came."""
    with Reader(path) as reader:
        times = [time_ns for _, time_ns, _ in reader.messages()]
    with Bag.open(path) as bag:
        assert bag.mended == ""
        assert bag.episode is not None
        assert sum(topic.count for topic in bag.topics.values()) == len(times)
        assert bag.end_ns == max(times, default=0)
    with next(path.glob("*.mcap")).open("rb") as file:
        assert sum(1 for _ in make_reader(file).iter_messages()) == len(times)
    return max(times, default=0)


def first_ns(path: Path) -> int:
    with Bag.open(path) as bag:
        assert bag.episode is not None
        return bag.episode.start_ns


def count(path: Path) -> int:
    with Bag.open(path) as bag:
        return sum(topic.count for topic in bag.topics.values())


def test_killed_at_any_moment_it_loses_at_most_a_second(victims: Victims) -> None:
    rng = random.Random(1)
    for _ in range(5):
        check(victims.kill_one(rng.uniform(0.0, 0.8)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_200_kills_at_random_moments(victims: Victims) -> None:
    rng = random.Random(2)
    for _ in range(200):
        check(victims.kill_one(rng.uniform(0.0, 3.0)))


if __name__ == "__main__":
    fork_for_each_line(Path(sys.argv[1]))
