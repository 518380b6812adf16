"""Program: record the running cell for a while and count what is missing.

    python -m dust_demos.recording.bench --seconds 300 --rate 30

The scripted expert works meanwhile, so that arm, executor and cameras are busy. Exit code 1 if a
message was lost between publisher and disk.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import EpisodeFacts
from dust_demos.recording.stored_facts import METADATA, facts_in_yaml
from dust_eval.cell_client import CellClient, GraphError
from dust_eval.episode_topic import EpisodeTopic
from dust_eval.graph import last_lines, running_graph
from dust_eval.trial import TrialSpec
from dust_start.dds import profile_variables
from dust_start.domain import claimed_domain
from dust_start.environment import workspace_environment
from dust_start.graph import Graph

NAME = "bench"
START_SEC = 60.0
TASK_SEC = 60.0
_POLL_SEC = 0.1


@dataclass(frozen=True, slots=True)
class TopicCount:
    """What came of one topic.

    Attributes:
        name: The topic.
        count: Messages on disk.
        rate: Messages per second. Unit: Hz.
        longest_gap: Longest time between two stamps, arrivals where there are none. Unit: s.
    """

    name: str
    count: int
    rate: float
    longest_gap: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0, 1 if something was lost, 2 if it could not run."""
    parser = argparse.ArgumentParser(
        description="Record the running cell and count what is missing."
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the episode")
    parser.add_argument("--rate", type=float, default=30.0, help="images per second and camera")
    parser.add_argument("--size", type=int, nargs=2, default=(640, 360), metavar=("W", "H"))
    parser.add_argument("--out", type=Path, help="keeps bag and log here; default: nothing is kept")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="dust_bench_") as folder:
            out = options.out or Path(folder)
            return _run(out, options.seconds, options.rate, tuple(options.size))
    except (GraphError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(out: Path, seconds: float, rate: float, size: tuple[int, int]) -> int:
    out.mkdir(parents=True, exist_ok=True)
    parameters = out / "parameters.yaml"
    parameters.write_text(yaml.safe_dump(_parameters(rate, size)), encoding="utf-8")
    words = [
        "robot:=sim",
        "policy:=expert",
        f"record:={out.resolve()}",
        f"params_file:={parameters.resolve()}",
    ]
    environment = workspace_environment()
    graph = Graph.load(environment)
    os.environ.update(profile_variables(graph.dds_profile(graph.values({})), environment))
    log = out / "graph.log"
    with claimed_domain() as domain, running_graph(words, log=log, domain_id=domain) as process:

        def alive() -> bool:
            return process.poll() is None

        with CellClient(domain_id=domain) as client:
            try:
                client.wait_ready(timeout_sec=START_SEC, alive=alive)
                share = _record(client, out, domain, seconds, alive)
            except GraphError as error:
                raise GraphError(f"{error}\n{last_lines(log)}") from error
    return _report(out / NAME, share)


def _parameters(rate: float, size: tuple[int, int]) -> dict[str, object]:
    cell = {"camera_rate": rate, "width": size[0], "height": size[1]}
    recorder = {"disk.min_free": 0.2, "max_duration": 86400.0}
    sections = {"dust_sim": cell, "dust_recorder": recorder}
    return {f"/**/{name}": {"ros__parameters": values} for name, values in sections.items()}


def _record(
    client: CellClient, out: Path, domain: int, seconds: float, alive: Callable[[], bool]
) -> float:
    """Record one episode full of tasks; return the recorder's share of a CPU."""
    episodes = EpisodeTopic(client.node, operator="expert")
    _wait(lambda: client.node.count_subscribers("episode") > 0, alive, "the recorder did not come")
    episodes.begin(NAME, "whatever the expert is told")
    _wait((out / NAME).exists, alive, "the recorder did not begin")
    pid = _recorder_pid(domain)
    cpu_sec, began = _cpu_seconds(pid), time.monotonic()
    seed = 100
    while time.monotonic() - began < seconds:
        client.rearm_if_stopped()
        instruction = client.reset(TrialSpec("box_to_bowl", "blue_cube", seed))
        task = client.start_task(instruction, time_limit_sec=TASK_SEC)
        client.wait_task(task, timeout_sec=TASK_SEC + 10)
        seed += 1
    share = (_cpu_seconds(pid) - cpu_sec) / (time.monotonic() - began)
    episodes.end(NAME, "", None)
    _wait(lambda: _facts(out) is not None, alive, "the recorder did not end")
    return share


def _facts(out: Path) -> EpisodeFacts | None:
    """Return the facts of a bag that is closed."""
    facts = facts_in_yaml(out / NAME / METADATA)
    return facts if facts is not None and facts.complete else None


def _wait(condition: Callable[[], bool], alive: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + START_SEC
    while not condition():
        if not alive() or time.monotonic() > deadline:
            raise GraphError(complaint)
        time.sleep(_POLL_SEC)


def _recorder_pid(domain: int) -> int:
    """Return the process id of the recorder in a ROS domain."""
    wanted = f"ROS_DOMAIN_ID={domain}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # another user's, or gone
        if b"dust_recorder" in words and wanted in variables:
            return int(folder.name)
    raise GraphError("the recorder's process is not there")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(folder: Path, share: float) -> int:
    """Print what was recorded; return the exit code."""
    size = sum(file.stat().st_size for file in folder.iterdir())
    with Bag.open(folder) as bag:
        facts = bag.episode
        assert facts is not None
        seconds = (facts.end_ns - facts.start_ns) * 1e-9
        print(f"{'topic':<58}{'messages':>9}{'Hz':>8}{'longest gap [s]':>17}{'lost':>6}")
        for row in count(bag):
            lost = facts.dropped.get(row.name, 0)
            print(f"{row.name:<58}{row.count:>9}{row.rate:>8.2f}{row.longest_gap:>17.3f}{lost:>6}")
    lost = sum(facts.dropped.values())
    print(f"{seconds:.1f} s, {size / 1e6:.1f} MB, {size / seconds / 1e6:.2f} MB/s")
    print(f"recorder: {100 * share:.1f} % of a core, {lost} messages lost")
    for fault in facts.faults:
        print(f"fault: {fault.text} ({fault.count} times)")
    return 1 if lost else 0


def count(bag: Bag) -> list[TopicCount]:
    """Count every topic of a bag between start and end of its episode."""
    assert bag.episode is not None
    times: dict[str, list[int]] = {name: [] for name in bag.topics}
    start_ns, end_ns = bag.episode.start_ns, bag.episode.end_ns
    for received in bag.messages(start_ns=start_ns, stop_ns=end_ns):
        stamp = getattr(getattr(received.message, "header", None), "stamp", None)
        own_ns = stamp.sec * 1_000_000_000 + stamp.nanosec if stamp is not None else 0
        times[received.topic].append(own_ns or received.time_ns)
    seconds = (end_ns - start_ns) * 1e-9
    return [
        TopicCount(name, len(rows), len(rows) / seconds, _longest_gap(rows))
        for name, rows in times.items()
    ]


def _longest_gap(times: Sequence[int]) -> float:
    return float(np.diff(np.sort(times)).max()) * 1e-9 if len(times) > 1 else 0.0


if __name__ == "__main__":
    sys.exit(main())
