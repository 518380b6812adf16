import pytest
import torch

from dust_model.devices import chosen


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_what_is_there(monkeypatch, there, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert chosen("auto") == device
    assert chosen("cpu") == "cpu"
    assert chosen("cuda:1") == "cuda:1"
