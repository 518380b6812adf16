"""Do both cameras send what perception needs, as often and as close together as it needs it?"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from statistics import median

from dust_doctor.evidence import GraphEvidence, Stream
from dust_doctor.finding import Finding, fail, ok, skip, warn, worst
from dust_doctor.wishes import Wishes

ENCODINGS = ("bgra8", "bgr8", "rgba8", "rgb8", "mono8")
"""What perception can read, as raw images: CHANNELS of dust_perception.images."""

COMPRESSIONS = ("jpeg", "jpg", "png")
"""What perception can read, compressed."""

MAX_SKEW = 0.08
"""Images further apart are not put together, see config/perception.yaml. Unit: s."""

SILENT_PERIODS = 10
"""A stream that ends with more missing messages than this has stopped."""

LEAST_SIDE = 224
"""Side of the image that the model sees. Unit: px."""

_GIGABIT = 125e6  # bytes/s
_COPYABLE = 400e6  # bytes/s


def judge_rate(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge whether every view comes, often enough and without gaps."""
    return worst([_judge_view(view, graph, wishes) for view in wishes.image_topics])


def _judge_view(view: str, graph: GraphEvidence, wishes: Wishes) -> Finding:
    stream, topic, wanted = graph.cameras.get(view), wishes.image_topics[view], wishes.camera_rate
    if stream is None or len(stream.stamps) < 2:
        known = graph.publishers.get(topic, ())
        reason = f"{', '.join(known)} publishes, nothing arrives" if known else "nobody publishes"
        remedy = "is the camera's node up? Is the profile of both machines the same (dds:=network)?"
        return fail(f"view '{view}': no images on {topic} ({reason})", remedy)
    says = f"view '{view}' comes at {stream.rate:.1f} Hz, longest gap {stream.gap * 1e3:.0f} ms"
    remedy = (
        "check USB speed, exposure time and load, or Fast DDS's shared memory (dds-profile); "
        f"{wanted:g} Hz are wanted (--camera-rate)"
    )
    if stream.silence > SILENT_PERIODS / wanted:
        silent = f"{says}: it has been silent for the last {stream.silence:.1f} s"
        return fail(silent, "has the camera's node died, or its cable come off? See its own log")
    if stream.rate < 0.6 * wanted:
        return fail(says, remedy)
    if stream.rate < 0.9 * wanted or stream.gap > 3 / wanted:
        return warn(says, remedy)
    return ok(says)


def skews(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return the distance of each stamp in `one` to the nearest in `other` (both sorted). Unit: s.

    Stamps beyond the ends of `other` are left out: their partner may not have been heard.
    """
    return [_nearest(stamp, other) for stamp in one if other and other[0] <= stamp <= other[-1]]


def _nearest(stamp: float, others: Sequence[float]) -> float:
    index = bisect_left(others, stamp)
    near = others[max(0, index - 1) : index + 1]
    return min(abs(stamp - other) for other in near)


def judge_skew(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge how far the views' stamps lie apart."""
    heard = [graph.cameras[view] for view in wishes.image_topics if view in graph.cameras]
    if len(heard) < 2:
        return skip("two views are needed to compare their stamps")
    first = sorted(heard[0].stamps)
    distances = [d for row in heard[1:] for d in skews(first, sorted(row.stamps))]
    if not distances:
        remedy = "is one camera's clock hours off, or did one stop at once?"
        return fail("the views' stamps do not overlap at all", remedy)
    typical, largest = median(distances), max(distances)
    says = f"stamps lie {typical * 1e3:.0f} ms apart, at most {largest * 1e3:.0f} ms"
    remedy = "run both cameras at the same rate, on machines with one clock"
    if typical > MAX_SKEW:
        return fail(f"{says}; perception takes {MAX_SKEW * 1e3:.0f} ms at most", remedy)
    if largest > MAX_SKEW or typical > 0.6 / wishes.camera_rate:
        return warn(says, remedy)
    return ok(says)


def judge_format(graph: GraphEvidence) -> Finding:
    """Judge size and encoding of the images."""
    if not graph.cameras:
        return skip("no images were heard")
    found = [finding for view in graph.cameras.items() for finding in _defects(*view)]
    told = ", ".join(
        f"{view} {row.width}x{row.height} {row.form}" for view, row in graph.cameras.items()
    )
    return worst([*found, ok(told)])


def _defects(view: str, stream: Stream) -> Iterator[Finding]:
    if stream.form not in (*ENCODINGS, *COMPRESSIONS):
        says = f"view '{view}' is encoded as '{stream.form}'"
        yield fail(says, f"let the camera send one of {', '.join(ENCODINGS)}")
    if stream.form in ENCODINGS and not (stream.width and stream.height):
        yield fail(f"view '{view}' sends empty images", "look at the camera's own log")
    elif 0 < min(stream.width, stream.height) < LEAST_SIDE:
        says = (
            f"view '{view}' has {stream.width}x{stream.height} pixels, the model sees {LEAST_SIDE}"
        )
        yield warn(says, "raise the camera's resolution, as it was recorded for training")


def judge_bandwidth(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge how much the images take of the way that they go."""
    if not graph.cameras:
        return skip("no images were heard")
    total = sum(stream.bandwidth for stream in graph.cameras.values())
    told = f"{total / 1e6:.1f} MB/s of images"
    if wishes.shares_time:
        share = total / _GIGABIT
        says = f"{told}, {share:.0%} of a gigabit network if they cross it"
        remedy = "keep the cameras at the GPU machine, or use transport: compressed"
        if share > 0.8:
            return fail(says, remedy)
        return warn(says, remedy) if share > 0.4 else ok(says)
    if total > _COPYABLE:
        return warn(told, "lower resolution or rate (config/zed.yaml): the model sees 224 px only")
    return ok(told)
