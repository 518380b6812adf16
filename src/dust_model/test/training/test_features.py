import os
import resource
import subprocess
import sys

import pytest
import torch

from dust_model.training.features import FeatureCache, content_key, pad_left


def test_what_is_put_in_comes_out(tmp_path):
    cache = FeatureCache(tmp_path / "features")
    value = torch.randn(3, 4).bfloat16()
    assert cache.get("ab12") is None
    cache.put("ab12", value)
    assert torch.equal(FeatureCache(tmp_path / "features").get("ab12"), value)
    assert [path.name for path in (tmp_path / "features" / "ab").iterdir()] == ["12.safetensors"]


def test_keys_are_of_contents():
    pixels = torch.rand(2, 3, 4, 4)
    key = content_key("hidden", pixels, "pick")
    assert content_key("hidden", pixels.clone(), "pick") == key
    other = pixels.clone()
    other[0, 0, 0, 0] += 1e-6
    different = {
        content_key("hidden", other, "pick"),
        content_key("hidden", pixels, "place"),
        content_key("future", pixels, "pick"),
        content_key("hidden", pixels.reshape(2, 3, 2, 8), "pick"),
    }
    assert len(different - {key}) == 4


@pytest.mark.parametrize(
    "damage", [lambda data: data[:50], lambda data: b"", lambda data: b"x" * 99]
)
def test_a_damaged_file_is_made_again(tmp_path, damage):
    cache = FeatureCache(tmp_path)
    cache.put("ab12", torch.ones(20))
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match="is damaged and is made again"):
        assert cache.get("ab12") is None
    cache.put("ab12", torch.ones(20))
    assert torch.equal(cache.get("ab12"), torch.ones(20))


FULL = """
import resource, sys, warnings, torch
from pathlib import Path
from dust_model.training.features import FeatureCache
warnings.simplefilter("always")
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
cache = FeatureCache(Path(sys.argv[1]))
for key in ("aa1", "aa2"):
    cache.put(key, torch.zeros(1_000_000))
cache.put("aa3", torch.zeros(10))
assert all(cache.get(key) is None for key in ("aa1", "aa2", "aa3"))
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no file size limits here")
def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("are no longer kept") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_rows_are_padded_on_the_left():
    rows = [torch.ones(2, 3), torch.ones(4, 3) * 2]
    stacked, mask = pad_left(rows)
    assert stacked.shape == (2, 4, 3)
    assert mask.tolist() == [[False, False, True, True], [True] * 4]
    assert torch.equal(stacked[0, 2:], rows[0])
    assert not stacked[0, :2].any()
