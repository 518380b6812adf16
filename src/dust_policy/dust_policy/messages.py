"""Between dust_msgs and the plain data of the core."""

from typing import Any

import numpy as np
from rclpy.time import Time

from dust_msgs.msg import (
    ActionChunk,
    ExecutorState,
    Features,
    StageSummary,
    StageTiming,
    Surprise,
)
from dust_node.durations import Row
from dust_node.stamps import nanoseconds_of
from dust_node.tensors import from_tensor
from dust_policy.prefix import PlanPiece
from dust_policy.sampler import Chunk, Observation, Stage
from dust_policy.surprise import Comparison, Embedding
from dust_policy.task import ExecutorView, Mode


def read_stamp(stamp: Any, what: str) -> int:
    """Return the stamp of `what` in ns.

    Raises:
        ValueError: It lies before the beginning of time.
    """
    stamp_ns = nanoseconds_of(stamp)
    if stamp_ns < 0:
        raise ValueError(f"{what} are stamped {stamp_ns * 1e-9:.3f} s, before the clock's 0")
    return stamp_ns


def read_features(message: Features, arrival_ns: int) -> Observation:
    """Read features.

    Raises:
        ValueError: A tensor's bytes do not fill its shape, shapes contradict each other, or a
            stamp makes no sense.
    """
    features, mask = from_tensor(message.features), from_tensor(message.mask)
    if features.ndim != 2 or mask.shape != features.shape[:1]:
        raise ValueError(f"features have shape {features.shape} and mask {mask.shape}")
    return Observation(
        stamp_ns=read_stamp(message.header.stamp, "features"),
        arrival_ns=arrival_ns,
        features=features,
        mask=mask,
        stages=tuple(
            Stage(timing.stage, read_stamp(timing.stamp, "timings of features"), timing.duration)
            for timing in message.timings
        ),
        embedding=_read_embedding(message),
    )


def _read_embedding(message: Features) -> Embedding | None:
    """Read the pooled vision tokens, if perception sends them."""
    if not message.embedding.dtype:
        return None
    embedding = from_tensor(message.embedding)
    if embedding.ndim != 2:
        raise ValueError(f"the embedding has shape {embedding.shape}, not [tokens, width]")
    return embedding.astype(np.float32)


def features_mismatch(message: Features, fingerprint: str, views: tuple[str, ...]) -> str:
    """Return how the features differ from what the checkpoint needs; empty if they do not."""
    if message.checkpoint != fingerprint:
        return (
            f"perception runs checkpoint {message.checkpoint or 'without a fingerprint'}, the "
            f"policy runs {fingerprint}: give both the same parameter 'checkpoint'"
        )
    if tuple(message.views) != views:
        return (
            f"perception sends views {', '.join(message.views)}, the checkpoint was trained with "
            f"{', '.join(views)}"
        )
    return ""


def read_executor(message: ExecutorState, arrival_ns: int) -> ExecutorView:
    """Read what the executor says about itself; a mode of a newer version counts as stopped.

    A stamp that makes no sense counts as none; that the executor stopped is heard all the same.
    """
    mode = Mode(message.mode) if message.mode in list(Mode) else Mode.STOPPED
    return ExecutorView(
        arrival_ns=arrival_ns,
        mode=mode,
        reason=message.reason,
        task_id=message.task_id,
        joint_names=tuple(message.joint_names),
        buffer=message.buffer,
        stamp_ns=max(0, nanoseconds_of(message.header.stamp)),
        last_sequence=message.last_sequence,
        last_stamp_ns=max(0, nanoseconds_of(message.last_stamp)),
        last_splice_ns=max(0, nanoseconds_of(message.last_splice)),
    )


def read_plan(message: ExecutorState, joint_names: tuple[str, ...]) -> PlanPiece | None:
    """Read the committed plan with columns as the checkpoint has them; None if there is none."""
    samples, width = len(message.gripper), len(message.joint_names)
    stamp_ns = nanoseconds_of(message.header.stamp)
    if not samples or message.period <= 0 or len(message.positions) != samples * width:
        return None
    if stamp_ns < 0:
        return None
    try:
        columns = [list(message.joint_names).index(name) for name in joint_names]
    except ValueError:
        return None
    positions = np.array(message.positions).reshape(samples, width)[:, columns]
    return PlanPiece(
        stamp_ns=stamp_ns,
        period_ns=round(message.period * 1e9),
        actions=np.column_stack([positions, np.array(message.gripper)]),
        until_ns=stamp_ns + round(message.buffer * 1e9),
    )


def chunk_message(
    chunk: Chunk,
    *,
    source: str,
    task_id: str,
    sequence: int,
    period: float,
    joint_names: tuple[str, ...],
) -> ActionChunk:
    """Fill an ActionChunk; the header's stamp is the observation's."""
    message = ActionChunk(
        source=source,
        task_id=task_id,
        sequence=sequence,
        period=period,
        joint_names=list(joint_names),
        positions=chunk.actions[:, :-1].ravel().tolist(),
        gripper=chunk.actions[:, -1].tolist(),
        prefix=chunk.prefix,
        conditioning=int(chunk.kind),
        action_steps=chunk.steps.action,
        vision_steps=chunk.steps.vision,
        timings=[timing_message(stage) for stage in chunk.stages],
    )
    message.header.stamp = Time(nanoseconds=chunk.stamp_ns).to_msg()
    return message


def surprise_message(
    comparison: Comparison, *, task_id: str, view: str, threshold: float, surprised: bool
) -> Surprise:
    """Fill a Surprise; `view` is the name of the primary view."""
    prediction = comparison.prediction
    message = Surprise(
        task_id=task_id,
        sequence=prediction.sequence,
        predicted=Time(nanoseconds=prediction.stamp_ns).to_msg(),
        vision_steps=prediction.vision_steps,
        score=comparison.score,
        threshold=threshold,
        surprised=surprised,
    )
    message.header.stamp = Time(nanoseconds=comparison.seen_ns).to_msg()
    message.header.frame_id = view
    return message


def timing_message(stage: Stage) -> StageTiming:
    """Fill a StageTiming."""
    return StageTiming(
        stage=stage.name,
        stamp=Time(nanoseconds=stage.begin_ns).to_msg(),
        duration=stage.duration,
    )


def summary_message(row: Row) -> StageSummary:
    """Fill a StageSummary."""
    return StageSummary(stage=row.stage, count=row.count, median=row.p50, p95=row.p95, p99=row.p99)
