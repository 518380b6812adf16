import json
import re
import shutil
import subprocess
import sys

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from dust_model.checkpoint import BACKBONE, FILES, Checkpoint
from dust_model.config import TINY, Architecture
from dust_model.eagle import Eagle
from dust_model.head import DualStreamHead
from dust_model.init import home_statistics, write_untrained
from dust_model.robot import RobotSpec
from dust_model.tokenizer import build_tokenizer


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """Return a copy that a test may break."""
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


def edit(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_a_checkpoint_says_what_it_was_made_for(tiny):
    assert tiny.config == TINY
    assert tiny.robot == RobotSpec()
    assert tiny.statistics == home_statistics(192)
    assert re.fullmatch("[0-9a-f]{16}", tiny.fingerprint)


def test_the_folder_holds_no_pickles(tiny_checkpoint):
    assert sorted(path.name for path in tiny_checkpoint.iterdir()) == sorted(FILES)
    assert sum(path.stat().st_size for path in tiny_checkpoint.iterdir()) < 40e6


def test_parts_are_frozen_and_ready(tiny):
    head = tiny.policy()._head
    assert not head.training
    assert not any(weight.requires_grad for weight in head.parameters())


def test_a_policy_needs_no_transformers(tiny_checkpoint):
    """The policy node starts seconds earlier without them."""
    code = (
        "import sys; from dust_model.checkpoint import Checkpoint; "
        f"Checkpoint.load({str(tiny_checkpoint)!r}).policy(); print('transformers' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert result.stdout.strip() == "False"


def test_buffers_survive_loading_without_initialisation(tiny):
    """Positions are not in the file; they must not be left uninitialised."""
    loaded, fresh = tiny.policy()._head, DualStreamHead(TINY, horizon=16)
    buffers = dict(fresh.named_buffers())
    assert buffers
    for name, value in loaded.named_buffers():
        assert torch.equal(value, buffers[name])


def test_saving_again_gives_the_same_files(tiny, tmp_path):
    policy, backbone = tiny.policy(), tiny.backbone()
    copy = Checkpoint.save(
        tmp_path / "again",
        eagle=backbone._eagle,
        head=policy._head,
        tokenizer=tiny._tokenizer(),
        robot=tiny.robot,
        statistics=tiny.statistics,
    )
    assert copy.fingerprint == tiny.fingerprint
    for name in FILES:
        assert (copy.folder / name).read_bytes() == (tiny.folder / name).read_bytes(), name


def test_it_says_how_many_committed_actions_it_learned_to_go_on_from(tiny, tmp_path):
    assert tiny.prefix_max == 0
    copy = tiny.save_pretrained(tmp_path / "copy")
    path = copy.folder / "config.json"
    values = json.loads(path.read_text())
    for written, read in ((7, 7), (None, 0)):
        values.pop("prefix_max", None)
        path.write_text(json.dumps(values | ({"prefix_max": written} if written else {})))
        assert Checkpoint.load(copy.folder).prefix_max == read
    path.write_text(json.dumps(values | {"prefix_max": 17}))
    with pytest.raises(ValueError, match=r"prefix_max must lie in 0\.\.16, got 17"):
        Checkpoint.load(copy.folder)


def test_save_pretrained_and_back(tiny, tmp_path):
    copy = tiny.save_pretrained(tmp_path / "copy")
    assert copy == Checkpoint.from_pretrained(tmp_path / "copy", robot=RobotSpec())
    assert sorted(path.name for path in copy.folder.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (copy.folder / name).read_bytes() == (tiny.folder / name).read_bytes(), name
    with pytest.raises(ValueError, match="exists already"):
        tiny.save_pretrained(tmp_path / "copy")


def test_from_pretrained_without_folder_or_network(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="nobody/dust is no folder, and the hub does not give it"):
        Checkpoint.from_pretrained("nobody/dust")
    with pytest.raises(ValueError, match="checkpoint nowhere is not a folder: give the folder"):
        Checkpoint.from_pretrained("nowhere")


def test_config_json_says_what_it_needs_of_a_robot(tiny):
    said = json.loads((tiny.folder / "config.json").read_text())["robot"]
    assert said == {
        "views": ["wrist", "side"],
        "primary_view": "side",
        "joint_names": [f"fr3_joint{i}" for i in range(1, 8)],
        "horizon": 16,
        "period": 1 / 15,
        "units": ["rad"] * 7 + ["opening"],
        "embodiment": 0,
    }
    normalised = json.loads((tiny.folder / "statistics.json").read_text())
    assert normalised["action"]["scaling"] == ["min_max"] * 8


def test_another_robot_is_refused_with_the_difference(tiny):
    robot = RobotSpec(views=("side", "wrist"), period=0.05)
    expected = (
        f"checkpoint {tiny.folder} was made for another robot: views wrist, side instead of "
        "side, wrist; period 0.06666666666666667 instead of 0.05"
    )
    with pytest.raises(ValueError, match=re.escape(expected)):
        Checkpoint.from_pretrained(tiny.folder, robot=robot)


@pytest.mark.parametrize("architecture", Architecture)
def test_every_architecture_saves_and_loads(micro, build_head, tmp_path, architecture):
    config = micro(architecture=architecture)
    head = build_head(config)
    checkpoint = Checkpoint.save(
        tmp_path / "saved",
        eagle=Eagle(config.vision_language),
        head=head,
        tokenizer=build_tokenizer(config.vision_language),
        robot=RobotSpec(),
        statistics=home_statistics(32),
        dtype="float32",
    )
    assert checkpoint.config == config
    loaded = checkpoint.policy()._head.state_dict()
    for name, value in head.state_dict().items():
        assert torch.equal(loaded[name], value), name


def test_a_second_save_does_not_overwrite(tiny_checkpoint):
    with pytest.raises(ValueError, match="exists already: choose another path or remove it"):
        write_untrained(tiny_checkpoint, TINY)


class FullDisk:
    def save(self, path):
        raise OSError(28, "No space left on device", path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"statistics": home_statistics(100)}, ValueError, "100 embedding channels, the vision"),
        ({"robot": RobotSpec(joint_names=("a",))}, ValueError, "8 state columns, the robot 2"),
        ({"tokenizer": FullDisk()}, OSError, "No space left on device"),
    ],
)
def test_a_failed_save_leaves_nothing(build_head, tmp_path, tiny, change, error, message):
    parts = {
        "eagle": tiny.backbone()._eagle,
        "head": build_head(TINY),
        "tokenizer": tiny._tokenizer(),
        "robot": tiny.robot,
        "statistics": tiny.statistics,
    }
    with pytest.raises(error, match=message):
        Checkpoint.save(tmp_path / "bad", **parts | change)
    assert list(tmp_path.iterdir()) == []


