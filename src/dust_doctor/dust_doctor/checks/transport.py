"""Do images get through? Fast DDS's profile, shared memory, socket buffers."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from dust_doctor.finding import Finding, fail, ok, skip, warn
from dust_doctor.system import System
from dust_doctor.wishes import Wishes

VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
"""What names the profile: from Fast DDS 3 (Kilted) on, and up to Fast DDS 2 (Jazzy)."""

DEFAULT_SEGMENT = 512 * 2**10
"""Fast DDS's own shared-memory segment. Unit: bytes."""

IMAGES_IN_SEGMENT = 4
"""So many images must fit, or a slow reader loses some."""

SOCKET_BUFFER = 4 * 2**20
"""What config/fastdds_network.xml asks for. Unit: bytes."""

_SHM_NEEDED = 256 * 2**20
_SHM_LEAST = 64 * 2**20
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class TransportEvidence:
    """What DDS is given.

    Attributes:
        middleware: RMW_IMPLEMENTATION; empty: the distribution's default, Fast DDS.
        profiles: Path of the profile for each variable of `VARIABLES` that is set.
        text: Content of the first profile; None where there is no such file.
        shared_memory: Free space in /dev/shm. Unit: bytes; None where there is none.
        receive_buffer: net.core.rmem_max. Unit: bytes; 0 where the kernel does not say.
    """

    middleware: str = ""
    profiles: tuple[str, ...] = ()
    text: str | None = None
    shared_memory: int | None = None
    receive_buffer: int = 0


def gather_transport(system: System) -> TransportEvidence:
    """Read environment, profile, /dev/shm and the kernel's settings."""
    names = [system.environment.get(variable, "") for variable in VARIABLES]
    profiles = tuple(name for name in names if name)
    buffer = system.read("/proc/sys/net/core/rmem_max")
    memory = system.root / "dev/shm"
    return TransportEvidence(
        middleware=system.environment.get("RMW_IMPLEMENTATION", ""),
        profiles=profiles,
        text=_text(Path(profiles[0])) if profiles else None,
        shared_memory=system.free_bytes(memory) if memory.is_dir() else None,
        receive_buffer=int(buffer) if buffer.isdigit() else 0,
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def segment_size(profile: str) -> int:
    """Return the size of a profile's shared-memory segment, bytes; 0 where it has none.

    Raises:
        ValueError: It is not XML, or the size is no number.
    """
    try:
        root = ElementTree.fromstring(profile)
    except ElementTree.ParseError as error:
        raise ValueError(f"is not XML: {error}") from None
    sizes = []
    for transport in root.iter():
        if _tag(transport) != "transport_descriptor":
            continue
        parts = {_tag(part): (part.text or "").strip() for part in transport}
        if parts.get("type") == "SHM":
            size = parts.get("segment_size", str(DEFAULT_SEGMENT))
            if not size.isdigit():
                raise ValueError(f"has segment_size '{size}', which is no number")
            sizes.append(int(size))
    return max(sizes, default=0)


def is_local(profile: str) -> bool:
    """Return whether a profile keeps everything on this machine."""
    addresses = [
        (part.text or "").strip()
        for part in ElementTree.fromstring(profile).iter()
        if _tag(part) == "address"
    ]
    return bool(addresses) and all(address.startswith("127.") for address in addresses)


def _tag(part: ElementTree.Element) -> str:
    return part.tag.rsplit("}", 1)[-1]


def judge_profile(transport: TransportEvidence, wishes: Wishes, image_bytes: int) -> Finding:
    """Judge Fast DDS's profile against the images.

    Args:
        transport: What DDS is given.
        wishes: What is asked for.
        image_bytes: Size of one image.
    """
    if transport.middleware not in ("", "rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp"):
        return skip(f"{transport.middleware} is used; its own shared memory is up to you")
    if not transport.profiles:
        return warn(
            "no Fast DDS profile: in nodes started from this shell, raw images above 512 KiB get "
            "lost (the launch file sets one for its own)",
            "export FASTRTPS_DEFAULT_PROFILES_FILE=.../config/fastdds.xml (Kilted: FASTDDS_...)",
        )
    name = transport.profiles[0]
    if transport.text is None:
        says = f"the Fast DDS profile {name} cannot be read; Fast DDS says nothing and does without"
        return fail(says, "mend the path in FASTRTPS_/FASTDDS_DEFAULT_PROFILES_FILE")
    try:
        size = segment_size(transport.text)
    except ValueError as error:
        says = f"the Fast DDS profile {name} {error}"
        return fail(says, "take config/fastdds.xml or fastdds_network.xml")
    if wishes.shares_time and is_local(transport.text):
        says = f"{name} keeps everything on this machine, but the other half runs elsewhere"
        return fail(says, "use config/fastdds_network.xml on both machines (dds:=network)")
    return _judge_segment(name, size, image_bytes)


def _judge_segment(name: str, size: int, image_bytes: int) -> Finding:
    told = f"{name}: segment {size / _MIB:.1f} MiB, image {image_bytes / _MIB:.1f} MiB"
    needed = IMAGES_IN_SEGMENT * image_bytes
    remedy = f"set segment_size to at least {needed} in the profile"
    if size == 0:
        return warn(f"{name} has no shared memory: images go through sockets", remedy)
    if size < image_bytes:
        return fail(f"{told}: best-effort images get lost", remedy)
    return warn(f"{told}: too few fit", remedy) if size < needed else ok(told)


def judge_shared_memory(transport: TransportEvidence) -> Finding:
    """Judge the room in /dev/shm: each process of the graph takes a segment."""
    free = transport.shared_memory
    if free is None:
        return warn("there is no /dev/shm: images go through sockets", "mount it (tmpfs)")
    told = f"{free / _MIB:.0f} MiB free in /dev/shm"
    remedy = "docker: --shm-size=1g or --ipc=host; else remove /dev/shm/fast* while no node runs"
    if free < _SHM_LEAST:
        return fail(f"{told}: too little for DDS", remedy)
    return warn(f"{told}: little for DDS", remedy) if free < _SHM_NEEDED else ok(told)


def judge_buffers(transport: TransportEvidence, wishes: Wishes) -> Finding:
    """Judge the kernel's socket buffers, which matter between machines."""
    if not wishes.shares_time:
        return skip("one machine: images go through shared memory")
    told = f"net.core.rmem_max is {transport.receive_buffer}"
    if transport.receive_buffer >= SOCKET_BUFFER:
        return ok(told)
    return warn(
        f"{told}: bursts of image packets are dropped",
        "sudo sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608",
    )
