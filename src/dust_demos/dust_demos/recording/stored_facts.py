"""Facts about an episode, out of metadata.yaml or out of the MCAP file itself."""

from pathlib import Path, PurePath
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
    names = names_in_yaml(folder / METADATA)
    files = sorted(folder.glob("*.mcap")) if path.is_dir() else [path]
    # A file that lies beside a bag knows nothing of it, and the bag nothing of the file.
    listed = [file for file in files if file.name in names]
    found = [facts_in_yaml(folder / METADATA)] if listed or path.is_dir() else []
    found += [facts_in_mcap(file) for file in listed or files if file.suffix == ".mcap"]
    told = [facts for facts in found if facts is not None]
    # Preliminary ones stand there from the start; the final ones may have come to one place only.
    return next((facts for facts in told if facts.complete), told[0] if told else None)


def facts_in_yaml(file: Path) -> EpisodeFacts | None:
    """Return the facts in a metadata.yaml; None if there are none or it cannot be read."""
    try:
        text = _information(file)["custom_data"][KEY]
    except (KeyError, TypeError):
        return None
    return EpisodeFacts.from_json(text)


def names_in_yaml(file: Path) -> list[str]:
    """Return the names of the files that a metadata.yaml lists; none if it cannot be read."""
    return _names(_information(file))


def names_in_text(text: str) -> list[str]:
    """Return the same of the text under "rosbag2" in an MCAP file."""
    try:
        return _names(yaml.load(text, _Loader))
    except yaml.YAMLError:
        return []


def _information(file: Path) -> Any:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        return content["rosbag2_bagfile_information"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return {}


def _names(information: Any) -> list[str]:
    try:
        # Before version 4 the folder stood before the name.
        return [PurePath(name).name for name in information["relative_file_paths"]]
    except (KeyError, TypeError):
        return []


def facts_in_mcap(file: Path) -> EpisodeFacts | None:
    """Return the newest facts in an MCAP file; None if there are none or it cannot be read."""
    try:
        with file.open("rb") as stream:
            rows = [row.metadata for row in make_reader(stream).iter_metadata() if row.name == KEY]
    except (OSError, McapError, StructError, ValueError):
        return None
    return EpisodeFacts.from_json(rows[-1][FIELD]) if rows else None


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