def test_hidden_fingerprint_is_of_what_comes_before_the_projection(folder, tiny):
    before = tiny.hidden_fingerprint()
    weights = load_file(folder / BACKBONE)
    weights["projection.bias"] += 1.0
    save_file(weights, folder / BACKBONE)
    changed = Checkpoint.load(folder)
    assert changed.fingerprint != tiny.fingerprint
    assert changed.hidden_fingerprint() == before
    name = next(name for name in sorted(weights) if not name.startswith("projection."))
    weights[name].view(-1)[0] += 1.0
    save_file(weights, folder / BACKBONE)
    assert Checkpoint.load(folder).hidden_fingerprint() != before


def test_fingerprint_is_of_the_vision_language_part(folder, tiny):
    (folder / "head.safetensors").write_bytes(b"other")
    assert Checkpoint.load(folder).fingerprint == tiny.fingerprint
    edit(folder / "config.json", lambda c: c["model"]["vision_language"].update(rope_theta=5e4))
    assert Checkpoint.load(folder).fingerprint != tiny.fingerprint


def test_a_missing_folder_names_the_remedy(tmp_path):
    expected = f"checkpoint {tmp_path / 'none'} is not a folder: give the folder of a checkpoint"
    with pytest.raises(ValueError, match=re.escape(expected)) as error:
        Checkpoint.load(tmp_path / "none")
    assert "dust-init" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"lacks {name}: .*dust-init"):
        Checkpoint.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format=9), "config.json: format 9 is not 1"),
        (lambda c: c["model"].pop("head"), None),
        (lambda c: c["robot"].update(views=["left"]), "primary_view 'side' is not among the views"),
        (lambda c: c["robot"].update(wheels=4), "config.json.robot: unknown field 'wheels'"),
        (lambda c: c["robot"].update(joint_names=["a"]), "units must name one for each of 2 col"),
        (lambda c: c["robot"].update(joint_names=["a"], units=[]), "8 state columns, the robot 2"),
        (lambda c: c["robot"].update(embodiment=1), "embodiment 1, the head 1 slots"),
        (lambda c: c["model"]["head"].update(state_dim=4), "8 state columns, the head 4"),
        (lambda c: c["model"]["head"].update(architecture="rnn"), "'rnn' is none of dust"),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(folder, change, message):
    edit(folder / "config.json", change)
    expected = re.escape(message or "feature_width=192 differs")
    with pytest.raises(ValueError, match=expected) as error:
        Checkpoint.load(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["config.json", "statistics.json"])
@pytest.mark.parametrize("content", ["", "{", "[1]", '"text"'])
def test_broken_json_is_one_clear_line(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(ValueError, match=re.escape(str(folder / name))):
        Checkpoint.load(folder)


def test_weights_of_another_size_are_refused(folder):
    edit(folder / "config.json", lambda c: c["model"]["head"].update(stream_blocks=3))
    expected = r"head.safetensors does not fit its config.json: missing: action.blocks.2"
    with pytest.raises(ValueError, match=expected):
        Checkpoint.load(folder).policy()


def test_a_broken_tokenizer_is_one_clear_line(folder):
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="cannot read the tokenizer"):
        Checkpoint.load(folder).backbone()


def test_bfloat16_keeps_rotary_frequencies_exact(tiny):
    exact, rough = tiny.backbone()._eagle, tiny.backbone(dtype="bfloat16")._eagle
    assert {weight.dtype for weight in rough.parameters()} == {torch.bfloat16}
    buffers = dict(exact.named_buffers())
    for name, value in rough.named_buffers():
        assert value.dtype == buffers[name].dtype, name
        assert torch.equal(value, buffers[name]), name


def test_unknown_device_and_dtype(tiny):
    with pytest.raises(ValueError, match="dtype 'int8' is none of auto, float32, bfloat16"):
        tiny.policy(dtype="int8")
    with pytest.raises(ValueError, match="device 'toaster' can't be used"):
        tiny.backbone(device="toaster")
