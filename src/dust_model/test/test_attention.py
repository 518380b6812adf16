"""Attention without PyTorch's fused kernels."""

import torch
from torch.nn import functional as F

from dust_model.attention import plain_attention


def attend(inputs, *, plain: bool):
    q, k, v = (part.clone().requires_grad_() for part in inputs)
    if plain:
        with plain_attention():
            out = F.scaled_dot_product_attention(q, k, v)
    else:
        out = F.scaled_dot_product_attention(q, k, v)
    out.square().sum().backward()
    return out.detach(), q.grad, k.grad, v.grad


def test_it_is_the_same_attention_forwards_and_backwards():
    torch.manual_seed(0)
    inputs = torch.randn(3, 2, 2, 7, 16).unbind()
    for one, other in zip(attend(inputs, plain=True), attend(inputs, plain=False), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_half_precision_stays_half_and_the_setting_is_put_back():
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    inputs = torch.randn(3, 1, 1, 5, 8, dtype=torch.bfloat16).unbind()
    with plain_attention():
        assert torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
        assert F.scaled_dot_product_attention(*inputs).dtype is torch.bfloat16
    assert torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed() == before
