"""NVIDIA's action head by its own names: strict loading, and the formulas restated from them.

What the vision-language part makes of such weights is tested with Eagle's formulas in test_eagle.
"""

import json
import math
import re

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from dust_model.config import Architecture
from dust_model.nvidia import Layout, NvidiaWeights, backbone_name, head_name
from dust_model.sampler import Sampler, draw_noise
from dust_model.schedule import Plan

SLOT = 2


@pytest.fixture(scope="module")
def config(micro):
    return micro(
        architecture="groot_n1",
        action_positions="learned",
        learned_positions=20,
        embodiments=4,
        mask_padding=False,
    )


@pytest.fixture(scope="module")
def theirs(config, nvidia_weights):
    return nvidia_weights(config)


@pytest.fixture(scope="module")
def folder(theirs, tmp_path_factory):
    """Write the weights as two files and an index, as large checkpoints come."""
    return write_shards(theirs, tmp_path_factory.mktemp("nvidia"))


def write_shards(state, folder):
    names = sorted(state)
    half = len(names) // 2
    places = {}
    for number, part in enumerate((names[:half], names[half:]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: state[name].contiguous() for name in part}, folder / file)
        places |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def head(folder, config):
    return NvidiaWeights.open(folder, config).head().eval().requires_grad_(False)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def observation():
    return draw(1, 9, 32, seed=1), draw(1, 8, seed=2)


class Groot:
    """GR00T-N1's action head, restated with NVIDIA's names; no module of ours is used."""

    def __init__(self, state, config, slot):
        prefix = "action_head."
        self.w = {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
        self.heads, self.width, self.slot = config.heads, config.width, slot
        self.layers = config.dual_blocks + config.stream_blocks

    def linear(self, name, x):
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def category(self, name, x):
        return x @ self.w[f"{name}.W"][self.slot] + self.w[f"{name}.b"][self.slot]

    def attention(self, name, x, context):
        q = self.linear(f"{name}.to_q", x)
        k, v = (self.linear(f"{name}.to_{part}", context) for part in "kv")
        out = []
        size = self.width // self.heads
        for i in range(self.heads):
            q_i, k_i, v_i = (part[..., i * size : (i + 1) * size] for part in (q, k, v))
            weights = torch.softmax(q_i @ k_i.transpose(1, 2) / math.sqrt(size), -1)
            out.append(weights @ v_i)
        return self.linear(f"{name}.to_out.0", torch.cat(out, -1))

    def velocity(self, actions, state, features, time):
        bucket = min(int(time * 1000), 999)
        rates = torch.tensor([1e4 ** (-i / 127) for i in range(128)])
        temb = torch.cat((torch.cos(bucket * rates), torch.sin(bucket * rates)))[None]
        embedder = "model.timestep_encoder.timestep_embedder"
        temb = F.silu(self.linear(f"{embedder}.linear_1", temb))
        temb = F.silu(self.linear(f"{embedder}.linear_2", temb))
        x = torch.cat((self.encode_state(state), self.encode_actions(actions, bucket)), 1)
        for i in range(self.layers):
            x = self.block(
                f"model.transformer_blocks.{i}", x, features if i % 2 == 0 else None, temb
            )
        shift, scale = self.linear("model.proj_out_1", temb)[:, None].chunk(2, -1)
        x = F.layer_norm(x, (self.width,), eps=1e-6) * (1 + scale) + shift
        x = self.linear("model.proj_out_2", x)
        x = self.category("action_decoder.layer1", x).clamp_min(0)
        return self.category("action_decoder.layer2", x)[:, -actions.shape[1] :]

    def block(self, name, x, features, temb):
        scale, shift = self.linear(f"{name}.norm1.linear", temb)[:, None].chunk(2, -1)
        normed = F.layer_norm(x, (self.width,)) * (1 + scale) + shift
        x = x + self.attention(f"{name}.attn1", normed, normed if features is None else features)
        raised = self.linear(f"{name}.ff.net.0.proj", F.layer_norm(x, (self.width,)))
        return x + self.linear(f"{name}.ff.net.2", F.gelu(raised, approximate="tanh"))

    def encode_state(self, state):
        x = self.category("state_encoder.layer1", state[:, None]).clamp_min(0)
        return self.category("state_encoder.layer2", x)

    def encode_actions(self, actions, bucket):
        half = self.width // 2
        rates = torch.tensor([1e4 ** (-i / half) for i in range(half)])
        time = torch.cat((torch.sin(bucket * rates), torch.cos(bucket * rates)))
        x = self.category("action_encoder.W1", actions)
        x = torch.cat((x, time.expand(*actions.shape[:2], -1)), -1)
        x = self.category("action_encoder.W2", x)
        x = self.category("action_encoder.W3", x * torch.sigmoid(x))
        return x + self.w["position_embedding.weight"][: actions.shape[1]]

    def sample(self, noise, state, features, steps):
        """Euler, t = i / K."""
        actions = noise
        for i in range(steps):
            actions = actions + self.velocity(actions, state, features, i / steps) / steps
        return actions


@pytest.mark.parametrize("time", [0.0, 0.25, 0.7031, 0.999, 1.0])
def test_velocity_is_groots_formula(head, theirs, config, observation, time):
    features, state = observation
    actions = draw(1, 16, 8)
    expected = Groot(theirs, config.head, SLOT).velocity(actions, state, features, time)
    tau = torch.full((1, 1), time)
    velocity = head(actions, None, state, features, tau_action=tau, tau_vision=None, slot=SLOT)
    assert expected.std() > 0.1
    torch.testing.assert_close(velocity.action, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 4, 10])
