from dataclasses import replace

import pytest
import torch

from dust_model.config import Architecture, TargetScale
from dust_model.data.collate import Batch
from dust_model.eagle import Eagle
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics
from dust_model.tokenizer import build_tokenizer
from dust_model.training.conditioning import Conditioner

ROBOT = RobotSpec(views=("side",), joint_names=("a", "b"), horizon=4)


@pytest.fixture(scope="module")
def eagle(micro):
    torch.manual_seed(0)
    return Eagle(micro().vision_language).eval()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return Batch(
        views_pixels=torch.rand(3, 1, 3, 56, 56, generator=generator),
        instructions=["pick", "place the red cube into the drawer", "pick"],
        state=torch.rand(3, 3, generator=generator),
        actions=torch.rand(3, 4, 3, generator=generator),
        action_mask=torch.ones(3, 4, 3, dtype=torch.bool),
        future_pixels=torch.rand(3, 3, 56, 56, generator=generator),
        embodiment=torch.zeros(3, dtype=torch.int64),
        keys=["a", "b", "c"],
    )


@pytest.fixture
def make(eagle, micro):
    def build(*, trained=False, **head):
        return Conditioner(
            eagle,
            build_tokenizer(eagle.config),
            ROBOT,
            micro(**head).head,
            trained=trained,
        )

    return build


def test_hidden_states_are_those_before_the_projection(make, eagle, batch):
    example = make()(batch)
    prompted = make(trained=True)(batch)
    assert example.prompted is None
    assert prompted.hidden is None
    features = eagle(*prompted.prompted, prompted.mask).features
    projected = eagle.projection(example.hidden)
    real = example.mask
    assert torch.equal(real, prompted.mask)
    torch.testing.assert_close(projected[real], features[real], atol=1e-5, rtol=1e-4)


def test_a_sample_does_not_depend_on_its_neighbours(make, batch):
    together = make()(batch)
    one = replace(
        batch,
        views_pixels=batch.views_pixels[:1],
        instructions=batch.instructions[:1],
        state=batch.state[:1],
        actions=batch.actions[:1],
        action_mask=batch.action_mask[:1],
        future_pixels=batch.future_pixels[:1],
        embodiment=batch.embodiment[:1],
        keys=batch.keys[:1],
    )
    alone = make()(one)
    real = together.hidden[0][together.mask[0]]
    torch.testing.assert_close(real, alone.hidden[0], atol=1e-5, rtol=1e-4)


def test_columns_are_padded_and_masked(make, batch):
    example = make()(batch)
    assert example.state.shape == (3, 8)
    assert example.actions.shape == example.action_mask.shape == (3, 4, 8)
    assert example.action_mask[..., :3].all()
    assert not example.action_mask[..., 3:].any()
    assert not example.state[:, 3:].any()


def test_the_target_is_standardised_unless_told_otherwise(make, eagle, batch):
    raw = eagle.embed(batch.future_pixels).detach()
    scale = ChannelStatistics(mean=(0.5,) * 32, std=(2.0,) * 32)
    for target, expected in (
        (TargetScale.STANDARDISE, (raw - 0.5) / 2),
        (TargetScale.RAW, raw),
    ):
        conditioner = make(target_scale=target)
        conditioner.set_scale(scale)
        torch.testing.assert_close(conditioner(batch).embedding, expected)


def test_only_who_learns_from_the_future_needs_it(make, batch):
    blind = replace(batch, future_pixels=None)
    example = make(architecture=Architecture.GROOT_N1)(blind)
    assert not example.embedding.any()
    with pytest.raises(ValueError, match="no future views, which a head of architecture dust"):
        make()(blind)


def test_encoded_samples_give_the_same_example(make, batch):
    conditioner = make()
    rows, now = conditioner.encode(batch.views_pixels, batch.instructions)
    assert [len(row) for row in rows] == make()(batch).mask.sum(1).tolist()
    _, future = conditioner.encode(batch.future_pixels[:, None], batch.instructions)
    encoded = replace(
        batch, views_pixels=None, future_pixels=None, hidden=rows, future_embedding=future
    )
    pictured, kept = conditioner(batch), conditioner(encoded)
    assert torch.equal(kept.mask, pictured.mask)
    torch.testing.assert_close(kept.hidden[kept.mask], pictured.hidden[pictured.mask])
    torch.testing.assert_close(kept.embedding, pictured.embedding)
    assert not torch.equal(now, future)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embodiment": torch.tensor([0, 5, 0])}, "embodiment 5, the head only 1 slots"),
        ({"state": torch.zeros(3, 9)}, "9 state columns, the head only 8: set head.state_dim"),
        ({"actions": torch.zeros(3, 4, 9)}, "9 action columns, the head only 8"),
    ],
)
def test_mistakes(make, batch, change, message):
    with pytest.raises(ValueError, match=message):
        make()(replace(batch, **change))
