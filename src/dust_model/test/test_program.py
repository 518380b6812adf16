import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from dust_model.program import record


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def check(work, inputs, others):
    """Compare the recording with the work itself, on inputs that were not there when recording."""
    again = record(work, inputs)
    with torch.inference_mode():
        for given_now in (others, inputs, others):
            expected, actual = work(*given_now), again(*given_now)
            assert len(actual) == len(expected)
            assert all(torch.equal(a, e) for a, e in zip(actual, expected, strict=True))
    return again


def test_a_network_is_the_same_bit_for_bit():
    torch.manual_seed(0)
    net = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    check(lambda x: [net(x)], [draw(2, 5, 16)], [draw(2, 5, 16, seed=1)])


def test_lists_parts_and_named_tensors_are_followed():
    table = draw(3, 4)

    def work(x, y):
        first, second = torch.cat((x, y, table[:1]), 0).chunk(2, -1)
        mixed = F.scaled_dot_product_attention(x[None], y[None], y[None], attn_mask=None)
        chosen = torch.where(input=x, condition=x > 0, other=y)
        return [first * second, mixed[0], chosen, y]

    check(work, [draw(2, 4), draw(2, 4, seed=1)], [draw(2, 4, seed=2), draw(2, 4, seed=3)])


def test_results_that_are_constants_or_inputs_come_back():
    fixed = draw(3)
    check(lambda x: [fixed, x, x.view(2, 2), x + fixed.sum()], [draw(2, 2)], [draw(2, 2, seed=1)])


def test_what_nothing_depends_on_is_left_out(monkeypatch):
    calls = []

    def expensive(x):
        calls.append(1)
        return x @ x

    def work(x):
        torch.overrides.handle_torch_function(expensive, (x,), x)
        return [x + 1]

    again = record(work, [draw(2, 2)])
    assert calls == [1]
    again(draw(2, 2))
    assert calls == [1]


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (lambda x: [x * 2] if x.sum() > 0 else [x], "__bool__"),
        (lambda x: [x * x.max().item()], "item"),
        (lambda x: [(x + 1).mul_(2)], "mul_"),
        (lambda x: [x.__setitem__(0, 1.0), x][1:], "__setitem__"),
        (lambda x: [torch.add(x, 1, out=torch.empty_like(x))], "add"),
    ],
)
def test_what_a_recording_can_not_hold_is_refused(work, name):
    with pytest.raises(RuntimeError, match=f"{name} of a tensor can't be recorded"):
        record(work, [draw(3)])


STEPS = (
    lambda a, b: a + b,
    lambda a, b: a * 2 - b,
    lambda a, b: a @ b,
    lambda a, b: torch.cat((a, b), 1)[:, 1:4],
    lambda a, b: a.expand(3, 3).t() + b,
    lambda a, b: a.split(1, 0)[1] * b,
)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    )
)
def test_any_order_of_uses_finds_its_values(steps):
    """Registers are used again: whatever is needed later must still be there."""

    def work(x, y):
        values = [x, y]
        for function, i, j in steps:
            values.append(function(values[i % len(values)], values[j % len(values)]))
        return values[2:]

    check(work, [draw(3, 3), draw(3, 3, seed=1)], [draw(3, 3, seed=2), draw(3, 3, seed=3)])
