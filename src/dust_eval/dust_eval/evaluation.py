"""Carry out the trials of a plan: seat each driver in turn, keep every result at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

from dust_eval.cell_client import CellClient
from dust_eval.driver import Driver
from dust_eval.episode_topic import EpisodeTopic
from dust_eval.failure import Failure
from dust_eval.film import Film, write_still, write_strip
from dust_eval.graph import LAUNCHER, STARTER, GraphPart
from dust_eval.person import Person, RepeatError
from dust_eval.protocol import Protocol
from dust_eval.robot_scene import RobotScene
from dust_eval.run_folder import RunFolder
from dust_eval.runner import Scene, SimulatedScene, carry_out
from dust_eval.schedule import Turn
from dust_eval.task_client import GraphError, TaskClient
from dust_eval.trial import TrialResult, broken_result
from dust_eval.trial_watch import TrialWatch
from dust_start import shared_memory
from dust_start.domain import claimed_domain
from dust_start.shared_memory import remove_orphans

READY_SEC = 180.0
"""Longest time until a part of the graph is up. Unit: s of wall time."""

MOST_BROKEN = 3
"""So many trials may break one after the other before the evaluation gives up."""

VIEWS = ("side", "wrist")
"""Cameras on the film strip."""

_STILL_SEC = 0.5


class Evaluation:
    """The graph in two parts, the cell and whoever drives, and the trials.

    The cell stays up; the part that drives is ended and another one started whenever it is another
    driver's turn. So drivers share nothing but the cell, only one of them is in memory, and one
    that crashes takes nothing with it. With a robot, only the driving part is ours.

    Use it as a context manager.

    Args:
        folder: Plan and results.
        protocol: Instructions and start pose.
        person: Who judges, where the plan says so.
        recording: Record a bag of every trial.
        filming: Keep a film strip of every trial.
    """

    def __init__(
        self,
        folder: RunFolder,
        protocol: Protocol,
        *,
        person: Person | None = None,
        recording: bool = False,
        filming: bool = True,
    ) -> None:
        self._folder = folder
        self._plan = folder.plan
        self._protocol = protocol
        self._person = person
        self._recording = recording
        self._filming = filming
        self._seated: int | None = None
        self._cell_words: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Claim a ROS domain for a simulated cell, and join it."""
        # Our own port is older than the starters, which clean up behind killed nodes only.
        before = shared_memory.segments()
        self._stack.callback(lambda: remove_orphans(shared_memory.segments() - before))
        simulated = self._plan.robot == "sim"
        domain_id = self._stack.enter_context(claimed_domain()) if simulated else None
        command = STARTER if simulated else LAUNCHER
        self._cell = GraphPart(command, domain_id=domain_id)
        self._driver = GraphPart(command, domain_id=domain_id)
        self._stack.callback(self._cell.stop)
        self._stack.callback(self._driver.stop)
        kind = CellClient if simulated else TaskClient
        factor = self._plan.real_time_factor
        client = kind(domain_id=domain_id, use_sim_time=factor != 1)
        self._client = self._stack.enter_context(client)
        self._watch = TrialWatch(self._client.node, self._client.arm)
        self._episodes = EpisodeTopic(self._client.node, operator="")
        self._scene = self._make_scene()
        return self

    def __exit__(self, *error: object) -> None:
        """End what was started."""
        self._stack.close()

    def run(self) -> None:
        """Carry out what is not done yet.

        Raises:
            GraphError: A part of the graph does not come up, or trials break one after the other.
            LeaveError: The person wants to stop.
        """
        turns = self._folder.remaining()
        done = len(self._plan.turns) - len(turns)
        hidden = self._person is not None or not turns
        broken = 0
        with tqdm(
            total=len(self._plan.turns), initial=done, unit="trial", disable=hidden, file=sys.stderr
        ) as bar:
            for turn in turns:
                result = self._until_it_counts(turn)
                broken = broken + 1 if result.failure is Failure.BROKEN else 0
                self._tell(bar, turn, result)
                if broken >= MOST_BROKEN:
                    raise GraphError(
                        f"{broken} trials broke one after the other, the last one so: "
                        f"{result.reason}"
                    )

    def log(self) -> str:
        """Return the end of what the nodes printed, of each part."""
        parts = {"the cell's": self._cell, "the driver's": self._driver}
        return "\n".join(f"{name} log ends:\n{part.last_lines()}" for name, part in parts.items())

    @property
    def _common(self) -> list[str]:
        """Arguments of both parts of the graph."""
        factor = self._plan.real_time_factor
        clock = ["use_sim_time:=true", f"real_time_factor:={factor}"] if factor != 1 else []
        # Both halves run here, whatever `machine` says.
        local = ["dds:=local"] if self._plan.robot == "sim" else []
        return [f"robot:={self._plan.robot}", *local, *clock, *self._plan.graph]

    def _make_scene(self) -> Scene:
        client = self._client
        if self._person is None:
            assert isinstance(client, CellClient)
            return SimulatedScene(client, self._watch)
        return RobotScene(
            client,
            self._person,
            self._protocol,
            self._watch,
            picture=self._folder.start_picture,
            reset=client.reset if isinstance(client, CellClient) else None,
        )

    def _until_it_counts(self, turn: Turn) -> TrialResult:
        """Carry out a trial, again if the person wants that, and keep its result."""
        while True:
            self._seat(turn)
            episode = self._folder.new_episode(turn)
            try:
                result = self._attempt(turn, episode)
            except RepeatError:
                continue
            self._folder.append(turn, episode, result)
            return result

    def _attempt(self, turn: Turn, episode: str) -> TrialResult:
        """Carry out a trial; one that breaks leaves a graph that is started anew."""
        take = _Take(self._client, self._episodes, episode, films=self._films_wanted)
        result: TrialResult | None = None
        try:
            if self._person is None:
                self._client.wait_idle()
            result = carry_out(
                self._client,
                self._scene,
                turn.spec,
                time_limit_sec=self._plan.time_limit_sec,
                on_start=take.begin,
                alive=self._alive,
            )
        except GraphError as error:
            result = broken_result(turn.spec, str(error))
        finally:
            films = take.end(result)
        if result.failure is Failure.BROKEN:
            self._unseat()
        self._keep(turn, episode, result, films)
        return result

    def _keep(
        self, turn: Turn, episode: str, result: TrialResult, films: Sequence[Sequence[Any]]
    ) -> None:
        folder = self._folder.episode_folder(episode)
        verdict = "success" if result.score == 1 else f"{result.failure}: {result.reason}"
        write_strip(folder / "strip.png", *films, caption=f"{turn.spec.name}: {verdict}")
        trace = self._watch.trace()
        if trace is not None:
            trace.save(folder / "trace.npz")
        picture = self._folder.start_picture(turn.spec)
        if films and films[0] and not picture.exists():
            write_still(picture, films[0][0])

    @property
    def _films_wanted(self) -> tuple[str, ...]:
        return VIEWS if self._filming else ()

    def _seat(self, turn: Turn) -> None:
        """Have the cell running and the turn's driver in its seat.

        Raises:
            GraphError: One of them does not come up.
        """
        driver = self._plan.drivers[turn.driver]
        if self._plan.robot == "sim":
            self._seat_in_cell(driver, turn)
        if self._seated == turn.driver and self._driver.running:
            return
        self._unseat()
        self._client.wait_gone()
        # The recorder belongs to this part, so that it is there on a robot, too.
        record = [f"record:={self._folder.root / 'bags'}"] if self._recording else []
        words = [*self._common, "machine:=gpu", *driver.words, *record]
        self._driver.start(words, log=self._log("driver", turn))
        nodes = [*driver.nodes, *(["dust_recorder"] if record else [])]
        self._client.wait_active(nodes, timeout_sec=READY_SEC, alive=self._alive)
        self._client.wait_ready(timeout_sec=READY_SEC, alive=self._alive)
        self._seated = turn.driver
        blind = len(self._plan.drivers) > 1
        self._episodes.operator = self._plan.labels[turn.driver] if blind else driver.name

    def _seat_in_cell(self, driver: Driver, turn: Turn) -> None:
        """Have the cell running, with an executor that follows this driver as it wants to be."""
        words = [*self._common, "machine:=robot", *driver.robot_words]
        if self._cell.running and words == self._cell_words:
            return
        self._unseat()
        self._cell.stop()
        self._cell.start(words, log=self._log("cell", turn))
        self._cell_words = words

    def _unseat(self) -> None:
        self._driver.stop()
        self._seated = None

    def _alive(self) -> bool:
        cell = self._cell.running or self._plan.robot != "sim"
        return cell and self._driver.running

    def _log(self, part: str, turn: Turn) -> Path:
        return self._folder.root / "logs" / f"{part}-{turn.number:04d}.log"

    def _tell(self, bar: Any, turn: Turn, result: TrialResult) -> None:
        """Say how it goes, without a word on who drove."""
        if result.score < 1:
            said = f"{turn.spec.name}: {result.score:g} ({result.failure}: {result.reason})"
            bar.write(f"{turn.number}. {said}", file=sys.stderr)
        total = sum(record.result.score for record in self._folder.records)
        bar.update()
        bar.set_postfix_str(f"{total:g} of {len(self._folder.records)}")


class _Take:
    """What is published and filmed while one trial runs."""

    def __init__(
        self, client: TaskClient, episodes: EpisodeTopic, episode: str, *, films: Sequence[str]
    ) -> None:
        self._client = client
        self._episodes = episodes
        self._episode = episode
        self._views = films
        self._films: list[Film] = []
        self._instruction: str | None = None

    def begin(self, instruction: str) -> None:
        self._instruction = instruction
        self._films = [
            Film(
                self._client.node,
                f"zed_{view}/zed_node/rgb/color/rect/image",
                rate=1 / _STILL_SEC,
                interval_sec=_STILL_SEC,
            )
            for view in self._views
        ]
        self._episodes.begin(self._episode, instruction)

    def end(self, result: TrialResult | None) -> list[Any]:
        """Return the frames of each film; a trial without a result is thrown away."""
        if self._instruction is not None:
            self._episodes.end(self._episode, self._instruction, result)
        return [film.take() for film in self._films]
