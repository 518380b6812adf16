"""How many episodes there are of what, how long they are, how they ended."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from dust_demos.inspection.episode import Collection
from dust_demos.inspection.finding import Finding, Kind, note, warning

UNEVEN = 4.0
"""Episodes of the most frequent instruction to those of the rarest one."""
SHORT, LONG, ENOUGH = 1 / 3, 3.0, 5
"""Lengths to the median of the same instruction's, if there are so many."""


def check_balance(data: Collection) -> Iterator[Finding]:
    """Yield instructions that are rare or written in two ways, and odd lengths."""
    yield from _check_instructions(data)
    yield from _check_lengths(data)


def counts(data: Collection) -> Counter[str]:
    """Return how many episodes there are of each instruction."""
    return Counter(episode.instruction for episode in data.episodes)


def _check_instructions(data: Collection) -> Iterator[Finding]:
    known = counts(data)
    spellings: dict[str, list[str]] = defaultdict(list)
    for text in known:
        spellings[" ".join(re.findall(r"\w+", text.lower()))].append(text)
    for texts in spellings.values():
        if len(texts) > 1:
            listed = " and ".join(f"“{text}”" for text in texts)
            yield warning(
                *(Kind.INSTRUCTION, ""),
                f"one instruction is written in {len(texts)} ways: {listed}",
                "choose one, or the policy takes them for two tasks",
            )
    for episode in data.episodes:
        if not episode.instruction.strip():
            yield warning(
                *(Kind.INSTRUCTION, episode.name, "it has no instruction"),
                "give one while recording, or `instruction` in the mapping file",
            )
    most, least = max(known.values(), default=0), min(known.values(), default=0)
    if least and most / least >= UNEVEN:
        rare = ", ".join(f"“{text}”" for text, count in known.items() if count == least)
        yield note(
            *(Kind.INSTRUCTION, ""),
            f"the rarest instruction has {least} episodes, the most frequent one {most}: {rare}",
            "record more of it",
        )


def _check_lengths(data: Collection) -> Iterator[Finding]:
    groups = defaultdict(list)
    for episode in data.moving:
        groups[episode.instruction].append(episode)
    for episodes in groups.values():
        usual = float(np.median([episode.seconds for episode in episodes]))
        if len(episodes) < ENOUGH or usual <= 0:
            continue
        for episode in episodes:
            if not SHORT <= episode.seconds / usual <= LONG:
                yield warning(
                    *(Kind.LENGTH, episode.name),
                    f"it lasts {episode.seconds:.1f} s, others of its instruction {usual:.1f} s",
                    "look whether it was cut short, or begun long before the motion",
                )
