from itertools import pairwise

import pytest
import torch
from torch import nn

from dust_model.eagle import Eagle
from dust_model.training.optim import (
    OptimizerConfig,
    OptimizerKind,
    build_optimizer,
    decays,
    inner_matrices,
    rate_at,
    set_rate,
)

needs_muon = pytest.mark.skipif(
    not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon came with torch 2.9"
)


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
    ("field", "value"),
    [("learning_rate", 0.0), ("warmup", 1.0), ("clip", -1.0), ("beta1", 1.0), ("momentum", 1.0)],
)
def test_mistakes(field, value):
    with pytest.raises(ValueError, match=f"{field} must .* got {value}"):
        OptimizerConfig(**{field: value})


def muon(**fields):
    return OptimizerConfig(kind=OptimizerKind.MUON, weight_decay=0.1, **fields)


def test_without_muon_one_line_says_so(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    with pytest.raises(ValueError, match=r"optimizer\.kind=muon needs torch 2\.9"):
        muon()


def test_inner_matrices_are_those_of_layers(micro, build_head):
    eagle = Eagle(micro().vision_language).requires_grad_(True)
    eagle.projection.requires_grad_(False)
    head = build_head(micro()).requires_grad_(True)
    names = inner_matrices(nn.ModuleDict({"eagle": eagle, "head": head}))
    shapes = dict(eagle.named_parameters(prefix="eagle"))
    assert "eagle.model.vision_tower.encoder.layers.0.mlp.fc1.weight" in names
    assert any(name.startswith("head.action.halves.0.") for name in names)
    for word in ("embed", "projection", "codec", "bias", "norm"):
        assert not [name for name in names if word in name], word
    assert all(shapes[name].ndim == 2 for name in names if name in shapes)


@needs_muon
def test_muon_turns_a_gradient_into_a_rotation_of_adamws_size():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(24, 64, bias=False))
    before = layers[0].weight.detach().clone()
    optimizer = build_optimizer(layers, muon(learning_rate=1e-2))
    optimizer.param_groups[0]["weight_decay"] = 0.0
    layers[0].weight.grad = torch.randn(64, 24) * 1e-3
    optimizer.step()
    update = (before - layers[0].weight.detach()) / 1e-2
    # 0.2 per number, as AdamW's; all singular values alike, within what five iterations reach.
    assert update.square().mean().sqrt() == pytest.approx(0.2, rel=0.3)
    values = torch.linalg.svdvals(update)
    assert values.max() / values.min() < 2.5
    # The direction is the nearest rotation's, of the polar decomposition.
    left, _, right = torch.linalg.svd(layers[0].weight.grad, full_matrices=False)
    nearest = left @ right
    assert (update * nearest).sum() / (update.norm() * nearest.norm()) > 0.97


@needs_muon
def test_both_kinds_take_their_weights_and_share_a_rate(micro, build_head):
    head = build_head(micro()).requires_grad_(True)
    optimizer = build_optimizer(head, muon(), share=lambda name: 0.5 if "action" in name else 1.0)
    set_rate(optimizer, 1e-3)
    inner = inner_matrices(head)
    names = {id(weight): name for name, weight in head.named_parameters()}
    seen = []
    for group in optimizer.param_groups:
        assert ("momentum" in group) != ("betas" in group)
        for weight in group["params"]:
            name = names[id(weight)]
            seen.append(name)
            assert ("momentum" in group) == (name in inner), name
            assert group["lr"] == pytest.approx(5e-4 if "action" in name else 1e-3), name
            assert group["weight_decay"] == (0.1 if decays(head)[name] else 0.0), name
    assert sorted(seen) == sorted(names.values())


@needs_muon
def test_a_closure_is_refused(build_head, micro):
    optimizer = build_optimizer(build_head(micro()).requires_grad_(True), muon())
    with pytest.raises(ValueError, match="closure"):
        optimizer.step(lambda: 0.0)
