"""The folder of an evaluation: what was asked, and each trial's result as soon as it is there.

OUT/run.json             what was asked, and who has which letter
    trials.jsonl         one line per trial, in the order in which they were carried out
    trials/trial-0001/   strip.png, trace.npz
    starts/              one picture of each start configuration
    bags/, logs/         recordings; what the nodes printed
    results.json, table.md, plots/
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dust_eval.driver import Driver
from dust_eval.failure import Failure
from dust_eval.files import write_json, write_text
from dust_eval.protocol import Protocol
from dust_eval.schedule import Turn, plan_turns
from dust_eval.trial import Flow, TrialResult, TrialSpec
from dust_model.records import from_json, to_json

RUN = "run.json"
TRIALS = "trials.jsonl"

_SHOWN = 90  # characters of a value in an error


@dataclass(frozen=True, slots=True)
class Wording:
    """What the arm is told for a task.

    Attributes:
        task: Task, such as box_to_bowl.
        instruction: Its instruction with {object} in it.
    """

    task: str
    instruction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is evaluated, and how.

    Attributes:
        drivers: Who drives.
        labels: Letter of each driver while the trials run.
        specs: Trials in order.
        time_limit_sec: Longest time per trial. Unit: s.
        block: Trials of a driver before the next one has its turn.
        seed: Decides the order.
        robot: `sim` or `fr3`.
        judge: `oracle` or `person`.
        real_time_factor: Simulated time per wall time. Unit: 1.
        graph: Further arguments of the graph, each as `name:=value`.
        wording: What the arm is told for each task; empty in folders of versions that did not keep
            it.
        start_pose: Where the arm's joints are when a trial begins; empty: anywhere, or as for
            `wording`. Unit: rad.
    """

    drivers: tuple[Driver, ...]
    labels: tuple[str, ...]
    specs: tuple[TrialSpec, ...]
    time_limit_sec: float
    block: int = 1
    seed: int = 0
    robot: str = "sim"
    judge: str = "oracle"
    real_time_factor: float = 1.0
    graph: tuple[str, ...] = ()
    wording: tuple[Wording, ...] = ()
    start_pose: tuple[float, ...] = ()

    @property
    def protocol(self) -> Protocol | None:
        """The protocol that the trials follow; None where the plan does not hold all of it."""
        if not self.wording:
            return None
        instructions = {words.task: words.instruction for words in self.wording}
        return Protocol(self.specs, instructions, self.time_limit_sec, self.start_pose)

    def under(self, protocol: Protocol) -> Plan:
        """Return what this plan would be had it been made from a protocol.

        What the protocol has beyond this plan's trials is left out: a part of it may be evaluated.
        """
        wanted = set(self.specs)
        specs = tuple(spec for spec in protocol.specs if spec in wanted)
        return dataclasses.replace(
            self,
            specs=specs,
            time_limit_sec=protocol.time_limit_sec,
            wording=wording_of(specs, protocol.instructions),
            start_pose=protocol.start_pose,
        )

    @property
    def turns(self) -> list[Turn]:
        """All trials in the order in which they are carried out."""
        return plan_turns(self.specs, len(self.drivers), block=self.block, seed=self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One line of trials.jsonl.

    Attributes:
        number: The trial's place in the order, from 1.
        label: Letter of who drove.
        episode: Name of its folder and of its recording.
        finished: When it was over, UTC, ISO 8601.
        result: What came of it.
    """

    number: int
    label: str
    episode: str
    finished: str
    result: TrialResult


class RunFolder:
    """Reads and writes the folder; only one program at a time may.

    Args:
        root: The folder.
        plan: What is evaluated.
        records: What is done already.
    """

    def __init__(self, root: Path, plan: Plan, records: Sequence[TrialRecord] = ()) -> None:
        self.root = root
        self.plan = plan
        self._records = {record.number: record for record in records}

    @classmethod
    def create(cls, root: Path, plan: Plan) -> RunFolder:
        """Begin an evaluation.

        Raises:
            ValueError: There is one in the folder already, or its results.
        """
        if (root / RUN).exists():
            raise ValueError(f"{root} holds an evaluation: --resume goes on, or give another --out")
        if (root / TRIALS).exists():
            raise ValueError(
                f"{root} holds the {TRIALS} of an evaluation without its {RUN}: give another --out"
            )
        root.mkdir(parents=True, exist_ok=True)
        made = {"python": platform.python_version(), "machine": platform.node(), "begun": now()}
        write_json(root / RUN, {"plan": to_json(plan), **made})
        return cls(root, plan)

    @classmethod
    def open(cls, root: Path) -> RunFolder:
        """Open an evaluation as it was left, whatever ended it.

        Raises:
            ValueError: There is none in the folder, or a file of it is broken.
        """
        plan = _read_plan(root / RUN)
        records = _read_records(root / TRIALS)
        _require_planned(plan, records, where=str(root / TRIALS))
        return cls(root, plan, records)

    def require_same(self, plan: Plan) -> None:
        """Raise ValueError, with the first difference, unless the evaluation has this plan."""
        mine, its = to_json(self.plan), to_json(plan)
        if self.plan.protocol is None:
            # The folder is of a version that kept neither; there is nothing to compare with.
            del mine["wording"], mine["start_pose"]
        for name in mine:
            if mine[name] != its[name]:
                raise ValueError(
                    f"{self.root} was begun with another {name.replace('_', ' ')}: "
                    f"{_brief(mine[name], its[name])}; give another --out"
                )

    @property
    def records(self) -> list[TrialRecord]:
        """The newest record of each trial, in order."""
        return [self._records[number] for number in sorted(self._records)]

    def remaining(self) -> list[Turn]:
        """Return the turns that are not done, or broke: those are tried again."""
        done = {
            n for n, record in self._records.items() if record.result.failure is not Failure.BROKEN
        }
        return [turn for turn in self.plan.turns if turn.number not in done]

    def new_episode(self, turn: Turn) -> str:
        """Return a name that no earlier attempt at the trial has, and make its folder."""
        attempt = 1
        while True:
            name = turn.episode_id if attempt == 1 else f"{turn.episode_id}-{attempt}"
            try:
                self.episode_folder(name).mkdir(parents=True)
                return name
            except FileExistsError:
                attempt += 1

    def episode_folder(self, episode: str) -> Path:
        """Return the folder of what belongs to one trial."""
        return self.root / "trials" / episode

    def start_picture(self, spec: TrialSpec) -> Path:
        """Return where the picture of a start configuration lies."""
        return self.root / "starts" / f"{spec.name}.jpg"

    def append(self, turn: Turn, episode: str, result: TrialResult) -> TrialRecord:
        """Keep a result; it is on the disk when this returns."""
        record = TrialRecord(
            number=turn.number,
            label=self.plan.labels[turn.driver],
            episode=episode,
            finished=now(),
            result=result,
        )
        line = json.dumps(to_json(record)) + "\n"
        with (self.root / TRIALS).open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._records[turn.number] = record
        return record


@contextmanager
def claimed(root: Path) -> Iterator[None]:
    """Let no other program carry out an evaluation while the context is open.

    Args:
        root: Folder of the evaluation.

    Raises:
        ValueError: There is none in the folder, or a program carries it out already.
    """
    path = root / RUN
    try:
        file = path.open("rb")
    except OSError as error:
        raise ValueError(f"no evaluation to go on with: {path}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another dust-eval works in {root}: wait for its end, or give another --out"
            ) from None
        yield


def wording_of(specs: Sequence[TrialSpec], instructions: Mapping[str, str]) -> tuple[Wording, ...]:
    """Return what the arm is told for each task that these trials have."""
    tasks = dict.fromkeys(spec.task for spec in specs)
    return tuple(Wording(task, instructions[task]) for task in tasks)


def now() -> str:
    """Return the time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read_plan(path: Path) -> Plan:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"no evaluation to go on with: {path}: {error}") from None
    if not isinstance(values, dict) or "plan" not in values:
        raise ValueError(f"no evaluation to go on with: {path} holds no plan; give another --out")
    try:
        plan = from_json(Plan, values["plan"], where="plan")
        if len(plan.labels) != len(plan.drivers) or not plan.turns:
            raise ValueError("each driver needs a letter, and there must be a trial")
    except ValueError as error:
        raise ValueError(
            f"{path} is broken or of another version of DUST: {error}; give another --out"
        ) from None
    return plan


