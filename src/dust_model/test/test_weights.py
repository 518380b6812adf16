import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from dust_model.weights import fingerprint, load_module, save_weights


def build():
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    module, path = build(), tmp_path / "part.safetensors"
    save_weights(module, path, torch.float32)
    return module, path


def load(path: Path):
    return load_module(build, path, device="cpu", dtype=torch.float32)


def test_weights_come_back_exactly(saved):
    module, path = saved
    for name, value in load(path).state_dict().items():
        assert torch.equal(value, module.state_dict()[name])


def test_bfloat16_storage_comes_back_exactly(saved, tmp_path):
    path = tmp_path / "half.safetensors"
    save_weights(saved[0], path, torch.bfloat16)
    loaded = load(path)
    assert loaded[0].weight.dtype == torch.float32
    again = tmp_path / "again.safetensors"
    save_weights(loaded, again, torch.bfloat16)
    assert again.read_bytes() == path.read_bytes()


def test_others_may_read_the_file(saved):
    assert saved[1].stat().st_mode & 0o044 == 0o044


def test_differences_are_named(saved):
    _, path = saved
    state = load_file(path)
    state["1.bias"] = torch.zeros(5)
    state["head.scale"] = state.pop("0.weight")
    save_file(state, path)
    expected = "missing: 0.weight; left over: head.scale; wrong shape: 1.bias [5] instead of [4]"
    with pytest.raises(ValueError, match=re.escape(expected)):
        load(path)


def test_long_lists_are_cut(saved):
    _, path = saved
    save_file({f"w{i}": torch.zeros(1) for i in range(9)} | load_file(path), path)
    with pytest.raises(ValueError, match="left over: w0, w1, w2, w3 and 5 more"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 64])
def test_a_broken_file_is_one_line(saved, content):
    _, path = saved
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"cannot read the weights {path}"):
        load(path)


def test_fingerprint_is_of_contents_and_salt(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    prints = [
        fingerprint(files, salt=salt)
        for files, salt in (((one, two), "a"), ((two, one), "a"), ((one, two), "b"))
    ]
    assert len(set(prints)) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in prints)
    assert fingerprint((one, two), salt="a") == prints[0]
