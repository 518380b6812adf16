import pytest
import torch
from torch.nn import functional as F

from dust_model.attention import KeyValue
from dust_model.blocks import AdaLN, DualHalf, StreamBlock, StreamOutput

BATCH, TOKENS = 2, 5


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def config(micro):
    return micro(dropout=0.5).head


@pytest.fixture
def x(config):
    return torch.randn(BATCH, TOKENS, config.width)


@pytest.fixture
def features(config):
    return torch.randn(BATCH, 7, config.width)


def attention(layer, config, query, context):
    """Restate multi-head attention by explicit softmax."""
    q, k, v = layer.to_q(query), layer.to_k(context), layer.to_v(context)
    q, k, v = (t.unflatten(-1, (config.heads, -1)).transpose(1, 2) for t in (q, k, v))
    weights = (q @ k.transpose(-1, -2) / config.head_dim**0.5).softmax(-1)
    return layer.to_out((weights @ v).transpose(1, 2).flatten(2))


def norm(x):
    return F.layer_norm(x, x.shape[-1:])


def draw_adaln(*shape, gated=False):
    """Draw shift, scale and, where wanted, gate: the scale and the parameters made of them."""
    shift, scale, gate = torch.randn(3, *shape)
    return scale, AdaLN.of(shift, scale, gate if gated else None)


def feedforward(layer, x):
    return layer.fall(F.gelu(layer.rise(x), approximate="tanh"))


@pytest.mark.parametrize("cross", [True, False])
def test_dit_block_is_groots(config, x, features, cross):
    block = StreamBlock(config, cross=cross).eval()
    x = 0.003 * x  # small enough to tell eps 1e-5 from the output's 1e-6
    scale, modulation = draw_adaln(BATCH, 1, config.width)
    context = block.attention.key_value(features) if cross else None
    modulated = norm(x) * (1 + scale) + modulation.shift
    expected = x + attention(block.attention, config, modulated, features if cross else modulated)
    expected = expected + feedforward(block.feedforward, norm(expected))
    torch.testing.assert_close(block(x, modulation, context, None), expected, atol=1e-5, rtol=1e-5)


def test_cross_half_is_adaln_zero(config, x, features):
    half = DualHalf(config, joint=False, cross=True).eval()
    a_scale, of_cross = draw_adaln(BATCH, 1, config.width, gated=True)
    f_scale, of_feedforward = draw_adaln(BATCH, 1, config.width, gated=True)
    mixed = attention(half.cross, config, norm(x) * (1 + a_scale) + of_cross.shift, features)
    expected = x + of_cross.gate * mixed
    raised = norm(expected) * (1 + f_scale) + of_feedforward.shift
    expected = expected + of_feedforward.gate * feedforward(half.feedforward, raised)
    actual = half.advance(x, (of_cross, of_feedforward), half.cross.key_value(features), None)
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


def test_one_level_for_all_is_a_vector_and_means_the_same(config, x, features):
    half = DualHalf(config, joint=True, cross=True).eval()
    torch.nn.init.normal_(half.modulation.weight, std=0.3)
    embedding = torch.randn(1, 1, config.width)
    shared, each = half.modulate(embedding), half.modulate(embedding.expand(BATCH, -1, -1))
    assert [(len(shared), part.ndim) for part in shared[0]] == [(3, 1)] * 3
    assert all(part.shape == (BATCH, 1, config.width) for part in each[0])
    context = half.cross.key_value(features)
    ends = [half.advance(x, modulation, context, None) for modulation in (shared, each)]
    torch.testing.assert_close(*ends, atol=1e-5, rtol=1e-5)


def test_parts_of_a_half_are_shift_scale_and_gate_of_each_sub_layer(config):
    half = DualHalf(config, joint=True, cross=True)
    torch.nn.init.normal_(half.modulation.weight)
    embedding = torch.randn(BATCH, TOKENS, config.width)
    found = torch.cat([torch.cat(part, -1) for part in half.modulate(embedding)], -1)
    expected = half.modulation(embedding).unflatten(-1, (3, 3, -1)).clone()
    expected[:, :, :, 1] += 1
    assert torch.equal(found, expected.flatten(2))


