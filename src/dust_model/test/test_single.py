"""What sets the heads with a single stream apart; what all heads share is in test_variants."""

import torch

from dust_model.config import N1, Architecture


def moved(before, after):
    return (before - after).abs().max().item()


def test_decoupled_dit_gives_each_modality_its_own_adaln(micro, build_head, inputs):
    """At one noise level, too: the tokens of each modality have its parameters."""
    head = build_head(micro(architecture="dit_decoupled"))
    level = inputs["tau_action"][:1]
    action, vision = head.condition_action(level), head.condition_vision(level)
    assert moved(action.output.gain, vision.output.gain) > 1e-3
    joined = head.condition(action, vision)
    for index, block in enumerate(joined.blocks):
        for part in ("shift", "gain"):
            both, of_action, of_vision = (
                getattr(norm, part) for norm in (block, action.blocks[index], vision.blocks[index])
            )
            assert torch.equal(both[:, :17], of_action.expand(1, 17, -1))
            assert torch.equal(both[:, 17:], of_vision.expand(1, 4, -1))


def test_flare_aligns_features_halfway(micro, build_head, inputs):
    """Later blocks do not change what is aligned; earlier ones do."""
    config = micro(architecture="flare")
    assert (config.head.blocks, config.head.alignment_block) == (6, 3)
    assert N1.variant(Architecture.FLARE).head.alignment_block == 8
    for block, changes in ((2, True), (3, False)):
        head = build_head(config)
        before = head(**inputs)
        torch.nn.init.normal_(head.trunk.blocks[block].feedforward.fall.bias)
        after = head(**inputs)
        assert torch.equal(before.aligned, after.aligned) != changes
        assert moved(before.action, after.action) > 1e-4


def test_flares_alignment_is_repas_mlp(micro, build_head):
    align = build_head(micro(architecture="flare")).future.align
    features = x = torch.linspace(-1, 1, 256).reshape(2, 4, 32)
    for index in (0, 2):
        x = torch.nn.functional.silu(x @ align[index].weight.T + align[index].bias)
    expected = x @ align[4].weight.T + align[4].bias
    torch.testing.assert_close(align(features), expected, atol=1e-5, rtol=1e-5)


def test_flares_tokens_are_not_aligned_when_sampling(micro, build_head, inputs):
    """The sampler leaves the alignment MLP out; the actions do not change by it."""
    head = build_head(micro(architecture="flare"))
    state = head.action_codec.encode_state(inputs["state_BS"])
    clock = head.action_codec.clock(inputs["tau_action"])
    tokens = head.action_codec.encode(inputs["actions_BKA"], clock)
    action = head.condition_action(inputs["tau_action"])
    condition = head.condition(action, head.condition_vision(inputs["tau_action"]))
    context = head.context(inputs["features_BTD"], None)
    velocity = head.evaluate(head.sequence(state, tokens, None), condition, context)
    assert velocity.aligned is None
    assert torch.equal(velocity.action, head(**inputs).action)
