"""Messages to plain data and back."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time as Stamp
from rclpy.time import Time

from dust_msgs.msg import ActionChunk, ExecutorState, Features, StageTiming
from dust_node.tensors import to_tensor
from dust_policy.continuation import Kind
from dust_policy.messages import (
    chunk_message,
    features_mismatch,
    read_executor,
    read_features,
    read_plan,
    surprise_message,
)
from dust_policy.sampler import Chunk, Stage, Steps
from dust_policy.surprise import Comparison, Prediction
from dust_policy.task import Mode

NAMES = ("j1", "j2")


def features() -> Features:
    """Make a message as perception does."""
    message = Features(views=["wrist", "side"], checkpoint="0123456789abcdef")
    message.header.stamp = Time(nanoseconds=5_000_000_001).to_msg()
    message.features = to_tensor(np.ones((4, 3), np.float16))
    message.mask = to_tensor(np.ones(4, np.bool_))
    begin = Time(nanoseconds=5_100_000_000).to_msg()
    message.timings = [StageTiming(stage="encode", stamp=begin, duration=0.04)]
    return message


def executor_state() -> ExecutorState:
    """Make a state with a plan whose joints are in another order."""
    message = ExecutorState(mode=ExecutorState.RUNNING, task_id="t", reason="", period=0.02)
    message.header.stamp = Time(nanoseconds=7_000_000_000).to_msg()
    message.joint_names = ["j2", "j1"]
    message.positions = [2.0, 1.0, 2.5, 1.5, 3.0, 2.0]
    message.gripper = [1.0, 1.0, 0.0]
    message.buffer = 0.4
    message.last_sequence = 5
    message.last_stamp = Time(nanoseconds=6_500_000_000).to_msg()
    message.last_splice = Time(nanoseconds=6_700_000_000).to_msg()
    return message


def test_features_are_read() -> None:
    observation = read_features(features(), 6_000_000_000)
    assert observation.stamp_ns == 5_000_000_001
    assert observation.arrival_ns == 6_000_000_000
    assert observation.features.shape == (4, 3)
    assert observation.mask.all()
    assert observation.embedding is None
    assert observation.stages == (Stage("encode", 5_100_000_000, 0.04),)


def test_the_embedding_is_read_and_checked() -> None:
    message = features()
    message.embedding = to_tensor(np.full((4, 2), 0.5, np.float16))
    embedding = read_features(message, 0).embedding
    assert embedding is not None
    assert (embedding.dtype, embedding.tolist()) == (np.float32, [[0.5, 0.5]] * 4)
    message.embedding = to_tensor(np.zeros(4, np.float16))
    with pytest.raises(ValueError, match=r"the embedding has shape \(4,\)"):
        read_features(message, 0)


def test_surprise_says_what_was_compared() -> None:
    prediction = Prediction(7, 1_000_000_001, 2_000_000_000, 16, np.zeros((1, 1), np.float32))
    comparison = Comparison(prediction, 2_010_000_000, 0.25)
    message = surprise_message(comparison, task_id="t", view="side", threshold=0.2, surprised=True)
    assert Time.from_msg(message.header.stamp).nanoseconds == 2_010_000_000
    assert Time.from_msg(message.predicted).nanoseconds == 1_000_000_001
    assert (message.header.frame_id, message.task_id, message.sequence) == ("side", "t", 7)
    assert (message.vision_steps, message.score, message.threshold) == (16, 0.25, 0.2)
    assert message.surprised


NEVER = Stamp(sec=-2, nanosec=500_000_000)


def test_features_with_a_stamp_that_makes_no_sense_are_refused() -> None:
    message = features()
    message.timings[0].stamp = NEVER
    with pytest.raises(ValueError, match=r"timings of features are stamped -1\.500 s"):
        read_features(message, 0)
    message.header.stamp = NEVER
    with pytest.raises(ValueError, match=r"^features are stamped -1\.500 s"):
        read_features(message, 0)


def test_an_executor_with_stamps_that_make_no_sense_is_heard_without_them() -> None:
    message = executor_state()
    message.header.stamp = message.last_stamp = message.last_splice = NEVER
    view = read_executor(message, 9)
    assert (view.mode, view.task_id) == (Mode.RUNNING, "t")
    assert (view.stamp_ns, view.last_stamp_ns, view.last_splice_ns) == (0, 0, 0)
    assert read_plan(message, NAMES) is None


@pytest.mark.parametrize("mask", [np.ones(3, np.bool_), np.ones((4, 1), np.bool_)])
def test_shapes_that_contradict_each_other_are_refused(mask: np.ndarray) -> None:
    message = features()
    message.mask = to_tensor(mask)
    with pytest.raises(ValueError, match="mask"):
        read_features(message, 0)


def test_the_same_checkpoint_and_views_match() -> None:
    assert features_mismatch(features(), "0123456789abcdef", ("wrist", "side")) == ""


def test_another_checkpoint_is_named() -> None:
    text = features_mismatch(features(), "f" * 16, ("wrist", "side"))
    assert "0123456789abcdef" in text
    assert "f" * 16 in text


def test_views_in_another_order_are_named() -> None:
    text = features_mismatch(features(), "0123456789abcdef", ("side", "wrist"))
    assert "sends views wrist, side" in text
    assert "trained with side, wrist" in text


def test_executor_s_state_is_read() -> None:
    view = read_executor(executor_state(), 9)
    assert (view.arrival_ns, view.mode, view.task_id, view.buffer) == (9, Mode.RUNNING, "t", 0.4)
    assert (view.stamp_ns, view.last_sequence) == (7_000_000_000, 5)
    assert (view.last_stamp_ns, view.last_splice_ns) == (6_500_000_000, 6_700_000_000)
    assert view.is_executing("t")
    assert not view.is_executing("other")
    assert view.remaining(7_100_000_000) == pytest.approx(0.3)
    assert view.remaining(8_000_000_000) == 0.0


def test_an_unknown_mode_counts_as_stopped() -> None:
    assert read_executor(ExecutorState(mode=77), 0).mode == Mode.STOPPED


def test_plan_is_read_in_the_checkpoint_s_order() -> None:
    piece = read_plan(executor_state(), NAMES)
    assert piece is not None
    np.testing.assert_allclose(piece.actions, [[1, 2, 1], [1.5, 2.5, 1], [2, 3, 0]])
    assert (piece.stamp_ns, piece.period_ns) == (7_000_000_000, 20_000_000)
    assert piece.until_ns == 7_400_000_000


@pytest.mark.parametrize(
    "change",
    [
        {"gripper": []},
        {"period": 0.0},
        {"positions": [1.0]},
        {"joint_names": ["j1", "k2"]},
    ],
)
def test_a_plan_that_makes_no_sense_is_none(change: dict) -> None:
    message = executor_state()
    for name, value in change.items():
        setattr(message, name, value)
    assert read_plan(message, NAMES) is None


def test_chunk_fills_every_field() -> None:
    actions = np.arange(6.0).reshape(2, 3)
    stages = (Stage("sample", 1, 0.5),)
    chunk = Chunk(8_000_000_009, actions, 1, Steps(4, 16), stages, Kind.BLENDED)
    message = chunk_message(
        chunk, source="dust_policy", task_id="t", sequence=3, period=1 / 15, joint_names=NAMES
    )
    assert Time.from_msg(message.header.stamp).nanoseconds == 8_000_000_009
    assert list(message.positions) == [0, 1, 3, 4]
    assert list(message.gripper) == [2, 5]
    assert (message.source, message.task_id, message.sequence) == ("dust_policy", "t", 3)
    assert (message.prefix, message.action_steps, message.vision_steps) == (1, 4, 16)
    assert message.conditioning == ActionChunk.BLENDED
    assert message.joint_names == ["j1", "j2"]
    assert message.timings[0].stage == "sample"
    assert message.timings[0].duration == 0.5