@pytest.mark.parametrize(("kind", "first"), [(StreamBlock, "gain"), (StreamOutput, "shift")])
def test_groots_two_parts_stand_in_its_order(config, kind, first):
    layer = kind(config, cross=True) if kind is StreamBlock else kind(config)
    embedding = torch.randn(BATCH, 1, config.width)
    half = layer.modulation(embedding)[..., : config.width]
    found = getattr(layer.modulate(embedding), first)
    assert torch.equal(found, half + (first == "gain"))


@pytest.mark.parametrize(("joint", "cross", "chunks"), [(1, 0, 6), (0, 1, 6), (1, 1, 9)])
def test_chunks_per_half(config, joint, cross, chunks):
    half = DualHalf(config, joint=bool(joint), cross=bool(cross))
    assert half.modulation.out_features == chunks * config.width


def test_a_fresh_half_changes_nothing(config, x, features):
    """AdaLN-Zero: all gates start closed."""
    half = DualHalf(config, joint=True, cross=True).eval()
    modulation = half.modulate(torch.randn(BATCH, 1, config.width))
    projected = half.project(x, modulation)
    both = KeyValue(projected.keys, projected.values)
    after = half.absorb(x, modulation, projected.queries, both)
    after = half.advance(after, modulation, half.cross.key_value(features), None)
    assert torch.equal(after, x)


def test_modulation_may_differ_from_token_to_token(config, x, features):
    half = DualHalf(config, joint=False, cross=True).eval()
    context = half.cross.key_value(features)
    per_token = [draw_adaln(1, TOKENS, config.width, gated=True)[1] for _ in range(2)]
    together = half.advance(x, per_token, context, None)
    for token in range(TOKENS):
        of_token = [AdaLN(*(part[:, token : token + 1] for part in norm)) for norm in per_token]
        alone = half.advance(x, of_token, context, None)
        torch.testing.assert_close(together[:, token], alone[:, token], atol=1e-5, rtol=1e-5)


def test_masked_context_is_not_seen(config, x, features):
    block = StreamBlock(config, cross=True).eval()
    _, modulation = draw_adaln(1, 1, config.width)
    mask = torch.ones(BATCH, 1, 1, 7, dtype=torch.bool)
    mask[..., :3] = False
    seen = block(x, modulation, block.attention.key_value(features), mask)
    features = features.clone()
    features[:, :3] = 100.0
    again = block(x, modulation, block.attention.key_value(features), mask)
    torch.testing.assert_close(seen, again, atol=1e-5, rtol=1e-5)


def test_one_context_serves_a_batch(config, x, features):
    block = StreamBlock(config, cross=True).eval()
    _, modulation = draw_adaln(1, 1, config.width)
    shared = block.attention.key_value(features[:1])
    repeated = block.attention.key_value(features[:1].expand(BATCH, -1, -1))
    torch.testing.assert_close(
        block(x, modulation, shared, None), block(x, modulation, repeated, None)
    )


def test_output_scales_and_shifts_with_its_own_eps(config, x):
    output = StreamOutput(config).eval()
    x = 0.003 * x  # small enough to tell eps 1e-6 from the blocks' 1e-5
    scale, modulation = draw_adaln(BATCH, 1, config.width)
    normed = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    expected = output.projection(normed * (1 + scale) + modulation.shift)
    torch.testing.assert_close(output(x, modulation), expected, atol=1e-5, rtol=1e-5)


def test_dropout_only_in_training(config, x, features):
    block = StreamBlock(config, cross=True)
    _, modulation = draw_adaln(1, 1, config.width)
    context = block.attention.key_value(features)
    assert not torch.equal(block(x, modulation, context, None), block(x, modulation, context, None))
    block.eval()
    assert torch.equal(block(x, modulation, context, None), block(x, modulation, context, None))
