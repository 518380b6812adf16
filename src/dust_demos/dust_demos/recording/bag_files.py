"""Which MCAP files make one bag: those that metadata.yaml lists, or the parts of one recording."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dust_demos.recording.facts import KEY
from dust_demos.recording.salvage import first_metadata
from dust_demos.recording.stored_facts import METADATA, names_in_text, names_in_yaml


def find_mcap_bags(path: Path) -> list[Path]:
    """Return the bags at a path and in the folders directly in it: folders, or files.

    A file that belongs to no folder's bag is one by itself. Hidden folders do not count.
    """
    if path.is_file():
        return [path] if path.suffix == ".mcap" else []
    if bag_files(path):
        return [path]
    return [*_loose(path), *(bag for folder in _folders(path) for bag in _bags_in(folder))]


def bag_files(folder: Path) -> list[Path]:
    """Return the files of the bag that a folder is, in the order of their times; none: it is none.

    Without a metadata.yaml it is one if all files are named as recorders name the parts of a
    recording (FOLDER_0.mcap, FOLDER_1.mcap) and, where they are several, say that they are.
    """
    files = _loose(folder)
    if (folder / METADATA).is_file():
        listed = [folder / name for name in names_in_yaml(folder / METADATA)]
        known = [file for file in listed if file in files]
        if known or len(files) == 1:
            return known or files
    parts = _parts(folder, files)
    others = any(_loose(below) for below in _folders(folder))
    return parts if parts and not others and _is_one_recording(parts) else []


def _bags_in(folder: Path) -> list[Path]:
    return [folder] if bag_files(folder) else _loose(folder)


def _loose(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mcap"))


def _folders(path: Path) -> Iterator[Path]:
    # Hidden ones hold what a recorder or a mender has not finished.
    if path.is_dir():
        folders = (entry for entry in path.iterdir() if entry.is_dir())
        yield from sorted(folder for folder in folders if not folder.name.startswith("."))


def _parts(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Return the files in the order of their numbers; none unless all are numbered parts."""
    name = folder.resolve().name
    numbered: dict[int, Path] = {}
    for file in files:
        number = file.stem.removeprefix(f"{name}_")
        if not number.isdecimal() or file.stem != f"{name}_{int(number)}":
            return []
        numbered[int(number)] = file
    order = sorted(numbered)
    if not order or order[-1] - order[0] >= len(order):  # one in between is not there
        return []
    return [numbered[number] for number in order]


def _is_one_recording(parts: Sequence[Path]) -> bool:
    """Return whether the last file names all others, as rosbag2 writes it into each that it begins.

    Names alone prove nothing: whoever collects episodes in a folder may number them.
    """
    names: list[str] = []
    for file in parts if len(parts) > 1 else ():
        rows = list(first_metadata(file))
        told = [row.metadata for row in rows if row.name == "rosbag2"]
        names = names_in_text(told[-1].get("serialized_metadata", "")) if told else []
        # Our own recorder makes one file of an episode, whatever it is called by now.
        if file.name not in names or any(row.name == KEY for row in rows):
            return False
    return len(parts) == 1 or {file.name for file in parts} <= set(names)
