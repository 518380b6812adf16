import json
import re

import pytest
import torch
from safetensors.torch import save_file

from dust_model.shards import ShardedTensors

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4), "c": torch.zeros(1)}


@pytest.fixture
def folder(tmp_path):
    save_file({"a": STATE["a"]}, tmp_path / "model-1.safetensors")
    save_file({"b": STATE["b"], "c": STATE["c"]}, tmp_path / "model-2.safetensors")
    write_index(tmp_path, {"a": "model-1.safetensors", "b": "model-2.safetensors"})
    edit_index(tmp_path, c="model-2.safetensors")
    return tmp_path


def write_index(folder, places):
    text = json.dumps({"metadata": {}, "weight_map": places})
    (folder / "model.safetensors.index.json").write_text(text)


def edit_index(folder, **places):
    index = folder / "model.safetensors.index.json"
    write_index(folder, json.loads(index.read_text())["weight_map"] | places)


def test_shards_are_one_set_of_tensors(folder):
    tensors = ShardedTensors(folder)
    assert tensors.shapes == {"a": (2, 3), "b": (4,), "c": (1,)}
    state = tensors.read(STATE)
    assert all(torch.equal(state[name], value) for name, value in STATE.items())
    assert set(tensors.read(["c"])) == {"c"}


@pytest.mark.parametrize("name", ["model.safetensors", "other.safetensors"])
def test_a_single_file(tmp_path, name):
    save_file(STATE, tmp_path / name)
    path = tmp_path if name == "model.safetensors" else tmp_path / name
    assert set(ShardedTensors(path).shapes) == set(STATE)


def test_pickles_are_no_weights(tmp_path):
    torch.save(STATE, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"has neither model\.safetensors nor"):
        ShardedTensors(tmp_path)
    with pytest.raises(ValueError, match="cannot read the weights"):
        ShardedTensors(tmp_path / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("model-3.safetensors", "names model-3.safetensors, which is missing"),
        ("../model-2.safetensors", "'../model-2.safetensors' is not a plain file name"),
        ("/etc/passwd", "'/etc/passwd' is not a plain file name"),
        ("model-1.safetensors", "c is not in the file it names"),
    ],
)
def test_a_wrong_index_is_one_clear_line(folder, place, message):
    edit_index(folder, c=place)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        ShardedTensors(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"weight_map": {"a": 1}}'])
def test_a_broken_index_is_one_clear_line(folder, text):
    index = folder / "model.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(index))) as error:
        ShardedTensors(folder)
    assert "\n" not in str(error.value)


def test_a_tensor_in_two_files_is_refused(folder):
    save_file({"b": STATE["b"], "a": STATE["a"]}, folder / "model-2.safetensors")
    with pytest.raises(ValueError, match="a is in another file too"):
        ShardedTensors(folder)


def test_a_broken_shard_is_one_clear_line(folder):
    (folder / "model-2.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=f"cannot read the weights {folder / 'model-2.safeten'}"):
        ShardedTensors(folder)
