import subprocess
import sys

import numpy as np
import pytest

from dust_model.checkpoint import FILES
from dust_model.config import TINY
from dust_model.init import HOME, home_statistics, main, write_untrained
from dust_model.statistics import Normaliser


def test_the_same_seed_gives_the_same_files(tiny_folder, tmp_path):
    again = write_untrained(tmp_path / "again", TINY, seed=0).folder
    for name in FILES:
        assert (again / name).read_bytes() == (tiny_folder / name).read_bytes(), name


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


def test_the_command_refuses_to_overwrite(tiny_folder, capsys):
    assert main([str(tiny_folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"dust-init: {tiny_folder} exists already")
    assert error.count("\n") == 1


def test_unknown_sizes_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "x"), "--size", "huge"])
    error = capsys.readouterr().err
    assert "huge" in error
    assert "tiny" in error


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "dust_model.init", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert "--size" in result.stdout
