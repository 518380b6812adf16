"""`dust-mend`: finish bags whose recorder was killed, in place.

    dust-mend BAG...             bags (folders or files), or folders with bags in them
    dust-mend --thorough BAG     read every message of those that seem whole

Readers open such bags as they are; mending gives back the room that was kept ahead, notes in the
facts that the end is missing, and rescues files that a loss of power has torn. A file of which
something could not be read stays beside the new one as NAME.broken. Without metadata.yaml a file is
a bag by itself, unless it is a part of one recording; see `bag_files`.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.metadata import dump_qos_v9
from tqdm import tqdm

from dust_demos.recording.bag_files import bag_files, find_mcap_bags
from dust_demos.recording.definitions import type_hash
from dust_demos.recording.disk_file import is_being_written, replace_text
from dust_demos.recording.facts import KEY, EpisodeFacts
from dust_demos.recording.metadata_yaml import BagContent, metadata_text
from dust_demos.recording.opening import UNREADABLE
from dust_demos.recording.recorded_topic import RecordedTopic
from dust_demos.recording.salvage import salvage
from dust_demos.recording.stored_facts import FIELD, METADATA, facts_in_yaml, stored_facts


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done to a bag.

    Attributes:
        path: The bag: its folder, or a file that is one by itself.
        messages: How many messages it has now.
        complaint: What was wrong with it.
    """

    path: Path
    messages: int
    complaint: str

    def __str__(self) -> str:
        return f"{self.path}: mended, {self.messages} messages ({self.complaint})"


def mend(path: Path | str, *, thorough: bool = False) -> Mended | None:
    """Finish an unfinished or torn bag, in place; None if there was nothing to do.

    Args:
        path: Folder of a bag in MCAP, or a file that is one by itself.
        thorough: Read every message before saying that there is nothing to do.

    Raises:
        ValueError: It is no bag or several, is being recorded, or nothing of it can be read.
        OSError: The new file cannot be written; the bag is as it was.
    """
    bag, files = _located(Path(path))
    if any(is_being_written(file) for file in files):
        raise ValueError(f"{bag} is being recorded: end the episode first")
    complaint, known = _examined(bag, files, thorough=thorough)
    if not complaint:
        return None
    return Mended(bag, _rewrite(bag, files, known=known), complaint)


def unfinished(out: Path) -> Iterator[Path]:
    """Yield the bags in a folder whose recorder was killed; those being recorded are left out."""
    for file in sorted(out.glob(f"*/{METADATA}")):
        facts = facts_in_yaml(file)
        recorded = any(is_being_written(row) for row in file.parent.glob("*.mcap"))
        if facts is not None and facts.is_unfinished and not recorded:
            yield file.parent


def _located(path: Path) -> tuple[Path, list[Path]]:
    """Return the bag at a path, a folder or a file that is one by itself, and its files.

    A folder that was named by hand and has one file is a bag, whatever the file's name.
    """
    if path.is_file() and path.suffix == ".mcap":
        files = bag_files(path.parent)
        return (path.parent, files) if path in files else (path, [path])
    if files := bag_files(path):
        return path, files
    files = sorted(path.glob("*.mcap"))
    if not files:
        raise ValueError(f"{path} is not a bag that can be mended: it has no file .mcap")
    if len(files) > 1:
        raise ValueError(f"{path} is not one bag: mend its {len(files)} files one by one")
    return (path if find_mcap_bags(path) == files else files[0]), files


def _examined(bag: Path, files: Sequence[Path], *, thorough: bool) -> tuple[str, int]:
    """Return what is wrong with a bag, and how many messages it is known to have."""
    try:
        with Reader(bag) as reader:
            count = sum(1 for _ in reader.messages()) if thorough else reader.message_count
    except UNREADABLE as error:
        # A killed recorder leaves its last part torn: whole ones are somebody's files.
        lacks_metadata = bag.is_dir() and not (bag / METADATA).exists()
        if lacks_metadata and len(files) > 1 and all(map(_is_whole, files)):
            return "", 0
        return str(error).splitlines()[0], sys.maxsize
    # The last thing that a recorder does is to write metadata.yaml.
    facts = facts_in_yaml(bag / METADATA) or stored_facts(bag)
    killed = facts is not None and facts.is_unfinished
    return ("its recorder was killed" if killed else ""), count


