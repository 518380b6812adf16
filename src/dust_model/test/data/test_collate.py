import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from dust_model.data.augment import Augmentation
from dust_model.data.collate import Collator, interleave
from dust_model.data.sample import Sample
from dust_model.robot import RobotSpec
from dust_model.statistics import ColumnStatistics, Normaliser, Scaling
from dust_model.transform import ImageTransform

ROBOT = RobotSpec(horizon=4)
SCALINGS = [*[Scaling.MIN_MAX] * 3, *[Scaling.Q99] * 2, *[Scaling.MEAN_STD] * 2, Scaling.BINARY]


def table(seed):
    return ColumnStatistics.measure(np.random.default_rng(seed).normal(size=(50, 8)), SCALINGS)


def collator(**change):
    arguments = {"state": table(1), "action": table(2), "image_size": 28}
    return Collator(ROBOT, **arguments | change)


def sample(seed=0, **change):
    random = np.random.default_rng(seed)
    mask = np.ones((4, 8), bool)
    mask[3:] = False
    parts = {
        "views": {
            "side": random.integers(0, 256, (40, 50, 3), dtype=np.uint8),
            "wrist": random.integers(0, 256, (30, 60, 3), dtype=np.uint8),
            "unused": random.integers(0, 256, (9, 9, 3), dtype=np.uint8),
        },
        "state": random.normal(size=8).astype(np.float32),
        "actions": random.normal(size=(4, 8)).astype(np.float32),
        "action_mask": mask,
        "instruction": f"task {seed}",
        "future": random.integers(0, 256, (40, 50, 3), dtype=np.uint8),
        "embodiment": seed,
        "key": f"sample {seed}",
        "seed": seed,
    }
    return Sample(**parts | change)


def test_without_augmentation_a_batch_is_what_inference_makes():
    samples = [sample(0), sample(1)]
    batch = collator()(samples)
    transform = ImageTransform(28)
    assert batch.views_pixels.shape == (2, 2, 3, 28, 28)
    for row, one in enumerate(samples):
        images = (one.views["wrist"], one.views["side"], one.future)  # the robot's order
        pixels = (*batch.views_pixels[row], batch.future_pixels[row])
        for image, made in zip(images, pixels, strict=True):
            assert torch.equal(made, transform.normalise(transform.resize(image)))
        np.testing.assert_array_equal(
            batch.state[row].numpy(), Normaliser(table(1)).normalise(one.state)
        )
        np.testing.assert_array_equal(
            batch.actions[row].numpy(), Normaliser(table(2)).normalise(one.actions)
        )
        np.testing.assert_array_equal(batch.action_mask[row].numpy(), one.action_mask)
    assert batch.instructions == ["task 0", "task 1"]
    assert batch.keys == ["sample 0", "sample 1"]
    assert batch.embodiment.tolist() == [0, 1]
    assert len(batch) == 2
    assert batch.state.dtype == batch.actions.dtype == torch.float32


def test_normalised_pixels_and_actions_come_back():
    batch = collator()([sample()])
    assert batch.views_pixels.min() >= -1
    assert batch.views_pixels.max() <= 1
    raw = Normaliser(table(2)).denormalise(batch.actions[0].numpy())
    inside = np.abs(batch.actions[0].numpy()) <= 1
    kept = [column for column, kind in enumerate(SCALINGS) if kind is not Scaling.BINARY]
    np.testing.assert_allclose(
        np.where(inside, raw, 0)[:, kept], np.where(inside, sample().actions, 0)[:, kept], atol=1e-6
    )


def test_columns_of_the_head_that_the_robot_lacks_are_zero_and_masked():
    batch = collator(state_columns=11, action_columns=10)([sample(), sample(1)])
    plain = collator()([sample(), sample(1)])
    assert batch.state.shape == (2, 11)
    assert batch.actions.shape == batch.action_mask.shape == (2, 4, 10)
    assert torch.equal(batch.state[:, :8], plain.state)
    assert torch.equal(batch.actions[..., :8], plain.actions)
    assert torch.equal(batch.action_mask[..., :8], plain.action_mask)
    assert not batch.state[:, 8:].any()
    assert not batch.actions[..., 8:].any()
    assert not batch.action_mask[..., 8:].any()


def test_one_sample_without_future_leaves_none():
    assert collator()([sample(), sample(future=None)]).future_pixels is None


def test_augmentation_is_alike_in_all_views_and_the_future():
    image = sample().views["side"]
    one = sample(views={"side": image, "wrist": image}, future=image)
    batch = collator(augmentation=Augmentation())([one])
    plain = collator()([one])
    assert torch.equal(batch.views_pixels[0, 0], batch.views_pixels[0, 1])
    assert torch.equal(batch.views_pixels[0, 0], batch.future_pixels[0])
    assert not torch.equal(batch.views_pixels, plain.views_pixels)
    assert torch.equal(batch.actions, plain.actions)


def test_augmentation_follows_the_seed_of_the_draw_alone():
    collate = collator(augmentation=Augmentation())
    one, two = sample(0), sample(1)
    together, apart = collate([one, two]), collate([two, one])
    assert torch.equal(together.views_pixels, apart.views_pixels.flip(0))
    redrawn = collate([replace(one, seed=5)])
    assert not torch.equal(redrawn.views_pixels[0], together.views_pixels[0])


def test_a_batch_moves_whole():
    batch = collator()([sample()]).to("meta")
    assert batch.views_pixels.device.type == batch.action_mask.device.type == "meta"
    assert batch.instructions == ["task 0"]
    bare = collator()([sample(future=None)]).to("meta")
    assert bare.future_pixels is None


def test_interleaved_batches_take_turns():
    samples = [sample(i) for i in range(6)]
    collate = collator()
    whole = collate(samples)
    parts = [collate(samples[i::3]) for i in range(3)]
    merged = interleave(parts)
    for name in ("views_pixels", "state", "actions", "action_mask", "future_pixels", "embodiment"):
        assert torch.equal(getattr(merged, name), getattr(whole, name))
    assert merged.keys == whole.keys
    assert merged.instructions == whole.instructions
    assert interleave([whole]) is whole
    bare = [collate([sample(i, future=None)]) for i in range(2)]
    assert interleave(bare).future_pixels is None
    with pytest.raises(ValueError, match=r"equally large, got \[6, 2\]"):
        interleave([whole, parts[0]])


def test_a_collator_survives_pickling():
    copy = pickle.loads(pickle.dumps(collator(augmentation=Augmentation())))
    original = collator(augmentation=Augmentation())
    assert torch.equal(copy([sample()]).views_pixels, original([sample()]).views_pixels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": {"side": np.zeros((4, 4, 3), np.uint8)}}, "sample 0 lacks the view wrist"),
        (
            {"actions": np.zeros((4, 7), np.float32), "action_mask": np.ones((4, 7), bool)},
            r"sample 0: actions must be \[4, 8\], got \[4, 7\]",
        ),
        ({"state": np.zeros(7, np.float32)}, r"sample 0: state must be \[8\], got \[7\]"),
        ({"state": np.full(8, np.nan, np.float32)}, "sample 0: state or actions are not finite"),
    ],
)
def test_a_sample_that_does_not_fit_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        collator()([sample(**change)])


def test_statistics_and_heads_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        collator()([])
    few = ColumnStatistics.measure(np.zeros((2, 3)), SCALINGS[:3])
    with pytest.raises(ValueError, match="statistics have 3 state columns, the robot 8"):
        collator(state=few)
    with pytest.raises(ValueError, match="the robot has 8 action columns, the head only 7"):
        collator(action_columns=7)