def _read_records(path: Path) -> list[TrialRecord]:
    """Read what is done, and drop the line that a kill cut short, if there is one."""
    if not path.exists():
        return []
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} can't be read: {error}; give another --out") from None
    whole = _whole_lines(text)
    if whole != text:
        write_text(path, whole)
    return [
        _record(line, where=f"{path} line {number}")
        for number, line in enumerate(whole.split("\n")[:-1], start=1)
    ]


def _whole_lines(text: str) -> str:
    """Return a text up to its last whole line."""
    end = text.rfind("\n") + 1
    try:
        json.loads(text[end:])
    except ValueError:
        return text[:end]
    return f"{text}\n"  # only its end is missing: what is cut short elsewhere is no JSON


def _require_planned(plan: Plan, records: Sequence[TrialRecord], *, where: str) -> None:
    """Raise ValueError unless each result is of a trial that the plan has."""
    turns = {turn.number: turn for turn in plan.turns}
    for line, record in enumerate(records, start=1):
        turn = turns.get(record.number)
        ours = turn is not None and (turn.spec, plan.labels[turn.driver]) == (
            record.result.spec,
            record.label,
        )
        if not ours:
            raise ValueError(
                f"{where} line {line}: trial {record.number} ({record.result.spec.name}, driver "
                f"{record.label}) is not in {RUN}'s plan: give another --out"
            )


def _record(line: str, *, where: str) -> TrialRecord:
    try:
        values = json.loads(line)
        result = dict(values["result"])
        flow = result.pop("flow", None)
        plain = from_json(TrialRecord, {**values, "result": result}, where="record")
        if flow is None:
            return plain
        whole = dataclasses.replace(plain.result, flow=from_json(Flow, flow, where="flow"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{where} is broken or of another version of DUST: {error}; remove the line to have "
            "the trial done again"
        ) from None
    return dataclasses.replace(plain, result=whole)


def _brief(mine: Any, its: Any) -> str:
    """Say how two values differ, without printing long lists."""
    if isinstance(mine, list) and isinstance(its, list) and len(mine) == len(its):
        mine, its = next(pair for pair in zip(mine, its, strict=True) if pair[0] != pair[1])
    texts = [json.dumps(mine), json.dumps(its)]
    start = 0
    if max(map(len, texts)) > _SHOWN:
        # Long texts may be the same for longer than is shown.
        pairs = enumerate(zip(*texts, strict=False))
        start = max(0, next((at for at, (a, b) in pairs if a != b), 0) - _SHOWN // 3)
    first, second = (_short(text, start) for text in texts)
    return f"{first}, not {second}"


def _short(text: str, start: int) -> str:
    shown = f"...{text[start:]}" if start else text
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
