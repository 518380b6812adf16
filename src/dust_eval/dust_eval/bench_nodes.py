"""The nodes of a running graph as processes, and how much memory they hold; Linux only."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_OUR_NODE = re.compile(r"__node:=(dust_\w+)")
_OUR_MODULE = re.compile(r"dust_\w+(\.\w+)*\.\w*node")
_MIB = 1024.0  # kB
_UNKNOWN_DOMAIN = -1


@dataclass(frozen=True, slots=True, order=True)
class NodeProcess:
    """A node of a graph.

    Attributes:
        name: Its name, or its module where the command line has no name.
        pid: Process id.
        domain: ROS_DOMAIN_ID of its environment; -1: not readable or not a number.
    """

    name: str
    pid: int
    domain: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds. Unit: MiB.

    Attributes:
        resident: Its proportional share of the resident memory (PSS), and what was swapped out;
            where only its user may read that, all of its resident memory (RSS) instead.
        own: Of that what is no file's: heap, stacks. What a program leaks is found here.
    """

    resident: float
    own: float


def find_nodes(proc: Path = PROC) -> list[NodeProcess]:
    """Return the nodes of DUST that run on this machine, as their command lines tell.

    Launchers and wrappers that have a node's command line as arguments are none.
    """
    found = []
    for folder in proc.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # gone
        name = node_name(words)
        if name:
            found.append(NodeProcess(name, int(folder.name), _domain(folder)))
    return sorted(found)


def node_name(words: Sequence[str]) -> str:
    """Return the name of the node that a command line runs; empty: it runs none of ours.

    >>> node_name(["python3", "-m", "dust_policy.policy_node", "--ros-args"])
    'dust_policy.policy_node'
    """
    if not Path(words[0]).name.startswith("python"):
        return ""
    named = [match[1] for word in words if (match := _OUR_NODE.fullmatch(word))]
    if named:
        return named[-1]
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    return module if _OUR_MODULE.fullmatch(module) else ""


class GraphNodes:
    """Finds the nodes of one graph, again and again: those that are started later, too.

    Args:
        domain: ROS domain of the graph; None: of the first one that is met.
        proc: Where the kernel shows processes.
    """

    def __init__(self, domain: int | None = None, *, proc: Path = PROC) -> None:
        self._domain = domain
        self._proc = proc

    def __call__(self) -> list[NodeProcess]:
        """Return the nodes that run now.

        Raises:
            ValueError: Graphs run in several domains, and none was chosen.
        """
        nodes = find_nodes(self._proc)
        if self._domain is None and nodes:
            self._domain = _only_domain(nodes)
        return [node for node in nodes if node.domain == self._domain]


def read_memory(pid: int, proc: Path = PROC) -> Memory | None:
    """Return what a process holds; None: it has ended."""
    folder = proc / str(pid)
    try:
        rollup = _read_kilobytes(folder / "smaps_rollup")
    except PermissionError:
        rollup = {}
    except OSError:
        return None
    try:
        return _by_share(rollup) if rollup else _by_status(_read_kilobytes(folder / "status"))
    except (OSError, KeyError):
        return None  # a zombie holds nothing


def _only_domain(nodes: Sequence[NodeProcess]) -> int:
    names: dict[int, list[str]] = {}
    for node in nodes:
        names.setdefault(node.domain, []).append(node.name)
    if len(names) > 1:
        listed = "; ".join(f"{domain}: {', '.join(names[domain])}" for domain in sorted(names))
        raise ValueError(f"graphs run in several ROS domains ({listed}): choose with --domain")
    return nodes[0].domain


def _by_share(values: Mapping[str, float]) -> Memory:
    swapped = values.get("SwapPss", 0.0)
    own = values.get("Pss_Anon", values["Anonymous"])
    return Memory((values["Pss"] + swapped) / _MIB, (own + swapped) / _MIB)


def _by_status(values: Mapping[str, float]) -> Memory:
    swapped = values.get("VmSwap", 0.0)
    return Memory((values["VmRSS"] + swapped) / _MIB, (values["RssAnon"] + swapped) / _MIB)


def _read_kilobytes(path: Path) -> dict[str, float]:
    """Return the lines of the form `Name:  123 kB`."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {
        words[0].removesuffix(":"): float(words[1])
        for words in lines
        if len(words) == 3 and words[2] == "kB"
    }


def _domain(folder: Path) -> int:
    try:
        variables = (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return _UNKNOWN_DOMAIN
    texts = [v.partition(b"=")[2] for v in variables if v.startswith(b"ROS_DOMAIN_ID=")]
    text = texts[0].decode(errors="replace") if texts else "0"
    return int(text) if text.isdecimal() else _UNKNOWN_DOMAIN
