"""Tests of dust_eval.driver: who drives, from a word on the command line."""

import pytest

from dust_eval import driver as drivers
from dust_eval.driver import identify, one_driver, parse_driver, parse_drivers, require_unchanged


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "run" / "best"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "head.safetensors").write_bytes(b"weights")
    return folder


def test_the_expert_needs_no_checkpoint():
    driver = parse_driver("expert")
    assert (driver.name, driver.words) == ("expert", ["policy:=expert"])
    assert driver.nodes == ("dust_expert",)
    assert parse_driver("again=expert").name == "again"


def test_a_checkpoint_with_arguments(checkpoint):
    driver = parse_driver(f"dust={checkpoint},vision_steps=64,action_steps=4")
    assert driver.name == "dust"
    assert driver.words == [
        "policy:=dust",
        f"checkpoint:={checkpoint}",
        "vision_steps:=64",
        "action_steps:=4",
    ]
    assert driver.nodes == ("dust_perception", "dust_policy")
    assert len(driver.identity) == 16


def test_names_that_are_not_given(checkpoint):
    assert parse_driver(str(checkpoint)).name == "run"
    assert parse_driver(f"{checkpoint},vision_steps=16").name == "run-vision_steps16"


def test_a_checkpoint_is_known_by_its_files(checkpoint):
    driver = parse_driver(str(checkpoint))
    require_unchanged([driver, parse_driver("expert")])
    (checkpoint / "notes.txt").write_text("not part of it")
    assert identify(checkpoint) == driver.identity
    (checkpoint / "head.safetensors").write_bytes(b"other weights")
    with pytest.raises(ValueError, match="has changed since the evaluation began"):
        require_unchanged([driver])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "nobody drives"),
        (["name="], "no checkpoint is named"),
        (["nowhere"], "nowhere is no checkpoint: there is no such folder"),
        (["{checkpoint}/.."], "is no checkpoint: it has no config.json"),
        (["expert,fast"], "'fast' is not of the form argument=value"),
        (["expert", "expert"], "two drivers are called 'expert'"),
        (["my driver={checkpoint}"], "may have letters, digits"),
        (["my driver=expert"], "may have letters, digits, .* give one, as in NAME=FOLDER"),
    ],
)
def test_mistakes_are_named(checkpoint, texts, message):
    with pytest.raises(ValueError, match=message):
        parse_drivers([text.format(checkpoint=checkpoint) for text in texts])


def test_one_driver_is_the_shipped_checkpoint_unless_another_is_named(checkpoint):
    shipped = one_driver("")
    assert (shipped.name, shipped.words[0]) == ("tiny", "policy:=dust")
    assert shipped.identity
    assert one_driver(str(checkpoint)).checkpoint == str(checkpoint)
    assert one_driver("expert").is_expert


@pytest.mark.parametrize("installed", [False, True])
def test_a_workspace_without_the_shipped_checkpoint(monkeypatch, tmp_path, installed):
    share = tmp_path if installed else None
    monkeypatch.setattr(drivers.index, "share_of", lambda *_: share)
    with pytest.raises(ValueError, match="build the workspace"):
        one_driver("")
