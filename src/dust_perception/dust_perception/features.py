"""Encodings to dust_msgs/Features."""

from typing import Any

from rclpy.time import Time

from dust_msgs.msg import Features, StageTiming
from dust_node.tensors import to_tensor
from dust_perception.encoder import Encoding
from dust_perception.synchroniser import FrameSet


def features_message(
    encoding: Encoding,
    frames: FrameSet[Any],
    *,
    instruction: str,
    primary_view: str,
    checkpoint: str,
    sequence: int,
) -> Features:
    """Fill a Features message; the header's stamp is that of the newest image."""
    message = Features(
        sequence=sequence, instruction=instruction, views=list(frames.views), checkpoint=checkpoint
    )
    message.header.stamp = Time(nanoseconds=frames.stamp_ns).to_msg()
    message.header.frame_id = primary_view
    message.view_stamps = [Time(nanoseconds=frame.stamp_ns).to_msg() for frame in frames.frames]
    message.features = to_tensor(encoding.features)
    message.mask = to_tensor(encoding.mask)
    message.embedding = to_tensor(encoding.embedding)
    message.timings = timings(encoding, frames.stamp_ns)
    return message


def timings(encoding: Encoding, stamp_ns: int) -> list[StageTiming]:
    """Return the stages since the image was taken: wait, preprocess, encode."""
    marks = [
        ("wait", stamp_ns, encoding.start_ns),
        ("preprocess", encoding.start_ns, encoding.encode_ns),
        ("encode", encoding.encode_ns, encoding.end_ns),
    ]
    return [
        StageTiming(
            stage=stage,
            stamp=Time(nanoseconds=begin).to_msg(),
            # A camera's clock may be a little ahead of ours.
            duration=max(0, end - begin) * 1e-9,
        )
        for stage, begin, end in marks
    ]
