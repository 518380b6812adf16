import json

import pytest

from dust_doctor.checks.checkpoint import (
    FILES,
    WEIGHTS,
    gather_checkpoint,
    judge_checkpoint,
    judge_fit,
)
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Wishes

ROBOT = {
    "views": ["wrist", "side"],
    "joint_names": [f"fr3_joint{index}" for index in range(1, 8)],
    "period": 1 / 15,
    "horizon": 16,
}


def safetensors(header, data=b""):
    """Return the bytes of a file of weights, of which the header is what tells its length."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ONE = {"weight": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}


@pytest.fixture
def make(tmp_path):
    def make(**changes):
        for name in FILES:
            (tmp_path / name).write_bytes(safetensors(ONE, b"four") if name in WEIGHTS else b"{}")
        config = {"format": 1, "robot": {**ROBOT, **changes}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        return gather_checkpoint(tmp_path)

    return make


def test_a_whole_one_says_what_it_is_for(make):
    found = judge_checkpoint(make(), Wishes())
    assert found.verdict is Verdict.OK
    assert "views wrist, side; 7 joints; 16 actions at 15 Hz" in found.says


def test_a_real_one_is_read_without_its_weights(tiny_checkpoint):
    evidence = gather_checkpoint(tiny_checkpoint)
    assert evidence.defect == ""
    assert evidence.weights > 1000
    assert judge_checkpoint(evidence, Wishes()).verdict is Verdict.OK


def test_broken_ones_are_told_apart(make, tmp_path):
    folder = make().folder
    assert "is not a folder" in gather_checkpoint(tmp_path / "none").defect
    (folder / "config.json").write_text("{")
    assert "cannot be read" in gather_checkpoint(folder).defect
    (folder / "config.json").write_text("{}")
    assert "KeyError: 'robot'" in gather_checkpoint(folder).defect
    (folder / "head.safetensors").unlink()
    evidence = gather_checkpoint(folder)
    assert "lacks head.safetensors" in evidence.defect
    assert judge_checkpoint(evidence, Wishes()).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is incomplete: 0 bytes, its header alone takes more"),
        (safetensors(ONE)[:20], "is incomplete: 20 bytes, its header alone takes more"),
        (safetensors(ONE, b"thr"), "is incomplete: 76 of 77 bytes"),
        (safetensors(ONE, b"fiver"), "is damaged: 78 bytes, but its header tells of 77"),
        (safetensors({"__metadata__": {"format": "pt"}}), "is no safetensors file"),
        (safetensors([1, 2]), "is no safetensors file"),
        (safetensors({"weight": 4}), "is no safetensors file"),
        (safetensors({"weight": {"data_offsets": [0, "four"]}}), "is no safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is no safetensors file"),
    ],
)
def test_weights_that_are_not_whole_fail(make, name, content, said):
    folder = make().folder
    (folder / name).write_bytes(content)
    found = judge_checkpoint(gather_checkpoint(folder), Wishes())
    assert found.verdict is Verdict.FAIL
    assert f"{folder / name} {said}" in found.says
    assert "copy the checkpoint anew" in found.remedy


@pytest.mark.parametrize("name", ["statistics.json", "tokenizer.json"])
def test_an_emptied_file_fails(make, name):
    folder = make().folder
    (folder / name).write_text("")
    found = judge_checkpoint(gather_checkpoint(folder), Wishes())
    assert found.verdict is Verdict.FAIL
    assert f"{folder / name} cannot be read" in found.says


def test_an_unknown_view_fails(make):
    found = judge_checkpoint(make(views=["top", "side"]), Wishes())
    assert found.verdict is Verdict.FAIL
    assert "--image top=TOPIC" in found.remedy
    known = Wishes(image_topics={"top": "a", "side": "b"})
    assert judge_checkpoint(make(views=["top", "side"]), known).verdict is Verdict.OK


def test_it_fits_a_good_graph(make, graph):
    parameters = {"dust_policy.action_rate": "15", "dust_policy.checkpoint": str(make().folder)}
    assert judge_fit(make(), Wishes(), graph(parameters=parameters)).verdict is Verdict.OK


def test_what_does_not_fit_is_named(make, graph, camera):
    slow = {"wrist": camera("wrist", rate=5.0), "side": camera("side")}
    for changes, words in (
        ({"cameras": slow}, "view 'wrist' comes at 5.0 Hz"),
        ({"cameras": {"side": camera("side")}}, "needs the view 'wrist'"),
        ({"joint_names": ()}, "nothing says where"),
        ({"joint_names": ("left_fr3_joint1",)}, "moves fr3_joint1"),
        ({"parameters": {"dust_policy.action_rate": "30"}}, "expects 30 actions/s"),
        ({"parameters": {"dust_perception.checkpoint": "/other"}}, "another checkpoint: /other"),
    ):
        found = judge_fit(make(), Wishes(), graph(**changes))
        assert found.verdict in (Verdict.WARN, Verdict.FAIL)
        assert words in found.says
        assert found.remedy
