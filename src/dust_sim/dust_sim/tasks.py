"""The four tasks of the paper's real-robot experiments and their instructions (appendix A.4)."""

from __future__ import annotations

from dataclasses import dataclass

from dust_sim.objects import OBJECTS, object_spec


@dataclass(frozen=True, slots=True)
class Task:
    """One of the paper's tasks: bring an object from a source container to a target container."""

    name: str
    """Such as ``box_to_bowl``."""
    source: str
    """Container in which the object starts."""
    target: str
    """Container in which it has to end."""
    template: str
    """Instruction with ``{object}`` where the object's words go."""

    def instruction(self, object_name: str) -> str:
        """Put the task into words for an object.

        Raises:
            ValueError: there is no such object.
        """
        return self.template.format(object=object_spec(object_name).words)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "box_to_bowl",
            "brown_box",
            "golden_bowl",
            "Pick up the {object} on the brown box and place it in the golden bowl.",
        ),
        Task(
            "box_to_plate",
            "brown_box",
            "white_plate",
            "Pick up the {object} on the brown box and place it on the white plate.",
        ),
        Task(
            "basket_to_bowl",
            "white_basket",
            "black_bowl",
            "Pick up the {object} in the white basket and place it in the black bowl.",
        ),
        Task(
            "plate_to_basket",
            "white_plate",
            "white_basket",
            "Pick up the {object} on the white plate and place it in the white basket.",
        ),
    )
}
"""All tasks by name, in the paper's order."""

EVALUATION_SEEDS = range(6)
"""The predetermined configurations per task and object: 4 x 4 x 6 = 96 trials."""


def task_named(name: str) -> Task:
    """Look a task up.

    Raises:
        ValueError: there is no such task; the message lists those there are.
    """
    try:
        return TASKS[name]
    except KeyError:
        raise ValueError(f"no task {name!r}; there are: {', '.join(TASKS)}") from None


def parse_instruction(text: str) -> tuple[Task, str]:
    """Find the task and the object's name that an instruction means; case does not matter.

    Raises:
        ValueError: the instruction is none of the sixteen; the message shows one that is.
    """
    wanted = text.strip().lower()
    for task in TASKS.values():
        for name in OBJECTS:
            if task.instruction(name).lower() == wanted:
                return task, name
    example = TASKS["box_to_bowl"].instruction("blue_cube")
    raise ValueError(f"unknown instruction {text!r}; an example of a known one: {example!r}")