def _is_whole(file: Path) -> bool:
    try:
        with Reader(file):
            return True
    except UNREADABLE:
        return False


def _rewrite(bag: Path, files: Sequence[Path], *, known: int) -> int:
    """Put everything that can be read into one new file; return its number of messages.

    Args:
        bag: The bag: its folder, or its only file.
        files: Its files.
        known: With fewer messages than this, the old files stay as NAME.broken.

    Raises:
        ValueError: Not one message is left of those that are known.
    """
    facts = stored_facts(bag)
    draft = files[0].parent / ".mended" / files[0].name
    shutil.rmtree(draft.parent, ignore_errors=True)
    draft.parent.mkdir()

    def last_words(end_ns: int) -> tuple[str, dict[str, str]] | None:
        return (KEY, {FIELD: facts.cut_off(end_ns).to_json()}) if facts else None

    try:
        count = salvage(files, draft, last_words=last_words)
        if known and not count:
            raise ValueError(f"{bag} cannot be mended: no whole message is left in it")
        content = _content(draft)
        if count < known:
            _set_aside(files)
        os.replace(draft, files[0])
    finally:
        shutil.rmtree(draft.parent, ignore_errors=True)
    if bag.is_dir():
        _describe(bag, content, facts)
    for file in files[1:]:
        file.unlink()
    return count


def _set_aside(files: Sequence[Path]) -> None:
    """Give the files a second name each, under which they stay."""
    for file in files:
        broken = file.with_name(f"{file.name}.broken")
        broken.unlink(missing_ok=True)
        os.link(file, broken)


def _describe(folder: Path, content: BagContent, facts: EpisodeFacts | None) -> None:
    """Replace metadata.yaml."""
    ended = facts.cut_off(content.end_ns) if facts else None
    distro = facts.ros_distro if facts else os.environ.get("ROS_DISTRO", "")
    replace_text(folder / METADATA, metadata_text(content, ended, distro))


def _content(file: Path) -> BagContent:
    """Return what a file holds."""
    with Reader(file) as reader:
        topics = tuple(_topic(row) for row in reader.connections)
        counts = {row.topic: row.msgcount for row in reader.connections}
        span = (reader.start_time, reader.end_time - 1) if reader.message_count else (0, 0)
        return BagContent(file.name, topics, counts, *span)


def _topic(connection: Connection) -> RecordedTopic:
    definition = connection.msgdef.data
    qos = dump_qos_v9(list(getattr(connection.ext, "offered_qos_profiles", ())))
    return RecordedTopic(
        connection.topic,
        connection.msgtype,
        definition,
        type_hash(connection.msgtype, definition) if definition else "",
        tuple(dict(row) for row in qos),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 if a bag could not be mended, 2 for a mistake."""
    parser = argparse.ArgumentParser(
        "dust-mend", description="Finish bags whose recorder was killed."
    )
    parser.add_argument(
        "bags", nargs="+", type=Path, help="bags (folders or files), or folders with bags in them"
    )
    parser.add_argument("--thorough", action="store_true", help="read every message")
    options = parser.parse_args(arguments)
    try:
        bags = [bag for path in options.bags for bag in _bags(path)]
    except (ValueError, OSError) as error:
        print(f"dust-mend: {error}", file=sys.stderr)
        return 2
    failed = 0
    for bag in tqdm(bags, unit="bag", disable=len(bags) < 2):
        failed += not _mend_and_say(bag, thorough=options.thorough)
    return 1 if failed else 0


def _mend_and_say(bag: Path, *, thorough: bool) -> bool:
    try:
        done = mend(bag, thorough=thorough)
    except (ValueError, OSError) as error:
        tqdm.write(f"dust-mend: {error}", file=sys.stderr)
        return False
    tqdm.write(str(done) if done else f"{bag}: nothing to do", file=sys.stdout)
    return True


def _bags(path: Path) -> list[Path]:
    """Return the bag, or the bags in a folder.

    Raises:
        ValueError: There is none.
    """
    found = find_mcap_bags(path)
    if not found:
        raise ValueError(f"{path} is neither a bag in MCAP nor a folder with such bags in it")
    return found


if __name__ == "__main__":
    sys.exit(main())
