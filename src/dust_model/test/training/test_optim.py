from itertools import pairwise

import pytest
import torch
from torch import nn

from dust_model.eagle import Eagle
from dust_model.training.optim import OptimizerConfig, build_optimizer, decays, rate_at


def test_the_rate_rises_for_five_percent_and_falls_like_a_cosine():
    config = OptimizerConfig()
    rates = [rate_at(config, step, steps=1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-4 / 50)
    assert rates[49] == pytest.approx(1e-4)
    assert rates[50] == pytest.approx(1e-4)
    assert rates[525] == pytest.approx(0.5e-4, rel=1e-6)
    assert 0 < rates[-1] < 1e-9
    assert all(a < b for a, b in pairwise(rates[:50]))
    assert all(a >= b for a, b in pairwise(rates[50:]))


def test_the_rate_ends_where_it_is_told_to():
    config = OptimizerConfig(warmup=0.0, final_rate=0.1)
    assert rate_at(config, 10_000, steps=10_000) == pytest.approx(1e-5)


def test_a_run_of_one_step_learns():
    assert rate_at(OptimizerConfig(), 0, steps=1) == 1e-4


def test_weights_decay_and_biases_and_norms_do_not(micro, build_head):
    eagle = Eagle(micro().vision_language)
    module = nn.ModuleDict({"eagle": eagle, "head": build_head(micro(action_positions="learned"))})
    module.requires_grad_(True)
    decayed = decays(module)
    assert decayed["head.action_codec.positions"]
    assert decayed["head.action_codec.action_1.W"]
    assert decayed["eagle.projection.weight"]
    for name, value in decayed.items():
        if name.endswith((".bias", ".b")) or "norm" in name:
            assert not value, name
    assert sum(not value for value in decayed.values()) > 50


def test_the_optimizer_has_the_papers_numbers(micro, build_head):
    head = build_head(micro()).requires_grad_(True)
    head.vision_codec.requires_grad_(False)
    optimizer = build_optimizer(head, OptimizerConfig())
    assert isinstance(optimizer, torch.optim.AdamW)
    decayed, rest = optimizer.param_groups
    assert (decayed["weight_decay"], rest["weight_decay"]) == (1e-5, 0)
    for group in (decayed, rest):
        assert (group["lr"], group["betas"], group["eps"]) == (1e-4, (0.95, 0.999), 1e-8)
    trained = [weight for weight in head.parameters() if weight.requires_grad]
    assert len(decayed["params"]) + len(rest["params"]) == len(trained)


@pytest.mark.parametrize(
    ("field", "value"), [("learning_rate", 0.0), ("warmup", 1.0), ("clip", -1.0), ("beta1", 1.0)]
)
def test_mistakes(field, value):
    with pytest.raises(ValueError, match=f"{field} must .* got {value}"):
        OptimizerConfig(**{field: value})
