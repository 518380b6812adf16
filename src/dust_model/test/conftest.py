"""Fixtures: a micro model for what needs no size, and the untrained tiny checkpoint, loaded."""

import pytest
import torch
from torch import nn

from dust_model.blocks import DualHalf
from dust_model.checkpoint import Checkpoint
from dust_model.codecs import EmbodimentLinear
from dust_model.config import HeadConfig, ModelConfig, VisionLanguageConfig
from dust_model.head import Head
from dust_model.variants import build_head as build_variant

MICRO_LANGUAGE = VisionLanguageConfig(
    image_size=56,
    vision_width=32,
    vision_layers=2,
    vision_heads=2,
    vision_mlp=64,
    text_width=48,
    text_layers=2,
    text_heads=2,
    text_mlp=64,
    vocab_size=600,
    image_token_id=598,
    feature_width=32,
)
MICRO_HEAD = {
    "heads": 2,
    "head_dim": 16,
    "dual_blocks": 4,
    "stream_blocks": 2,
    "output_width": 24,
    "state_dim": 8,
    "action_dim": 8,
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def micro():
    """Return a function that makes a micro configuration, head fields overridden by keyword."""

    def make(**head):
        return ModelConfig(vision_language=MICRO_LANGUAGE, head=HeadConfig(**MICRO_HEAD | head))

    return make


@pytest.fixture(scope="session")
def build_head():
    """Return a function that builds a head in eval mode with every weight random and felt.

    AdaLN-Zero starts with closed gates, and the action codec with small weights: behind them
    nothing could be tested.
    """

    def build(config: ModelConfig, *, seed: int = 0, horizon: int = 16) -> Head:
        torch.manual_seed(seed)
        head = build_variant(config, horizon=horizon).eval().requires_grad_(False)
        for module in head.modules():
            if isinstance(module, DualHalf):
                nn.init.normal_(module.modulation.weight, std=0.02)
                nn.init.normal_(module.modulation.bias, std=0.5)
            if isinstance(module, EmbodimentLinear):
                nn.init.normal_(module.W, std=module.W.shape[1] ** -0.5)
        return head

    return build


@pytest.fixture(scope="session")
def inputs():
    """Return what a micro head's `forward` takes, a batch of three; tau_vision differs."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    return {
        "actions_BKA": draw(3, 16, 8),
        "embedding_BOV": draw(3, 4, MICRO_LANGUAGE.vision_width),
        "state_BS": draw(3, 8),
        "features_BTD": draw(3, 9, MICRO_LANGUAGE.feature_width),
        "tau_action": torch.rand(3, 1, generator=generator),
        "tau_vision": torch.rand(3, 1, generator=generator),
    }


@pytest.fixture(scope="session")
def nvidia_weights():
    """Return a function that draws weights with the names that NVIDIA's checkpoints have.

    Names and shapes are written down here once more, without the modules that load them. The
    prefix is GR00T-N1-2B's; only that one has the projection and an action head like ours.
    """

    def draw(config: ModelConfig, *, prefix="backbone.model.", seed: int = 0):
        generator = torch.Generator().manual_seed(seed)
        shapes = _backbone_shapes(config.vision_language, prefix)
        if prefix == "backbone.model.":
            c = config.vision_language
            shapes |= _linear("backbone.linear", c.text_width, c.feature_width)
            shapes |= _action_head_shapes(config.head)
        state = {}
        for name, shape in shapes.items():
            value = torch.randn(shape, generator=generator)
            inputs = shape[-2] if name.endswith(".W") else shape[1:].numel()
            state[name] = 0.3 * value if len(shape) == 1 else value * inputs**-0.5
            if "norm" in name and name.endswith("weight") and len(shape) == 1:
                state[name] += 1
        return state

    return draw


def _linear(name, inputs, outputs):
    return {f"{name}.weight": torch.Size((outputs, inputs)), f"{name}.bias": torch.Size((outputs,))}


def _norm(name, width):
    return {f"{name}.weight": torch.Size((width,)), f"{name}.bias": torch.Size((width,))}


def _backbone_shapes(c: VisionLanguageConfig, prefix: str):
    tower, text = f"{prefix}vision_model.vision_model", f"{prefix}language_model.model"
    width, patch = c.vision_width, c.patch_size
    shapes = {
        f"{tower}.embeddings.patch_embedding.weight": torch.Size((width, 3, patch, patch)),
        f"{tower}.embeddings.patch_embedding.bias": torch.Size((width,)),
        f"{tower}.embeddings.position_embedding.weight": torch.Size((c.grid**2, width)),
        f"{text}.embed_tokens.weight": torch.Size((c.vocab_size, c.text_width)),
        f"{text}.norm.weight": torch.Size((c.text_width,)),
    }
    for i in range(c.vision_layers):
        at = f"{tower}.encoder.layers.{i}"
        shapes |= _norm(f"{at}.layer_norm1", width) | _norm(f"{at}.layer_norm2", width)
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{at}.self_attn.{part}", width, width)
        shapes |= _linear(f"{at}.mlp.fc1", width, c.vision_mlp)
        shapes |= _linear(f"{at}.mlp.fc2", c.vision_mlp, width)
    shapes |= _norm(f"{tower}.post_layernorm", width)
    for i in range(c.text_layers):
        shapes |= _text_layer_shapes(c, f"{text}.layers.{i}")
    if not c.pixel_shuffle:
        return shapes | _linear(f"{prefix}mlp1.0", width, c.text_width)
    shapes |= _norm(f"{prefix}mlp1.0", 4 * width)
    shapes |= _linear(f"{prefix}mlp1.1", 4 * width, c.text_width)
    return shapes | _linear(f"{prefix}mlp1.3", c.text_width, c.text_width)


def _text_layer_shapes(c: VisionLanguageConfig, at: str):
    w, m, dim = c.text_width, c.text_mlp, c.text_head_dim or c.text_width // c.text_heads
    rows = {"q": c.text_heads * dim, "k": (c.text_kv_heads or c.text_heads) * dim}
    rows["v"] = rows["k"]
    shapes = {f"{at}.self_attn.{p}_proj.weight": torch.Size((n, w)) for p, n in rows.items()}
    shapes[f"{at}.self_attn.o_proj.weight"] = torch.Size((w, rows["q"]))
    if c.text_family == "qwen2":
        shapes |= {f"{at}.self_attn.{p}_proj.bias": torch.Size((n,)) for p, n in rows.items()}
    if c.text_family == "qwen3":
        shapes |= {f"{at}.self_attn.{p}_norm.weight": torch.Size((dim,)) for p in "qk"}
    shapes |= {f"{at}.mlp.{p}_proj.weight": torch.Size((m, w)) for p in ("gate", "up")}
    shapes[f"{at}.mlp.down_proj.weight"] = torch.Size((w, m))
    for part in ("input_layernorm", "post_attention_layernorm"):
        shapes[f"{at}.{part}.weight"] = torch.Size((w,))
    return shapes


def _action_head_shapes(c: HeadConfig):
    width, inner, slots = c.width, c.output_width, c.embodiments
    dit = "action_head.model"
    time = f"{dit}.timestep_encoder.timestep_embedder"
    shapes = _linear(f"{time}.linear_1", 256, width) | _linear(f"{time}.linear_2", width, width)
    for i in range(c.dual_blocks + c.stream_blocks):
        at = f"{dit}.transformer_blocks.{i}"
        shapes |= _linear(f"{at}.norm1.linear", width, 2 * width)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            shapes |= _linear(f"{at}.attn1.{part}", width, width)
        shapes |= _linear(f"{at}.ff.net.0.proj", width, 4 * width)
        shapes |= _linear(f"{at}.ff.net.2", 4 * width, width)
    shapes |= _linear(f"{dit}.proj_out_1", width, 2 * width)
    shapes |= _linear(f"{dit}.proj_out_2", width, inner)
    sizes = {
        "state_encoder.layer1": (c.state_dim, inner),
        "state_encoder.layer2": (inner, width),
        "action_encoder.W1": (c.action_dim, width),
        "action_encoder.W2": (2 * width, width),
        "action_encoder.W3": (width, width),
        "action_decoder.layer1": (inner, inner),
        "action_decoder.layer2": (inner, c.action_dim),
    }
    for name, (inputs, outputs) in sizes.items():
        shapes[f"action_head.{name}.W"] = torch.Size((slots, inputs, outputs))
        shapes[f"action_head.{name}.b"] = torch.Size((slots, outputs))
    shapes["action_head.position_embedding.weight"] = torch.Size((c.learned_positions, width))
    return shapes


@pytest.fixture(scope="session")
def tiny(tiny_checkpoint):
    return Checkpoint.load(tiny_checkpoint)
