"""The configuration of a pre-training run."""

import pytest
import torch

from dust_model.pretraining.config import load_config, require_same
from dust_model.records import to_json
from dust_model.training.config import Precision


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tower.steps=0", "steps must be >= 1, got 0"),
        ("language.prompts=0", "prompts must be >= 1, got 0"),
        ("language.tower_rate=1.5", r"tower_rate must lie in \[0, 1\], got 1.5"),
        ("language.average=1.0", r"average must lie in \[0, 1\)"),
        ("held_out=0.0", r"held_out must lie in \(0, 1\)"),
        ("size=huge", "size must be one of n1, tiny"),
        ("tower.prompts=2", "unknown field 'prompts'"),
        ("threads=-1", "threads must be >= 0"),
    ],
)
def test_mistakes_are_named(configure, override, message):
    with pytest.raises(ValueError, match=message):
        configure(override)


def test_the_shipped_configuration_can_be_read(pytestconfig):
    config = load_config(pytestconfig.rootpath / "config" / "pretrain_tiny.yaml")
    assert config.size == "tiny"
    # The tower has learned when the second stage begins, which then leaves it alone.
    assert config.tower.steps >= 1000
    assert config.language.tower_rate == 0
    assert {stage.optimizer.kind for stage in (config.tower, config.language)} == {"muon"}


def test_precision_follows_the_hardware(configure, monkeypatch):
    assert not configure().half
    assert configure("precision=bfloat16").half
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for tiles, dots in ((True, False), (False, True), (False, False)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda able=tiles: able)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=dots: able)
        assert configure("precision=auto").half == (tiles or dots)
    assert Precision.AUTO == "auto"


def test_a_run_goes_on_with_what_it_began_with(configure):
    config = configure()
    require_same(configure("save_every=7", "resume=true"), to_json(config), where="run")
    with pytest.raises(ValueError, match="run was begun with seed=0, not 1"):
        require_same(configure("seed=1"), to_json(config), where="run")


def test_a_stage_that_has_not_begun_may_still_change(configure):
    config = configure()
    now = configure("language.steps=7")
    require_same(now, to_json(config), where="run", ahead=("language",))
    with pytest.raises(ValueError, match="run was begun with language="):
        require_same(now, to_json(config), where="run")
