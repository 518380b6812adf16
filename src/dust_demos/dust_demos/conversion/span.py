"""From when to when a bag's episode goes, what it was and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.mapping import InstructionFrom, Mapping
from dust_demos.conversion.messages import stamp_of
from dust_demos.recording.bag import Bag, Received
from dust_demos.recording.facts import EpisodeFacts, Outcome

START, END = 0, 1
"""Constants of dust_msgs/Episode."""


def episode_of(bag: Bag, mapping: Mapping) -> EpisodeFacts:
    """Return the facts about a bag's only episode, with its start and end by the node clock.

    Raises:
        EpisodeFault: there is none, more than one, or one that was not ended; or no instruction.
    """
    if mapping.episode_topic is None:
        facts = _whole(bag)
    else:
        facts = _marked(bag, mapping.resolve(mapping.episode_topic))
    text = _instruction(bag, mapping, facts)
    if not text:
        raise EpisodeFault(Gate.EPISODE, "no instruction says what the episode shows")
    return replace(facts, instruction=text)


def check_outcome(facts: EpisodeFacts, keep: Sequence[Outcome], *, flagged: bool) -> None:
    """Complain about an episode that did not end as wanted, or that the recorder flagged.

    Args:
        facts: of the episode.
        keep: outcomes that are wanted.
        flagged: let flagged ones pass.

    Raises:
        EpisodeFault: the outcome, or the first fault and how many more there are.
    """
    if facts.outcome not in keep:
        note = f" ({facts.note})" if facts.note else ""
        raise EpisodeFault(Gate.OUTCOME, f"outcome {facts.outcome}{note}")
    if facts.faults and not flagged:
        more = f" (and {len(facts.faults) - 1} more)" if len(facts.faults) > 1 else ""
        raise EpisodeFault(Gate.FLAGGED, f"flagged: {facts.faults[0].text}{more}")


def _whole(bag: Bag) -> EpisodeFacts:
    known = bag.episode or EpisodeFacts(episode_id=bag.path.stem)
    return replace(known, start_ns=0, end_ns=0)


def _marked(bag: Bag, topic: str) -> EpisodeFacts:
    events = list(bag.messages([topic]))
    spans = _spans(events)
    known = bag.episode
    if known is not None and len(spans) > 1:  # latched events of episodes before it
        spans = [span for span in spans if span[0].message.episode_id == known.episode_id]
    if not spans:
        if known is not None and not events and known.start_ns and known.end_ns:
            return known
        raise EpisodeFault(Gate.EPISODE, _why_none(bag, topic, events))
    if len(spans) > 1:
        raise EpisodeFault(
            Gate.EPISODE, f"{len(spans)} episodes in one bag: record one bag for each"
        )
    return _told(known, *spans[0])


def _spans(events: Sequence[Received]) -> list[tuple[Received, Received]]:
    """Return START and END of each episode that has both."""
    spans = []
    for place, event in enumerate(events):
        if event.message.event != START:
            continue
        later = (e for e in events[place + 1 :] if e.message.event == END)
        end = next((e for e in later if e.message.episode_id == event.message.episode_id), None)
        if end is not None:
            spans.append((event, end))
    return spans


def _why_none(bag: Bag, topic: str, events: Sequence[Received]) -> str:
    if any(event.message.event == START for event in events):
        cut = f" ({bag.mended})" if bag.mended else ""
        return f"the episode was never ended: its recording was cut off{cut}"
    if topic in bag.topics:
        return f"no START of an episode on {topic}"
    return (
        f"nobody marked START and END: no topic {topic} and no facts in the bag; for bags that "
        "are one episode each write `episodes: {from: bag}` into the mapping"
    )


def _told(known: EpisodeFacts | None, start: Received, end: Received) -> EpisodeFacts:
    """Return what is known, filled up with what the events say."""
    first, last = start.message, end.message
    facts = known or EpisodeFacts(episode_id=str(last.episode_id))
    said = Outcome.from_constant(last.outcome)
    return replace(
        facts,
        instruction=facts.instruction or str(last.instruction or first.instruction),
        # A person may have judged it later, which only the stored facts tell.
        outcome=said if facts.outcome is Outcome.UNKNOWN else facts.outcome,
        operator=facts.operator or str(last.operator_name or first.operator_name),
        note=facts.note or str(last.note),
        start_ns=stamp_of(first, start.time_ns),
        end_ns=stamp_of(last, end.time_ns),
    )


def _instruction(bag: Bag, mapping: Mapping, facts: EpisodeFacts) -> str:
    find: dict[InstructionFrom, Callable[[], str]] = {
        InstructionFrom.EPISODE: lambda: facts.instruction,
        InstructionFrom.TEXT: lambda: mapping.instruction.value,
        InstructionFrom.TOPIC: lambda: _from_topic(bag, mapping, facts.start_ns),
        InstructionFrom.METADATA: lambda: _from_metadata(bag.path, mapping.instruction.value),
    }
    return " ".join(find[mapping.instruction.source]().split())


def _from_topic(bag: Bag, mapping: Mapping, start_ns: int) -> str:
    topic = mapping.resolve(mapping.instruction.value)
    said = list(bag.messages([topic]))
    if not said:
        raise EpisodeFault(Gate.MISSING, f"no instruction on topic {topic}")
    if not hasattr(said[0].message, "data"):
        kind = bag.topics[topic].type_name
        raise EpisodeFault(Gate.MAPPING, f"instruction.topic: {topic} is {kind}, not a String")
    before = [entry for entry in said if entry.time_ns <= start_ns]
    return str((before[-1] if before else said[0]).message.data)


def _from_metadata(path: Path, key: str) -> str:
    folder = path if path.is_dir() else path.parent
    try:
        content: Any = yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8"))
        return str(content["rosbag2_bagfile_information"]["custom_data"][key])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise EpisodeFault(
            Gate.MISSING, f"no instruction under custom_data.{key} in metadata.yaml"
        ) from None
