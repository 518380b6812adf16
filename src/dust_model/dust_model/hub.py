"""Where pre-trained files lie: in a folder, or on the Hugging Face hub where there is a network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def find_folder(
    name_or_path: str | Path, *, files: Iterable[str], revision: str | None = None
) -> Path:
    """Return the folder that holds pre-trained files.

    Args:
        name_or_path: a folder or file, or the name of a repository on the hub, `owner/name`. The
            hub is asked only where there is no such path.
        files: names or patterns of the files to fetch from the hub; nothing else is.
        revision: branch, tag or commit on the hub; the default branch if None.

    Raises:
        ValueError: it is no path, and the hub does not give it.
    """
    path = Path(name_or_path).expanduser()
    if path.exists() or not _REPOSITORY.fullmatch(str(name_or_path)):
        return path
    # Imported here: most checkpoints lie in folders, and it brings in an HTTP client.
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(str(name_or_path), revision=revision, allow_patterns=list(files))
    except Exception as error:  # HTTP, offline, not found: the hub has a dozen exception types
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(
            f"{name_or_path} is no folder, and the hub does not give it: {reason}"
        ) from None
    return Path(found)
