import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dust_model.checkpoint import FILES, Checkpoint
from dust_model.config import TINY, Architecture
from dust_model.init import HOME, Pretrained, home_statistics, main, write_untrained
from dust_model.statistics import Normaliser
from dust_model.tokenizer import build_tokenizer


def test_the_same_seed_gives_the_same_files(tiny_checkpoint, tmp_path):
    again = write_untrained(tmp_path / "again", TINY, seed=0).folder
    for name in FILES:
        assert (again / name).read_bytes() == (tiny_checkpoint / name).read_bytes(), name


def test_another_seed_gives_other_weights(tiny, tmp_path):
    assert write_untrained(tmp_path / "other", TINY, seed=1).fingerprint != tiny.fingerprint


def test_statistics_are_around_home():
    norm = Normaliser(home_statistics(4).action)
    low, high = norm.denormalise(np.full(8, -5.0)), norm.denormalise(np.full(8, 5.0))
    np.testing.assert_allclose(low, [*(np.array(HOME) - 0.1), 0], atol=1e-12)
    np.testing.assert_allclose(high, [*(np.array(HOME) + 0.1), 1], atol=1e-12)
    np.testing.assert_allclose(norm.normalise([*HOME, 0.5]), 0, atol=1e-7)


def test_the_command_writes_a_checkpoint(tmp_path, capsys):
    out = tmp_path / "deep" / "tiny"
    assert main([str(out), "--seed", "7"]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert str(out) in capsys.readouterr().out


def test_the_command_refuses_to_overwrite(tiny_checkpoint, capsys):
    assert main([str(tiny_checkpoint)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"dust-init: {tiny_checkpoint} exists already")
    assert error.count("\n") == 1


def test_unknown_sizes_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "x"), "--size", "huge"])
    error = capsys.readouterr().err
    assert "huge" in error
    assert "tiny" in error


def test_the_command_knows_the_architectures(tmp_path):
    out = tmp_path / "flare"
    assert main([str(out), "--architecture", "flare"]) == 0
    assert Checkpoint.load(out).config == TINY.variant(Architecture.FLARE)


def test_the_language_part_may_be_nvidias(micro, nvidia_weights, tmp_path):
    config = micro()
    theirs = nvidia_weights(micro(architecture="groot_n1"))
    save_file(theirs, tmp_path / "model.safetensors")
    build_tokenizer(config.vision_language).save(str(tmp_path / "tokenizer.json"))
    given = Pretrained(tmp_path, tmp_path / "tokenizer.json")
    written = write_untrained(tmp_path / "out", config, dtype="float32", language=given)
    projection = load_file(written.folder / "backbone.safetensors")["projection.weight"]
    assert torch.equal(projection, theirs["backbone.linear.weight"])
    assert written.config == config


@pytest.mark.parametrize("lost", ["weights", "tokenizer"])
def test_what_nvidias_part_lacks_is_one_clear_line(tmp_path, capsys, lost):
    build_tokenizer(TINY.vision_language).save(str(tmp_path / "tokenizer.json"))
    tokenizer = tmp_path / ("tokenizer.json" if lost == "weights" else "none.json")
    out = tmp_path / "out"
    assert main([str(out), "--nvidia", str(tmp_path / "none"), str(tokenizer)]) == 2
    error = capsys.readouterr().err
    assert (
        "there are no weights at" if lost == "weights" else "cannot read the tokenizer"
    ) in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "dust_model.init", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert "--size" in result.stdout
