import pytest
import torch

from dust_model.config import N1, TINY, CrossAttention
from dust_model.head import DualStreamHead

BATCH = 3


@pytest.fixture(scope="module", params=CrossAttention)
def head(request, micro, build_head):
    return build_head(micro(cross_attention=request.param))


def moved(before, after):
    return (before - after).abs().max().item()


def test_velocities_have_the_shapes_of_their_streams(head, inputs):
    action, vision, aligned = head(**inputs)
    assert action.shape == inputs["actions_BKA"].shape
    assert vision.shape == inputs["embedding_BOV"].shape
    assert aligned is None


@pytest.mark.parametrize("name", ["actions_BKA", "embedding_BOV", "state_BS", "features_BTD"])
def test_every_input_reaches_both_streams(head, inputs, name):
    before = head(**inputs)
    after = head(**inputs | {name: inputs[name] + 1})
    assert moved(before.action, after.action) > 1e-4
    assert moved(before.vision, after.vision) > 1e-4


@pytest.mark.parametrize("name", ["tau_action", "tau_vision"])
def test_each_streams_time_matters(head, inputs, name):
    before = head(**inputs)
    after = head(**inputs | {name: (inputs[name] + 0.3) % 1})
    assert moved(before.action, after.action) > 1e-5
    assert moved(before.vision, after.vision) > 1e-5


def test_streams_meet_only_in_joint_attention(micro, build_head, inputs):
    """With the joint attention's outputs cut, neither stream knows of the other."""
    head = build_head(micro())
    for stream in (head.action, head.vision):
        for index in head.config.joint_blocks:
            torch.nn.init.zeros_(stream.halves[index].joint.to_out.weight)
    before = head(**inputs)
    other_vision = head(**inputs | {"embedding_BOV": inputs["embedding_BOV"] + 1})
    other_action = head(**inputs | {"actions_BKA": inputs["actions_BKA"] + 1})
    assert torch.equal(before.action, other_vision.action)
    assert torch.equal(before.vision, other_action.vision)


def test_samples_do_not_see_each_other(head, inputs):
    together = head(**inputs)
    for row in range(BATCH):
        alone = head(**{name: value[row : row + 1] for name, value in inputs.items()})
        torch.testing.assert_close(together.action[row], alone.action[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(together.vision[row], alone.vision[0], atol=1e-5, rtol=1e-4)


def test_padding_is_hidden_unless_told_otherwise(micro, build_head, inputs):
    mask = torch.ones(BATCH, 9, dtype=torch.bool)
    mask[:, :4] = False
    changed = inputs["features_BTD"].clone()
    changed[:, :4] += 5
    for mask_padding, low, high in ((True, 0, 1e-5), (False, 1e-4, 1e9)):
        head = build_head(micro(mask_padding=mask_padding))
        before = head(**inputs, mask_BT=mask)
        after = head(**inputs | {"features_BTD": changed}, mask_BT=mask)
        assert low <= moved(before.action, after.action) <= high
        assert low <= moved(before.vision, after.vision) <= high


def test_equal_tau_per_token_is_tau_of_the_stream(head, inputs):
    stream = head(**inputs)
    tau = inputs["tau_action"].expand(-1, 17)
    tokens = head(**inputs | {"tau_action": tau})
    torch.testing.assert_close(tokens.action, stream.action, atol=1e-5, rtol=1e-4)


def test_tau_of_one_action_is_its_own(head, inputs):
    tau = inputs["tau_action"].repeat(1, 17)
    tau[:, 5] = 1.0
    changed = head(**inputs | {"tau_action": tau})
    assert moved(changed.action, head(**inputs).action) > 1e-4


def test_an_unwanted_stream_does_not_change_the_other(head, inputs):
    full = head(**inputs)
    entries = _entries(head, inputs)
    only_action = head.evaluate(*entries, wants_vision=False)
    only_vision = head.evaluate(*entries, wants_action=False)
    assert only_action.vision is None
    assert only_vision.action is None
    assert torch.equal(only_action.action, full.action)
    assert torch.equal(only_vision.vision, full.vision)


def _entries(head, inputs):
    state = head.action_codec.encode_state(inputs["state_BS"])
    clock = head.action_codec.clock(inputs["tau_action"])
    tokens = head.action_codec.encode(inputs["actions_BKA"], clock)
    contexts = head.contexts(inputs["features_BTD"], None)
    condition = head.condition_action(inputs["tau_action"])
    action = head.enter_action(state, tokens, condition, contexts[0])
    condition = head.condition_vision(inputs["tau_vision"])
    return action, head.enter_vision(inputs["embedding_BOV"], condition, contexts[1])


def test_an_odd_number_of_blocks_ends_in_cross_attention(micro, build_head, inputs):
    head = build_head(micro(dual_blocks=3))
    full = head(**inputs)
    assert torch.equal(
        head.evaluate(*_entries(head, inputs), wants_action=False).vision, full.vision
    )


def test_gradients_reach_every_weight(micro, build_head, inputs):
    head = build_head(micro()).requires_grad_(True)
    velocity = head(**inputs)
    (velocity.action.square().sum() + velocity.vision.square().sum()).backward()
    without = [name for name, weight in head.named_parameters() if weight.grad is None]
    assert without == []
    dead = [name for name, weight in head.named_parameters() if not weight.grad.any()]
    # Softmax does not feel a shift of all its logits, which is all that a key's bias is.
    assert [name for name in dead if not name.endswith("to_k.bias")] == []


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts():
    with torch.device("meta"):
        n1 = DualStreamHead(N1, horizon=16)
        tiny = DualStreamHead(TINY, horizon=16)
    cores = count(n1.action) + count(n1.vision)
    assert cores == 1_302_247_424
    assert count(n1) == 1_320_825_504
    assert count(tiny) == 8_174_792
