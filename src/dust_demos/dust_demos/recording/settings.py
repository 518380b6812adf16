"""The recorder's parameters as checked values; without rclpy."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dust_demos.recording.gates import GateSettings, TopicLimits
from dust_demos.recording.recorder import RecorderSettings
from dust_demos.recording.room import GIB

_LISTS = ("min_rate", "max_gap", "max_age")


def recorder_settings(values: Mapping[str, Any], resolve: Callable[[str], str]) -> RecorderSettings:
    """Return what the recorder needs to know.

    Args:
        values: Values of the node's parameters.
        resolve: Returns the absolute name of a topic.

    Raises:
        ValueError: The values do not fit each other; one line with the remedy.
    """
    if not values["folder"]:
        raise ValueError("parameter 'folder' is empty: give the folder that the bags go to")
    return RecorderSettings(
        folder=Path(values["folder"]).expanduser(),
        gates=gate_settings(values, resolve),
        writer=values["writer"],
        commit_period=values["commit_period"],
        capacity=values["queue"] << 20,
        pre_roll=values["pre_roll"],
        post_roll=values["post_roll"],
        max_duration=values["max_duration"],
        min_free=values["disk.min_free"] * GIB,
        reserve=values["disk.reserve"],
    )


def gate_settings(values: Mapping[str, Any], resolve: Callable[[str], str]) -> GateSettings:
    """Return the limits of the gates; arguments and errors as of `recorder_settings`."""
    topics = names(values["gates.topics"], resolve)
    for name in _LISTS:
        if len(values[f"gates.{name}"]) != len(topics):
            raise ValueError(
                f"parameter 'gates.{name}' has {len(values[f'gates.{name}'])} entries, but "
                f"'gates.topics' has {len(topics)}: each topic needs one"
            )
    rows = zip(topics, *(values[f"gates.{name}"] for name in _LISTS), strict=True)
    return GateSettings(
        limits={topic: TopicLimits(*limits) for topic, *limits in rows},
        views=image_topics(values, resolve),
        required=names(values["required"], resolve),
        max_skew=values["gates.max_skew"],
        max_ahead=values["gates.max_ahead"],
        window=values["gates.window"],
        patience=values["gates.patience"],
    )


def image_topics(values: Mapping[str, Any], resolve: Callable[[str], str]) -> tuple[str, ...]:
    """Return the image topics of the views; arguments and errors as of `recorder_settings`."""
    topics, views = names(values["image_topics"], resolve), [v for v in values["views"] if v]
    if len(topics) != len(views):
        raise ValueError(
            f"parameter 'image_topics' has {len(topics)} entries, but 'views' has {len(views)}: "
            "each view needs one"
        )
    return topics


def names(topics: list[str], resolve: Callable[[str], str]) -> tuple[str, ...]:
    """Return absolute names; empty texts, which YAML needs for an empty list, are left out."""
    return tuple(dict.fromkeys(resolve(topic) for topic in topics if topic))
