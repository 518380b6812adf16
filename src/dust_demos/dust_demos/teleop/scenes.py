"""Scenes of the simulated cell that the operator is given one after the other.

    box_to_bowl blue_cube 1000..1014, plate_to_basket sponge 1000 with teddy_bear blue_cup

names a task, an object, one seed or a range of them, and what else lies there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

EVALUATION_SEEDS = range(6)
"""Kept for trials: a policy must not have seen them (paper, appendix A.4)."""

_ENTRY = re.compile(r"(\w+)\s+(\w+)\s+(\d+)(?:\.\.(\d+))?(?:\s+with((?:\s+\w+)+))?")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One start configuration of the cell.

    Attributes:
        task: Task, such as box_to_bowl.
        object_name: Object to be moved, such as blue_cube.
        seed: Seed of the placement.
        distractors: Further objects in the scene.
    """

    task: str
    object_name: str
    seed: int
    distractors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short name, as part of an episode's."""
        return f"{self.task}-{self.object_name}-{self.seed}"

    @property
    def text(self) -> str:
        """The scene as an entry of a list."""
        others = f" with {' '.join(self.distractors)}" if self.distractors else ""
        return f"{self.task} {self.object_name} {self.seed}{others}"


def parse_scenes(text: str) -> list[Scene]:
    """Read a list of scenes, separated by commas; an empty text gives none.

    Raises:
        ValueError: An entry is not of the form above, or its seeds are the evaluation's.
    """
    entries = [entry.strip() for entry in text.split(",")]
    return [scene for entry in entries if entry for scene in _parsed(entry)]


def _parsed(entry: str) -> Iterator[Scene]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(
            f"scene '{entry}' is not of the form 'task object seed', 'task object first..last', "
            "either followed by 'with object ...' where others lie there"
        )
    task, name, first, last, others = match.groups()
    seeds = range(int(first), int(last or first) + 1)
    if not 1 <= len(seeds) <= _MOST:
        raise ValueError(f"scene '{entry}' has {len(seeds)} seeds; allowed: 1 to {_MOST}")
    if seeds[0] in EVALUATION_SEEDS:
        raise ValueError(
            f"scene '{entry}': the seeds 0 to {EVALUATION_SEEDS[-1]} are kept for trials; take "
            "others, such as 1000"
        )
    for seed in seeds:
        yield Scene(task, name, seed, tuple((others or "").split()))
