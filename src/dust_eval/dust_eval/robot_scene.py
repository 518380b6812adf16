"""A robot's table and a person: the person sets the scene up and says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dust_eval.failure import Failure
from dust_eval.hand import JOINTS
from dust_eval.person import Person, RepeatError
from dust_eval.protocol import Protocol
from dust_eval.runner import Watch
from dust_eval.task_client import TaskClient, TaskEnd
from dust_eval.trial import TrialResult, TrialSpec

START_TOLERANCE = 0.05
"""How far a joint may be from the start pose when a trial begins. Unit: rad."""

OUTCOMES = {"s": "success", "h": "half success", "f": "failure", "r": "repeat, do not count"}
SCORES = {"s": 1.0, "h": 0.5, "f": 0.0}

REASONS = {
    "1": Failure.NEVER_REACHED,
    "2": Failure.WRONG_OBJECT,
    "3": Failure.MISSED_GRASP,
    "4": Failure.KNOCKED_OVER,
    "5": Failure.DROPPED,
    "6": Failure.PLACED_OUTSIDE,
    "7": Failure.OUT_OF_TIME,
    "8": Failure.STOPPED,
    "9": Failure.BROKEN,
}


class RobotScene:
    """Asks a person for everything that a simulated cell does by itself.

    What makes the arm move, or lets it, is asked anew: an Enter too many must not do that.

    Args:
        client: Talks to the arm's side of the graph.
        person: Who is asked.
        protocol: Instructions and start pose.
        watch: Sees how chunks come.
        picture: Trial -> picture of its start configuration, which may not exist.
        reset: Sets the scene up where a program can; then nobody has to be asked to.
    """

    def __init__(
        self,
        client: TaskClient,
        person: Person,
        protocol: Protocol,
        watch: Watch,
        *,
        picture: Callable[[TrialSpec], Path],
        reset: Callable[[TrialSpec], str] | None = None,
    ) -> None:
        self._client = client
        self._person = person
        self._protocol = protocol
        self._watch = watch
        self._picture = picture
        self._reset = reset

    def set_up(self, spec: TrialSpec) -> str:
        """Tell the person what to put where, and wait until it is done; see Scene."""
        instruction = self._protocol.instruction(spec)
        if self._reset is not None:
            instruction = self._reset(spec)
        self._describe(spec, instruction)
        self._person.ask("Enter when the scene is as it should be (q stops here):", anew=True)
        self._client.wait_idle(on_stop=self._clear_stop)
        self._check_pose()
        self._watch.begin()
        self._person.forget()
        self._person.say("It runs. Enter ends the trial.")
        return instruction

    def is_done(self) -> bool:
        """Return whether the person has pressed Enter; see Scene."""
        return self._person.pressed()

    def result(self, spec: TrialSpec, end: TaskEnd) -> TrialResult:
        """Ask what came of it; see Scene.

        Raises:
            RepeatError: The person wants the trial again.
        """
        outcome = self._person.choose("what came of it?", OUTCOMES)
        if outcome == "r":
            raise RepeatError
        failure = {"s": Failure.NONE, "h": Failure.HALF}.get(outcome) or self._ask_reason()
        picked = self._ask_picked(spec)
        note = self._person.ask("a note, or Enter:")
        said = [note, end.result.error_msg if outcome != "s" else ""]
        return TrialResult(
            spec=spec,
            score=SCORES[outcome],
            reason="; ".join(text for text in said if text),
            elapsed_sec=end.result.elapsed_time,
            chunks=end.result.chunks,
            failure=failure,
            picked=picked,
            flow=self._watch.flow(),
        )

    def _describe(self, spec: TrialSpec, instruction: str) -> None:
        others = ", ".join(spec.distractors) or "none"
        lines = [
            f"\nconfiguration {spec.seed} of {spec.task} with the {_words(spec.object_name)}",
            f"  other objects in the scene: {_words(others)}",
            f"  the arm is told: {instruction}",
        ]
        picture = self._picture(spec)
        if picture.is_file():
            lines.append(f"  it should look like {picture}")
        self._person.say("\n".join(lines))

    def _clear_stop(self) -> None:
        question = "the executor stopped for cause; when it is safe, Enter rearms it:"
        self._person.ask(question, anew=True)
        self._client.rearm_if_stopped()

    def _check_pose(self) -> None:
        while self._protocol.start_pose:
            name, gap = _farthest(self._client.arm.positions, self._protocol.start_pose)
            if gap <= START_TOLERANCE:
                return
            self._person.say(f"{name} is {gap:.2f} rad away from where a trial begins")
            question = "bring the arm there, then Enter (go: begin all the same):"
            if self._person.ask(question, anew=True) == "go":
                return

    def _ask_reason(self) -> Failure:
        options = {key: _words(failure) for key, failure in REASONS.items()}
        return REASONS[self._person.choose("why?", options)]

    def _ask_picked(self, spec: TrialSpec) -> str:
        if not spec.distractors:
            return ""
        keys = {str(number): name for number, name in enumerate(spec.objects, start=1)}
        options = {key: _words(name) for key, name in keys.items()}
        answer = self._person.choose("what was picked up first?", {**options, "0": "nothing"})
        return keys.get(answer, "")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _farthest(positions: Mapping[str, float], pose: tuple[float, ...]) -> tuple[str, float]:
    """Return the joint that is farthest from the pose, and by how much (rad)."""
    gaps = {
        name: abs(positions.get(name, float("inf")) - angle)
        for name, angle in zip(JOINTS, pose, strict=True)
    }
    name = max(gaps, key=lambda name: gaps[name])
    return name, gaps[name]
