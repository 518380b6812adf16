import pytest
import torch
from torch import nn

from dust_model.layout import LARGEST, arrange_for_inference

needs_mkl = pytest.mark.skipif(
    not torch.backends.mkl.is_available(), reason="torch is built without MKL"
)


@needs_mkl
def test_matrices_lie_by_columns_and_are_what_they_were():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.Linear(4, 3, bias=False))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.randn(2, 6)
    expected = net(x)
    arrange_for_inference(net)
    assert [net[i].weight.stride() for i in (0, 2)] == [(1, 4), (1, 3)]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    torch.testing.assert_close(net(x), expected)
    assert all(weight.is_leaf for weight in net.parameters())


def test_others_stay_as_they_lie():
    rough, large = nn.Linear(6, 4).to(torch.bfloat16), nn.Linear(LARGEST // 4 + 1, 4)
    for net in (rough, large):
        arrange_for_inference(net)
        assert net.weight.is_contiguous()
