"""Facts about an episode, out of metadata.yaml or out of the MCAP file itself."""

from pathlib import Path
from struct import error as StructError
from typing import Any

import yaml
from mcap.exceptions import McapError
from mcap.reader import make_reader

from dust_demos.recording.facts import KEY, EpisodeFacts

METADATA = "metadata.yaml"
FIELD = "facts"
"""Key of the JSON text in the metadata record of an MCAP file."""


def stored_facts(path: Path) -> EpisodeFacts | None:
    """Return what a recorder of ours wrote down about an episode; None if nothing.

    Args:
        path: Folder of a bag, or an MCAP file.

    Raises:
        ValueError: Something is there, but not an episode's facts.
    """
    folder = path if path.is_dir() else path.parent
    found = [facts_in_yaml(folder / METADATA)]
    files = sorted(folder.glob("*.mcap")) if path.is_dir() else [path]
    found += [facts_in_mcap(file) for file in files if file.suffix == ".mcap"]
    told = [facts for facts in found if facts is not None]
    # Preliminary ones stand there from the start; the final ones may have come to one place only.
    return next((facts for facts in told if facts.complete), told[0] if told else None)


def facts_in_yaml(file: Path) -> EpisodeFacts | None:
    """Return the facts in a metadata.yaml; None if there are none or it cannot be read."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        text = content["rosbag2_bagfile_information"]["custom_data"][KEY]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return None
    return EpisodeFacts.from_json(text)


def facts_in_mcap(file: Path) -> EpisodeFacts | None:
    """Return the newest facts in an MCAP file; None if there are none or it cannot be read."""
    try:
        with file.open("rb") as stream:
            rows = [row.metadata for row in make_reader(stream).iter_metadata() if row.name == KEY]
    except (OSError, McapError, StructError, ValueError):
        return None
    return EpisodeFacts.from_json(rows[-1][FIELD]) if rows else None


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
