"""Whole runs on the made-up world: what comes out, going on, mistakes."""

import os
import signal

import pytest
import torch
import yaml
from safetensors.torch import load_file

from dust_model.checkpoint import BACKBONE, HEAD, Checkpoint
from dust_model.pretraining import assembly
from dust_model.pretraining.assembly import CHECKPOINT, Pretraining
from dust_model.pretraining.pretrain import main
from dust_model.pretraining.source import PictureSource
from dust_model.records import to_json
from dust_model.training.report import read_curve
from dust_model.training.run_folder import STATE


def run(config):
    said = []
    return Pretraining(config, said.append).run(), said


def losses(config, stage):
    return [row["loss"] for row in read_curve(assembly.Path(config.output) / stage)]


def state(config, stage):
    return load_file(assembly.Path(config.output) / stage / "last" / STATE)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def interrupt_after(monkeypatch, count):
    """Send SIGTERM while the batch after `count` others is drawn, seen from the run."""
    original = PictureSource.batches

    def batches(self, first):
        for number, batch in enumerate(original(self, first)):
            if number == count:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    monkeypatch.setattr(PictureSource, "batches", batches)


def test_what_comes_out_is_a_checkpoint_with_a_fresh_head(configure, micro_checkpoint, tmp_path):
    config = configure("probed=8")
    done, said = run(config)
    assert done
    folder = tmp_path / "run" / CHECKPOINT
    checkpoint = Checkpoint.load(folder)
    assert same(load_file(folder / HEAD), load_file(micro_checkpoint / HEAD))
    before, after = (load_file(path / BACKBONE) for path in (micro_checkpoint, folder))
    for part in ("vision_tower", "language_model", "multi_modal_projector", "projection"):
        names = [name for name in before if part in name]
        assert any(not torch.equal(before[name], after[name]) for name in names), part
    assert min(checkpoint.statistics.embedding.std) > 0
    assert checkpoint.statistics.embedding.std != (1.0,) * 32
    encoded = checkpoint.backbone().encode(torch.zeros(2, 3, 56, 56), "take the red block")
    assert torch.isfinite(encoded.features).all()
    card = (folder / "README.md").read_text()
    assert "nan" not in card
    for text in (
        "18 labelled",
        "thing/hand_cm/median",
        "place_wrist_px",
        "probe/linear",
        "prompts: 2",
    ):
        assert text in card
    assert not (folder / STATE).exists()
    assert checkpoint.fingerprint in said[-1]
    assert checkpoint.fingerprint in card


def test_a_run_that_was_ended_goes_on_bitwise(configure, monkeypatch):
    whole = configure(output="whole")
    assert run(whole)[0]
    ended = configure(output="ended")
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert not run(ended)[0]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    resumed = configure("resume=true", output="ended")
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        assert not run(resumed)[0]
    assert run(resumed)[0]
    for stage in ("tower", "language"):
        assert losses(ended, stage) == losses(whole, stage)
        assert same(state(ended, stage), state(whole, stage))


def test_a_finished_run_that_goes_on_changes_nothing(configure, tmp_path):
    config = configure()
    run(config)
    before = (tmp_path / "run" / CHECKPOINT / BACKBONE).read_bytes()
    assert run(configure("resume=true"))[0]
    assert (tmp_path / "run" / CHECKPOINT / BACKBONE).read_bytes() == before


def test_it_learns_to_find_what_is_named(configure):
    config = configure(
        *("tower.steps=40", "language.steps=50", "tower.batch=12", "language.batch=12"),
        *("save_every=1000", "augmentation.crop=false", "held_out=0.25"),
    )
    run(config)
    for stage in ("tower", "language"):
        curve = losses(config, stage)
        assert sum(curve[-5:]) < 0.8 * sum(curve[:5]), (stage, curve[:5], curve[-5:])


def test_a_tower_at_rest_is_what_the_first_stage_made(configure, tmp_path):
    run(configure("language.tower_rate=0.0"))
    first = load_file(tmp_path / "run" / "tower" / "last" / BACKBONE)
    final = load_file(tmp_path / "run" / CHECKPOINT / BACKBONE)
    tower = [name for name in first if "vision_tower" in name]
    assert tower
    assert all(torch.equal(first[name], final[name]) for name in tower)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("pictures=nowhere",), "make pictures first"),
        (("limit=1",), "make at least two"),
        (("checkpoint=nowhere",), "nowhere is not a folder"),
        (("device=abacus",), "device 'abacus' can't be used"),
        (("tower.steps",), "is not of the form key=value"),
    ],
)
def test_mistakes_end_in_one_line(configure, tmp_path, capsys, overrides, message):
    path = tmp_path / "given.yaml"
    path.write_text(yaml.safe_dump(to_json(configure())))
    assert main([str(path), *overrides]) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1


def test_a_run_is_not_begun_twice(configure, tmp_path, capsys):
    config = configure()
    run(config)
    path = tmp_path / "again.yaml"
    path.write_text(yaml.safe_dump(to_json(config)))
    assert main([str(path)]) == 2
    assert "holds a run already: set resume=true" in capsys.readouterr().err
    assert main([str(path), "resume=true", "seed=1"]) == 2
    assert "was begun with seed=0, not 1" in capsys.readouterr().err
    assert main([str(path), "resume=true", "limit=18"]) == 2
    assert "limit" in capsys.readouterr().err
