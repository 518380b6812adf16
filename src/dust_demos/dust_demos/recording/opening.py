"""Open a bag, whatever state it is in."""

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rosbags.rosbag2 import Reader, ReaderError

from dust_demos.recording.salvage import salvage
from dust_demos.recording.stored_facts import METADATA

UNREADABLE = (
    ReaderError,
    OSError,
    EOFError,
    struct.error,
    ArithmeticError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
)
"""What reading a damaged file may raise: `rosbags` checks much, but not everything."""


def open_reader(path: Path, stack: ExitStack) -> tuple[Reader, str]:
    """Return an open reader of a bag, and what had to be done to it; the bag is not touched.

    Args:
        path: Folder of a bag, or a file of one.
        stack: Closes the reader and removes what was salvaged into a temporary folder.

    Raises:
        ValueError: Nothing of it can be read.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    files = _files(path)
    if not files:
        raise ValueError(f"{path} is not a bag: no file .mcap or .db3 in it")
    problem = ""
    for candidate, note in _candidates(path, files):
        reader, fault = _opened(candidate)
        if reader is not None:
            stack.callback(reader.close)
            return reader, note
        problem = problem or fault
    return _salvaged(path, files, problem, stack)


def _candidates(path: Path, files: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yield what may be opened as it is, best first."""
    if path.is_file() or (path / METADATA).exists():
        yield path, ""
    if path.is_dir() and len(files) == 1:
        yield files[0], f"{METADATA} is missing or wrong"


def _opened(path: Path) -> tuple[Reader | None, str]:
    try:
        reader = Reader(path)
        reader.open()
    except UNREADABLE as error:
        return None, str(error)
    return reader, ""


def _salvaged(path: Path, files: list[Path], problem: str, stack: ExitStack) -> tuple[Reader, str]:
    """Read whole messages out of broken MCAP files, into a temporary one."""
    whole = [file for file in files if file.suffix == ".mcap"]
    if not whole:
        raise ValueError(f"{path} is a bag that cannot be read: {problem}")
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="dust_bag_")))
    copy = folder / f"{path.stem}.mcap"
    count = salvage(whole, copy)
    if not count:
        raise ValueError(f"{path} is a bag that cannot be read: no whole message is left in it")
    reader, fault = _opened(copy)
    if reader is None:
        raise ValueError(f"{path} is a bag that cannot be read: {fault}")
    stack.callback(reader.close)
    return reader, f"{count} messages salvaged, the file is broken: {problem}"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix in (".mcap", ".db3") else []
    return [file for pattern in ("*.mcap", "*.db3") for file in sorted(path.glob(pattern))]
