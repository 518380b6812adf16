"""Parameters that do not fit each other are told with the remedy."""

from pathlib import Path

import pytest

from dust_demos.recording.gates import TopicLimits
from dust_demos.recording.parameters import PARAMETERS
from dust_demos.recording.settings import recorder_settings

DEFAULTS = {row.name: row.default for row in PARAMETERS}


def resolve(name: str) -> str:
    return name if name.startswith("/") else f"/lab/{name}"


def test_the_defaults_fit() -> None:
    settings = recorder_settings({**DEFAULTS, "folder": "~/bags"}, resolve)
    assert settings.folder == Path.home() / "bags"
    assert settings.capacity == 128 * 1024 * 1024
    gates = settings.gates
    assert gates.limits["/lab/joint_states"] == TopicLimits(25.0, 0.2, 0.1)
    assert set(gates.views) < set(gates.limits)
    assert set(gates.limits) < set(gates.required)


def test_an_empty_text_stands_for_an_empty_list() -> None:
    empty = {"views": [""], "image_topics": [""], "required": [""], "gates.topics": [""]}
    lists = {f"gates.{name}": [] for name in ("min_rate", "max_gap", "max_age")}
    settings = recorder_settings({**DEFAULTS, **empty, **lists, "folder": "/bags"}, resolve)
    assert (settings.gates.limits, settings.gates.views) == ({}, ())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"folder": ""}, "parameter 'folder' is empty: give the folder that the bags go to"),
        ({"views": ["wrist"]}, "'image_topics' has 2 entries, but 'views' has 1"),
        ({"gates.max_gap": [1.0]}, "'gates.max_gap' has 1 entries, but 'gates.topics' has 4"),
    ],
)
def test_mistakes_are_told(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match="parameter") as error:
        recorder_settings({**DEFAULTS, "folder": "/bags", **values}, resolve)
    assert told in str(error.value)