def test_sampler_is_groots_euler(head, theirs, config, observation, steps):
    features, state = observation
    noise = draw_noise(head, (3,))
    expected = Groot(theirs, config.head, SLOT).sample(noise.action, state, features, steps)
    actual = Sampler(head).sample(features, state, noise, Plan(steps, 0), slot=SLOT)
    torch.testing.assert_close(actual.action, expected, atol=1e-5, rtol=1e-5)


def test_padding_is_attended_as_in_the_original(head, observation):
    features, state = observation
    mask = torch.arange(9)[None] >= 3
    noise, sampler = draw_noise(head, (3,)), Sampler(head)
    seen = sampler.sample(features, state, noise, Plan(2, 0))
    masked = sampler.sample(features, state, noise, Plan(2, 0), mask_BT=mask)
    assert torch.equal(seen.action, masked.action)


def test_every_name_is_used_once(theirs, folder, config):
    weights = NvidiaWeights.open(folder, config)
    ours = [head_name(name) for name in weights.head().state_dict()]
    ours += [backbone_name(name) for name in weights.backbone().state_dict()]
    assert sorted(ours) == sorted(theirs)
    assert weights.report_head().fits
    assert weights.report_backbone().fits


def test_the_tower_may_be_flat_or_nested():
    """transformers 5 and 4 name the vision tower's weights differently."""
    expected = "backbone.model.vision_model.vision_model.post_layernorm.bias"
    assert backbone_name("model.vision_tower.post_layernorm.bias") == expected
    assert backbone_name("model.vision_tower.vision_model.post_layernorm.bias") == expected
    with pytest.raises(ValueError, match=r"no name for model\.audio_tower\.bias"):
        backbone_name("model.audio_tower.bias")


@pytest.mark.parametrize("layout", [Layout.EAGLE2, Layout.GROOT_N1_5])
def test_what_truncation_drops_is_not_left_over(config, nvidia_weights, tmp_path, layout):
    state = nvidia_weights(config, prefix=layout.value)
    dropped = (
        *("language_model.lm_head.weight", "vision_model.vision_model.head.probe"),
        *("language_model.model.layers.2.mlp.up_proj.weight",),
        *("language_model.model.layers.10.input_layernorm.weight",),
    )
    state |= {f"{layout}{name}": torch.zeros(1) for name in dropped}
    save_file(state, tmp_path / "model.safetensors")
    weights = NvidiaWeights.open(tmp_path, config)
    assert weights.layout is layout
    assert weights.report_backbone().fits
    state[f"{layout}language_model.model.layers.1.other"] = torch.zeros(1)
    save_file(state, tmp_path / "model.safetensors")
    left_over = NvidiaWeights.open(tmp_path, config).report_backbone().left_over
    assert left_over == (f"{layout}language_model.model.layers.1.other",)


def test_a_projection_that_nobody_has_starts_untrained(config, nvidia_weights, tmp_path):
    save_file(nvidia_weights(config, prefix=""), tmp_path / "model.safetensors")
    weights = NvidiaWeights.open(tmp_path, config)
    torch.manual_seed(1)
    first, second = (weights.backbone().projection.weight for _ in range(2))
    bound = config.vision_language.text_width**-0.5
    assert not torch.equal(first, second)
    assert first.abs().max() <= bound
    assert first.std() > 0.4 * bound


def test_differences_are_named_as_nvidia_names_them(theirs, config, tmp_path):
    state = dict(theirs)
    state["action_head.model.proj_out_3.bias"] = torch.zeros(2)
    state["lora.weight"] = torch.zeros(2)
    state["action_head.action_encoder.W1.b"] = torch.zeros(4, 31)
    del state["action_head.model.transformer_blocks.1.attn1.to_out.0.bias"]
    save_file(state, tmp_path / "model.safetensors")
    weights = NvidiaWeights.open(tmp_path, config)
    report = weights.report_head()
    assert report.missing == ("action_head.model.transformer_blocks.1.attn1.to_out.0.bias",)
    assert set(report.left_over) == {"action_head.model.proj_out_3.bias", "lora.weight"}
    assert report.wrong_shape == ("action_head.action_encoder.W1.b [4, 31] instead of [4, 32]",)
    with pytest.raises(ValueError, match=re.escape(str(report))) as error:
        weights.head()
    assert "\n" not in str(error.value)
    assert weights.report_backbone().left_over == ("lora.weight",)
    with pytest.raises(ValueError, match=r"left over: lora\.weight"):
        weights.backbone()


def test_the_wrong_size_is_refused(folder, micro):
    other = micro(
        architecture="groot_n1", action_positions="learned", learned_positions=20, state_dim=9
    )
    with pytest.raises(
        ValueError, match=r"state_encoder\.layer1\.W \[4, 8, 24\] instead of \[1, 9"
    ):
        NvidiaWeights.open(folder, other).head()


def test_only_a_groot_head_takes_nvidias(folder, config):
    dust = config.variant(Architecture.DUST)
    with pytest.raises(ValueError, match="got dust and learned"):
        NvidiaWeights.open(folder, dust).head()
    assert NvidiaWeights.open(folder, dust).report_backbone().fits


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match=f"there are no weights at {tmp_path / 'none'}"):
        NvidiaWeights.open(tmp_path / "none")
