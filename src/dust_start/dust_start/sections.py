"""Checks that the sections of parameter files reach the nodes: rcl ignores the others silently."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from dust_start.errors import StartError


def check_sections(path: Path, nodes: Iterable[str], *, every: bool) -> None:
    """Check the sections of a parameter file against full node names such as `/lab/dust_sim`.

    Args:
        path: the file
        nodes: full names of the nodes that it may concern
        every: whether each section must match a node, instead of at least one section

    Raises:
        StartError: the file is missing or not YAML, or a section matches no node
    """
    names = list(nodes)
    patterns = _patterns(_read(path))
    unmatched = [pattern for pattern in patterns if not any(matches(pattern, n) for n in names)]
    if unmatched and (every or len(unmatched) == len(patterns)):
        raise StartError(f"parameter file {path}: {_explain(unmatched[0], names)}")


def matches(pattern: str, name: str) -> bool:
    """Whether a section (`dust_sim`, `/lab/dust_sim`, `/**/dust_sim`, `/**`) is a node's.

    A section without a leading slash means the node without a namespace.
    """
    parts = [part for part in pattern.split("/") if part]
    wanted = {"**": r"(/\w+)*", "*": r"/\w+"}
    regex = "".join(wanted.get(part, "/" + re.escape(part)) for part in parts)
    return re.fullmatch(regex, name) is not None


def _read(path: Path) -> Mapping[str, object]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"parameter file {path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not text"
        raise StartError(f"parameter file {path}{place}: not valid YAML: {problem}") from None
    if not isinstance(content, dict):
        raise StartError(f"parameter file {path}: must map node names to ros__parameters")
    return content


def _patterns(content: Mapping[str, object], above: str = "") -> list[str]:
    """Return the patterns of all sections; namespaces may nest, as `/**: dust_sim: ...`."""
    found: list[str] = []
    for key, value in content.items():
        if key == "ros__parameters":
            found.append(above)
        elif isinstance(value, dict):
            found += _patterns(value, f"{above}/{str(key).strip('/')}")
    return found


def _explain(pattern: str, names: list[str]) -> str:
    last = pattern.rsplit("/", 1)[-1]
    short = {name.rsplit("/", 1)[-1]: name for name in names}
    if last in short:
        return f"section '{pattern}' does not reach {short[last]}; write '/**/{last}:'"
    close = difflib.get_close_matches(last, short, n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; nodes are {', '.join(short)}"
    return f"section '{pattern}' names no node of the graph{hint}"
