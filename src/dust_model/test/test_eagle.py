"""Eagle against an independent re-statement of its formulas, and its size."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from dust_model.config import EAGLE2_1B, EAGLE2_2B, N1
from dust_model.config import GROOT_N1_5 as GROOT_N1_5_LANGUAGE
from dust_model.eagle import Eagle, pool_patches
from dust_model.nvidia import NvidiaWeights


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def eagle(micro):
    torch.manual_seed(0)
    return Eagle(micro().vision_language).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def prompt(eagle):
    return picture_prompt(eagle.config)


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
    """Row-major 2x2 space-to-depth, LayerNorm, Linear, GELU(erf), Linear; or one Linear."""
    if not config.pixel_shuffle:
        return F.linear(patches, w["weight"], w["bias"])
    batch, _, width = patches.shape
    half = config.grid // 2
    x = patches.reshape(batch, half, 2, half, 2, width).permute(0, 1, 3, 2, 4, 5)
    x = x.reshape(batch, half * half, 4 * width)
    x = F.layer_norm(x, x.shape[-1:], w["layer_norm.weight"], w["layer_norm.bias"])
    x = F.gelu(F.linear(x, w["linear_1.weight"], w["linear_1.bias"]))
    return F.linear(x, w["linear_2.weight"], w["linear_2.bias"])


def language(w, config, x):
    """RMSNorm, rotary attention, SwiGLU, final norm; biases or norms on q and k as w has them."""
    eps = 1e-5 if config.text_family == "llama" else 1e-6

    def norm(x, name):
        return x * (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt() * w[f"{name}.weight"]

    length, width = x.shape[1], config.text_head_dim or config.text_width // config.text_heads
    groups = config.text_heads // (config.text_kv_heads or config.text_heads)
    rates = config.rope_theta ** (-torch.arange(0, width, 2) / width)
    angles = (torch.arange(length)[:, None] * rates).repeat(1, 2)[:, None]

    def project(x, name):
        y = F.linear(x, w[f"{name}_proj.weight"], w.get(f"{name}_proj.bias"))
        y = y.unflatten(-1, (-1, width))
        y = norm(y, f"{name}_norm") if f"{name}_norm.weight" in w else y
        return y if name.endswith("q") else y.repeat_interleave(groups, 2)

    def rotate(y):
        turned = torch.cat((-y[..., width // 2 :], y[..., : width // 2]), -1)
        return y * angles.cos() + turned * angles.sin()

    past = torch.ones(length, length, dtype=torch.bool).tril()
    for i in range(config.text_layers):
        at = f"layers.{i}"
        y = norm(x, f"{at}.input_layernorm")
        q, k, v = (project(y, f"{at}.self_attn.{p}") for p in "qkv")
        parts = (part.flatten(2) for part in (rotate(q), rotate(k), v))
        y = attend(*parts, config.text_heads, past)
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
    words = part(eagle, "language_model")
    x = words["embed_tokens.weight"][ids]
    x[ids == eagle.config.image_token_id] = images.flatten(0, 1)
    hidden = language(words, eagle.config, x)
    expected = F.linear(hidden, eagle.projection.weight, eagle.projection.bias)
    torch.testing.assert_close(output.patches.flatten(0, 1), patches, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.features, expected, atol=1e-5, rtol=1e-5)


GROOT_N1 = ("backbone.model.", {})
EAGLE2 = ("", {"text_family": "qwen2", "text_heads": 4, "text_kv_heads": 2})
GROOT_N1_5 = (
    "backbone.eagle_model.",
    {"text_family": "qwen3", "text_kv_heads": 1, "text_head_dim": 20, "pixel_shuffle": False},
)


def resized(config, **changes):
    return replace(config, vision_language=replace(config.vision_language, **changes))


def picture_prompt(config):
    """Return two prompts of two views each, and their pixels."""
    image = [config.image_token_id] * config.tokens_per_view
    ids = torch.tensor([[5, 6, *image, 7, *image, 8, 9, 10]] * 2)
    ids[1, -3:] = torch.tensor([11, 12, 13])
    generator = torch.Generator().manual_seed(1)
    shape = (2, 2, 3, config.image_size, config.image_size)
    return ids, torch.rand(shape, generator=generator) * 2 - 1


@pytest.mark.parametrize(("prefix", "changes"), [GROOT_N1, EAGLE2, GROOT_N1_5])
def test_nvidias_names_load_and_give_eagles_formula(
    micro, nvidia_weights, tmp_path, prefix, changes
):
    """Every weight of the backbone, by NVIDIA's own names, from a file to the features."""
    config = resized(micro(architecture="groot_n1", action_positions="learned"), **changes)
    sizes = config.vision_language
    theirs = nvidia_weights(config, prefix=prefix)
    save_file(theirs, tmp_path / "model.safetensors")
    ids, pixels = picture_prompt(sizes)
    loaded = NvidiaWeights.open(tmp_path, config).backbone().eval()
    with torch.inference_mode():
        output = loaded(ids, pixels)

    def under(name):
        start = f"{prefix}{name}."
        return {n.removeprefix(start): v for n, v in theirs.items() if n.startswith(start)}

    patches = siglip(under("vision_model.vision_model"), sizes, pixels.flatten(0, 1))
    names = {"0": "layer_norm.", "1": "linear_1.", "3": "linear_2."}
    names = names if sizes.pixel_shuffle else {"0": ""}
    mlp = {f"{names[name[0]]}{name[2:]}": value for name, value in under("mlp1").items()}
    words = under("language_model.model")
    x = words["embed_tokens.weight"][ids]
    x[ids == sizes.image_token_id] = projector(mlp, sizes, patches).flatten(0, 1)
    linear = loaded.projection.state_dict()
    if prefix == GROOT_N1[0]:
        linear = {name: theirs[f"backbone.linear.{name}"] for name in linear}
    expected = F.linear(language(words, sizes, x), linear["weight"], linear["bias"])
    torch.testing.assert_close(output.patches.flatten(0, 1), patches, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.features, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "tower", "words"),
    [
        # Qwen2.5-0.5B and 1.5B have 494,032,768 and 1,543,714,304 weights with 151,936 words.
        (EAGLE2_1B, 413_327_088, 494_032_768 - 262 * 896),
        (EAGLE2_2B, 413_327_088, 1_543_714_304 - 262 * 1536),
        # Qwen3-1.7B has 1,720,574,976 with 28 layers and 151,936 words; 16 layers are dropped.
        (GROOT_N1_5_LANGUAGE, 412_442_352, 1_720_574_976 - 256 * 2048 - 16 * 50_336_000),
    ],
)
def test_parameter_counts_of_the_other_eagles(sizes, tower, words):
    with torch.device("meta"):
        eagle = Eagle(sizes)
    assert sizes.tokens_per_view == 256
    assert count(eagle.model.vision_tower) == tower
    assert count(eagle.model.language_model) == words


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
