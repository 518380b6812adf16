"""Eagle against an independent re-statement of its formulas, and its size."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dust_model.config import N1
from dust_model.eagle import Eagle, pool_patches


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def eagle(micro):
    torch.manual_seed(0)
    return Eagle(micro().vision_language).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def prompt(eagle):
    config = eagle.config
    generator = torch.Generator().manual_seed(1)
    image = [config.image_token_id] * config.tokens_per_view
    ids = torch.tensor([[5, 6, *image, 7, *image, 8, 9, 10]] * 2)
    ids[1, -3:] = torch.tensor([11, 12, 13])
    size = config.image_size
    return ids, torch.rand(2, 2, 3, size, size, generator=generator) * 2 - 1


def test_parameter_counts_of_n1():
    with torch.device("meta"):
        eagle = Eagle(N1.vision_language)
    assert count(eagle.model.vision_tower) == 412_442_352
    assert count(eagle) == 1_335_279_856


def heads(x, number):
    return x.unflatten(-1, (number, -1)).transpose(1, 2)


def attend(q, k, v, number, mask=None):
    q, k, v = (heads(x, number) for x in (q, k, v))
    weights = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if mask is not None:
        weights = weights.masked_fill(~mask, float("-inf"))
    return (weights.softmax(-1) @ v).transpose(1, 2).flatten(2)


def siglip(w, config, pixels):
    """Pre-norm ViT: patches + learned positions, GELU(tanh) MLP, final LayerNorm."""
    width = config.vision_width

    def norm(x, name):
        return F.layer_norm(x, (width,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)

    def linear(x, name):
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    patch = "embeddings.patch_embedding"
    x = F.conv2d(pixels, w[f"{patch}.weight"], w[f"{patch}.bias"], stride=config.patch_size)
    x = x.flatten(2).transpose(1, 2) + w["embeddings.position_embedding.weight"]
    for i in range(config.vision_layers):
        at = f"encoder.layers.{i}"
        y = norm(x, f"{at}.layer_norm1")
        q, k, v = (linear(y, f"{at}.self_attn.{p}_proj") for p in "qkv")
        x = x + linear(attend(q, k, v, config.vision_heads), f"{at}.self_attn.out_proj")
        y = F.gelu(linear(norm(x, f"{at}.layer_norm2"), f"{at}.mlp.fc1"), approximate="tanh")
        x = x + linear(y, f"{at}.mlp.fc2")
    return norm(x, "post_layernorm")


def projector(w, config, patches):
    """Row-major 2x2 space-to-depth, LayerNorm, Linear, GELU(erf), Linear."""
    batch, _, width = patches.shape
    half = config.grid // 2
    x = patches.reshape(batch, half, 2, half, 2, width).permute(0, 1, 3, 2, 4, 5)
    x = x.reshape(batch, half * half, 4 * width)
    x = F.layer_norm(x, x.shape[-1:], w["layer_norm.weight"], w["layer_norm.bias"])
    x = F.gelu(F.linear(x, w["linear_1.weight"], w["linear_1.bias"]))
    return F.linear(x, w["linear_2.weight"], w["linear_2.bias"])


def llama(w, config, x):
    """RMSNorm, rotary attention without biases, SwiGLU, final norm."""

    def norm(x, name):
        return x * (x.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt() * w[f"{name}.weight"]

    length, width = x.shape[1], config.text_width // config.text_heads
    rates = config.rope_theta ** (-torch.arange(0, width, 2) / width)
    angles = (torch.arange(length)[:, None] * rates).repeat(1, 2)[:, None]

    def rotate(x):
        y = x.unflatten(-1, (config.text_heads, -1))
        turned = torch.cat((-y[..., width // 2 :], y[..., : width // 2]), -1)
        return (y * angles.cos() + turned * angles.sin()).flatten(2)

    past = torch.ones(length, length, dtype=torch.bool).tril()
    for i in range(config.text_layers):
        at = f"layers.{i}"
        y = norm(x, f"{at}.input_layernorm")
        q, k, v = (F.linear(y, w[f"{at}.self_attn.{p}_proj.weight"]) for p in "qkv")
        y = attend(rotate(q), rotate(k), v, config.text_heads, past)
        x = x + F.linear(y, w[f"{at}.self_attn.o_proj.weight"])
        y = norm(x, f"{at}.post_attention_layernorm")
        gate, up = (F.linear(y, w[f"{at}.mlp.{p}_proj.weight"]) for p in ("gate", "up"))
        x = x + F.linear(F.silu(gate) * up, w[f"{at}.mlp.down_proj.weight"])
    return norm(x, "norm")


def part(eagle, name):
    return getattr(eagle.model, name).state_dict()


def test_features_are_eagles_formula(eagle, prompt):
    ids, pixels = prompt
    output = eagle(ids, pixels)
    patches = siglip(part(eagle, "vision_tower"), eagle.config, pixels.flatten(0, 1))
    images = projector(part(eagle, "multi_modal_projector"), eagle.config, patches)
    language = part(eagle, "language_model")
    x = language["embed_tokens.weight"][ids]
    x[ids == eagle.config.image_token_id] = images.flatten(0, 1)
    hidden = llama(language, eagle.config, x)
    expected = F.linear(hidden, eagle.projection.weight, eagle.projection.bias)
    torch.testing.assert_close(output.patches.flatten(0, 1), patches, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.features, expected, atol=1e-5, rtol=1e-5)


def test_left_padding_changes_nothing(eagle, prompt):
    ids, pixels = prompt
    padded = F.pad(ids, (4, 0), value=eagle.config.pad_token_id)
    mask = F.pad(torch.ones_like(ids, dtype=torch.bool), (4, 0), value=False)
    plain, shifted = eagle(ids, pixels), eagle(padded, pixels, mask)
    torch.testing.assert_close(shifted.features[:, 4:], plain.features, atol=1e-5, rtol=1e-5)


def test_later_tokens_do_not_change_earlier_features(eagle, prompt):
    ids, pixels = prompt
    features = eagle(ids, pixels[:1].expand(2, -1, -1, -1, -1)).features
    torch.testing.assert_close(features[0, :-3], features[1, :-3], atol=1e-6, rtol=1e-6)
    assert (features[0, -3:] - features[1, -3:]).abs().max() > 0.1


def test_pooling_averages_two_by_two():
    grid = torch.arange(16.0).reshape(1, 16, 1)
    rows = grid.reshape(4, 4)
    expected = [rows[i : i + 2, j : j + 2].mean().item() for i in (0, 2) for j in (0, 2)]
    assert pool_patches(grid).flatten().tolist() == expected


def test_embed_is_the_pooled_tower(eagle, prompt):
    ids, pixels = prompt
    expected = pool_patches(eagle(ids, pixels).patches)[:, 1]
    torch.testing.assert_close(eagle.embed(pixels[:, 1]), expected, atol=1e-6, rtol=1e-6)


def test_the_projection_alone_can_learn(eagle, prompt):
    ids, pixels = prompt
    eagle.projection.requires_grad_(True)
    try:
        eagle(ids, pixels).features.sum().backward()
        assert eagle.projection.weight.grad.abs().sum() > 0
    finally:
        eagle.projection.requires_grad_(False).zero_grad()
