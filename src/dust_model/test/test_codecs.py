import pytest
import torch
from torch.nn import functional as F

from dust_model.codecs import ActionCodec, EmbodimentLinear, VisionCodec
from dust_model.encodings import grid_sines, sines


def test_embodiments_have_their_own_weights():
    torch.manual_seed(0)
    layer = EmbodimentLinear(3, 4, 5)
    torch.nn.init.normal_(layer.b)
    x = torch.randn(2, 6, 4)
    each = layer(x, torch.tensor([2, 0]))
    torch.testing.assert_close(each[0], layer(x, 2)[0])
    torch.testing.assert_close(each[1], layer(x, 0)[1])
    assert (each[0] - layer(x, 1)[0]).abs().max() > 1e-3


def test_action_encoder_is_groots(micro):
    torch.manual_seed(0)
    config = micro().head
    codec = ActionCodec(config, horizon=16)
    actions, tau = torch.randn(2, 16, 8), torch.tensor([[0.25], [0.5]])
    time = sines(torch.tensor([[250], [500]]), config.width).expand(-1, 16, -1)
    x = actions @ codec.action_1.W[0] + codec.action_1.b[0]
    x = F.silu(torch.cat((x, time), -1) @ codec.action_2.W[0] + codec.action_2.b[0])
    expected = x @ codec.action_3.W[0] + codec.action_3.b[0] + sines(torch.arange(16), config.width)
    torch.testing.assert_close(codec.encode(actions, codec.clock(tau)), expected)


def test_clock_per_token_leaves_the_state_out(micro):
    codec = ActionCodec(micro().head, horizon=16)
    tau = torch.linspace(0, 1, 17)[None]
    assert codec.clock(tau).shape == (1, 16, 32)
    torch.testing.assert_close(codec.clock(tau)[:, :1], codec.clock(tau[:, 1:2]))


def test_state_is_one_token_and_not_decoded(micro):
    codec = ActionCodec(micro().head, horizon=16)
    assert codec.encode_state(torch.randn(2, 8)).shape == (2, 1, 32)
    output = torch.randn(2, 17, 24)
    changed = output.clone()
    changed[:, 0] = 7
    assert codec.decode(output).shape == (2, 16, 8)
    assert torch.equal(codec.decode(output), codec.decode(changed))


def test_positions_fixed_or_learned(micro):
    fixed = ActionCodec(micro().head, horizon=16)
    config = micro(action_positions="learned", learned_positions=20).head
    learned = ActionCodec(config, horizon=16)
    assert "positions" not in fixed.state_dict()
    assert learned.state_dict()["positions"].shape == (20, 32)
    assert learned.encode(torch.zeros(1, 16, 8), learned.clock(torch.zeros(1, 1))).shape[1] == 16
    with pytest.raises(ValueError, match="horizon=21 needs as many learned_positions, got 20"):
        ActionCodec(config, horizon=21)


def test_vision_codec_is_the_appendixs(micro):
    torch.manual_seed(0)
    codec = VisionCodec(micro().head, world_tokens=4, vision_width=32)
    noisy = torch.randn(2, 4, 32)
    x = codec.encode_3(F.silu(codec.encode_2(F.silu(codec.encode_1(noisy)))))
    torch.testing.assert_close(codec.encode(noisy), x + grid_sines(2, 32))
    output = torch.randn(2, 4, 24)
    expected = codec.decode_2(codec.decode_1(output).clamp_min(0))
    torch.testing.assert_close(codec.decode(output), expected)
