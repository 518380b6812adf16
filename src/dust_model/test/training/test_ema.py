import torch
from torch import nn

from dust_model.training.ema import MovingAverage


def module():
    torch.manual_seed(0)
    built = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    built[1].requires_grad_(False)
    return built


def test_it_is_the_average_of_the_formula():
    built = module()
    average = MovingAverage(built, decay=0.5)
    expected = built[0].weight.detach().clone()
    for updates in range(5):
        with torch.no_grad():
            built[0].weight += updates + 1.0
        decay = min(0.5, (1 + updates) / (10 + updates))
        expected = decay * expected + (1 - decay) * built[0].weight.detach()
        average.update(updates)
    torch.testing.assert_close(average.averages["0.weight"], expected)


def test_only_what_is_trained_is_averaged():
    assert sorted(MovingAverage(module(), decay=0.9).averages) == ["0.bias", "0.weight"]


def test_averages_take_the_place_of_weights_for_a_while():
    built = module()
    average = MovingAverage(built, decay=0.9)
    averaged = built[0].weight.detach().clone()
    with torch.no_grad():
        built[0].weight += 1
    with average.applied():
        assert torch.equal(built[0].weight, averaged)
    assert torch.equal(built[0].weight, averaged + 1)
