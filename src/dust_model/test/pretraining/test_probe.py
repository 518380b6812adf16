"""The probe: readers that find what is there, and say so when nothing is."""

import numpy as np
import pytest
import torch

from dust_model.pretraining import probe as module
from dust_model.pretraining.probe import Observed, probe


@pytest.fixture
def features(monkeypatch):
    """Replace the encoding of pictures: features are a function of the positions, or noise."""

    def use(make):
        generator = torch.Generator().manual_seed(0)

        def observe(backbone, folder, numbers, random):
            positions = 0.3 * torch.randn(len(numbers), 6, generator=generator)
            return Observed(make(positions, generator), positions)

        monkeypatch.setattr(module, "observe", observe)

        class Stub:
            def backbone(self, device):
                return None

        return probe(Stub(), None, np.arange(900), np.arange(900, 1300), count=800, seed=0)

    return use


def test_what_is_linear_is_read_exactly(features):
    mix = torch.randn(6, 20, generator=torch.Generator().manual_seed(1))
    found = features(lambda positions, generator: positions @ mix)
    assert found["probe/linear/hand_cm/median"] < 0.1
    assert found["probe/mlp/base_cm/median"] < 3


def test_what_is_bent_needs_the_network(features):
    found = features(lambda p, g: torch.cat([torch.tanh(4 * p), torch.tanh(p)], dim=1))
    assert found["probe/mlp/hand_cm/median"] < found["probe/linear/hand_cm/median"]


def test_noise_tells_nothing(features):
    found = features(lambda p, g: torch.randn(len(p), 20, generator=g))
    assert found["probe/linear/hand_cm/median"] > 30
    assert found["probe/linear/hand_cm/p90"] > found["probe/linear/hand_cm/median"]
