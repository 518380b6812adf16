"""Rate, age, gaps and skew of a bag's topics, without decoding their messages."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dust_demos.conversion.messages import stamp_of
from dust_demos.conversion.tracks import Times, longest_silence
from dust_demos.inspection.episode import Stream
from dust_demos.recording.bag import Bag

CAMERA = "camera "
"""How the role of a camera's topic begins."""
_LATCHED = 1_000_000_000  # ns before the start


@dataclass(slots=True)
class Arrivals:
    """When the messages of a topic came.

    Attributes:
        stamped: whether they carry stamps.
        received: by the recorder's clock, in the order of arrival, ns.
        stamps: of the messages, or when they were received, ns.
        prints: digests of the messages behind their headers; of cameras only.
    """

    stamped: bool
    received: list[int] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    prints: list[str] = field(default_factory=list)


def read_arrivals(bag: Bag, roles: Mapping[str, str]) -> dict[str, Arrivals]:
    """Return when each topic's messages came; of cameras also digests of the images.

    Args:
        bag: the bag.
        roles: topic -> what it is to a dataset.

    Raises:
        ValueError: the bag is damaged.
    """
    found: dict[str, Arrivals] = {}
    for connection, received, data in bag.raw():
        known = found.get(connection.topic)
        if known is None:
            message = bag.decode(connection, data)
            known = found[connection.topic] = Arrivals(_begins_with_stamp(message, data))
        known.received.append(received)
        known.stamps.append((_stamp(data) or received) if known.stamped else received)
        if roles.get(connection.topic, "").startswith(CAMERA):
            # Behind the stamp, which differs even where the picture is the same.
            known.prints.append(hashlib.blake2b(data[12:], digest_size=16).hexdigest())
    return found


def streams_of(
    arrivals: Mapping[str, Arrivals], roles: Mapping[str, str], start_ns: int, end_ns: int
) -> tuple[Stream, ...]:
    """Return how each topic came between start and end; those with a role first."""
    cameras = {
        topic: np.unique(arrivals[topic].stamps)
        for topic, role in roles.items()
        if role.startswith(CAMERA) and topic in arrivals
    }
    found = [
        _stream(topic, roles.get(topic, ""), known, cameras, (start_ns, end_ns))
        for topic, known in arrivals.items()
    ]
    order = {topic: place for place, topic in enumerate(roles)}
    return tuple(sorted(found, key=lambda s: (order.get(s.topic, len(order)), s.topic)))


def first_print(arrivals: Arrivals, start_ns: int) -> str:
    """Return the digest of the first image at or after the start; empty if there is none."""
    for stamp, digest in zip(arrivals.stamps, arrivals.prints, strict=True):
        if stamp >= start_ns:
            return digest
    return ""


def _stream(
    topic: str,
    role: str,
    known: Arrivals,
    cameras: Mapping[str, Times],
    span: tuple[int, int],
) -> Stream:
    stamps, received = np.array(known.stamps, np.int64), np.array(known.received, np.int64)
    inside = (stamps >= span[0]) & (stamps <= span[1])
    times, ages = np.unique(stamps[inside]), (received - stamps)[inside] * 1e-9
    lasting = (times[-1] - times[0]) * 1e-9 if len(times) > 2 else 0.0
    # Latched messages of long ago say nothing about silence.
    recent = np.unique(stamps[stamps > span[0] - _LATCHED])
    gap, since = longest_silence(recent, *span)
    aged = known.stamped and len(ages) > 0
    return Stream(
        topic=topic,
        role=role,
        count=int(inside.sum()),
        rate=float((len(times) - 1) / lasting) if lasting > 0 else 0.0,
        age=float(np.median(ages)) if aged else float("nan"),
        worst_age=float(ages.max()) if aged else float("nan"),
        gap=gap * 1e-9,
        gap_at=max(0, since - span[0]) * 1e-9,
        skew=_skew(times, [c for name, c in cameras.items() if name != topic])
        if topic in cameras
        else float("nan"),
    )


def _skew(times: Times, others: list[Times]) -> float:
    """Return how far the nearest images of other cameras are, s, at nine of ten images."""
    if not len(times) or not others:
        return float("nan")
    far = np.zeros(len(times))
    for other in others:
        place = np.searchsorted(other, times)
        before = np.abs(times - other[np.maximum(place - 1, 0)])
        after = np.abs(other[np.minimum(place, len(other) - 1)] - times)
        far = np.maximum(far, np.minimum(before, after))
    return float(np.quantile(far, 0.9)) * 1e-9


def _stamp(data: bytes) -> int:
    # CDR: four bytes that say the byte order, then std_msgs/Header with its stamp.
    seconds, rest = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(seconds) * 1_000_000_000 + int(rest)


def _begins_with_stamp(message: object, data: bytes) -> bool:
    if not hasattr(message, "header") or len(data) < 12:
        return False
    return _stamp(data) in (stamp_of(message, 0), 0)
