import pytest
import torch
from torch.nn import functional as F

from dust_model.attention import KeyValue
from dust_model.blocks import DualHalf, StreamBlock, StreamOutput

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


def feedforward(layer, x):
    return layer.fall(F.gelu(layer.rise(x), approximate="tanh"))


@pytest.mark.parametrize("cross", [True, False])
def test_dit_block_is_groots(config, x, features, cross):
    block = StreamBlock(config, cross=cross).eval()
    x = 0.003 * x  # small enough to tell eps 1e-5 from the output's 1e-6
    modulation = torch.randn(BATCH, 1, 2 * config.width)
    context = block.attention.key_value(features) if cross else None
    scale, shift = modulation.chunk(2, -1)
    modulated = norm(x) * (1 + scale) + shift
    expected = x + attention(block.attention, config, modulated, features if cross else modulated)
    expected = expected + feedforward(block.feedforward, norm(expected))
    torch.testing.assert_close(block(x, modulation, context, None), expected, atol=1e-5, rtol=1e-5)


def test_cross_half_is_adaln_zero(config, x, features):
    half = DualHalf(config, joint=False, cross=True).eval()
    modulation = torch.randn(BATCH, 1, 6 * config.width)
    a_shift, a_scale, a_gate, f_shift, f_scale, f_gate = modulation.chunk(6, -1)
    mixed = attention(half.cross, config, norm(x) * (1 + a_scale) + a_shift, features)
    expected = x + a_gate * mixed
    raised = feedforward(half.feedforward, norm(expected) * (1 + f_scale) + f_shift)
    actual = half.advance(x, modulation, half.cross.key_value(features), None)
    torch.testing.assert_close(actual, expected + f_gate * raised, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("joint", "cross", "chunks"), [(1, 0, 6), (0, 1, 6), (1, 1, 9)])
def test_chunks_per_half(config, joint, cross, chunks):
    half = DualHalf(config, joint=bool(joint), cross=bool(cross))
    assert half.modulation.out_features == chunks * config.width


def test_a_fresh_half_changes_nothing(config, x, features):
    """AdaLN-Zero: all gates start closed."""
    half = DualHalf(config, joint=True, cross=True).eval()
    modulation = half.modulation(torch.randn(BATCH, 1, config.width))
    projected = half.project(x, modulation)
    both = KeyValue(projected.keys, projected.values)
    after = half.absorb(x, modulation, projected.queries, both)
    after = half.advance(after, modulation, half.cross.key_value(features), None)
    assert torch.equal(after, x)


def test_modulation_may_differ_from_token_to_token(config, x, features):
    half = DualHalf(config, joint=False, cross=True).eval()
    context = half.cross.key_value(features)
    per_token = torch.randn(1, TOKENS, 6 * config.width)
    together = half.advance(x, per_token, context, None)
    for token in range(TOKENS):
        alone = half.advance(x, per_token[:, token : token + 1], context, None)
        torch.testing.assert_close(together[:, token], alone[:, token], atol=1e-5, rtol=1e-5)


def test_masked_context_is_not_seen(config, x, features):
    block = StreamBlock(config, cross=True).eval()
    modulation = torch.randn(1, 1, 2 * config.width)
    mask = torch.ones(BATCH, 1, 1, 7, dtype=torch.bool)
    mask[..., :3] = False
    seen = block(x, modulation, block.attention.key_value(features), mask)
    features = features.clone()
    features[:, :3] = 100.0
    again = block(x, modulation, block.attention.key_value(features), mask)
    torch.testing.assert_close(seen, again, atol=1e-5, rtol=1e-5)


def test_one_context_serves_a_batch(config, x, features):
    block = StreamBlock(config, cross=True).eval()
    modulation = torch.randn(1, 1, 2 * config.width)
    shared = block.attention.key_value(features[:1])
    repeated = block.attention.key_value(features[:1].expand(BATCH, -1, -1))
    torch.testing.assert_close(
        block(x, modulation, shared, None), block(x, modulation, repeated, None)
    )


def test_output_shifts_before_it_scales(config, x):
    output = StreamOutput(config).eval()
    x = 0.003 * x  # small enough to tell eps 1e-6 from the blocks' 1e-5
    modulation = torch.randn(BATCH, 1, 2 * config.width)
    shift, scale = modulation.chunk(2, -1)
    expected = output.projection(F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift)
    torch.testing.assert_close(output(x, modulation), expected, atol=1e-5, rtol=1e-5)


def test_dropout_only_in_training(config, x, features):
    block = StreamBlock(config, cross=True)
    modulation = torch.randn(1, 1, 2 * config.width)
    context = block.attention.key_value(features)
    assert not torch.equal(block(x, modulation, context, None), block(x, modulation, context, None))
    block.eval()
    assert torch.equal(block(x, modulation, context, None), block(x, modulation, context, None))
