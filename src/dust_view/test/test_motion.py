"""A bag's motion is read three times, and drawn."""

import cv2
import numpy as np
import pytest

from dust_demos.recording.bag import Bag
from dust_view.fr3 import ARM_JOINTS
from dust_view.motion import read_motion
from dust_view.plot import main


@pytest.mark.parametrize("namespace", ["", "/lab"])
def test_raw_limited_and_measured_motion_is_read(write_bag, namespace) -> None:
    with Bag.open(write_bag(namespace=namespace)) as bag:
        motion = read_motion(bag, ARM_JOINTS)
    assert len(motion.raw) == 5
    assert motion.raw[0].positions.shape == (16, 7)
    assert motion.raw[0].prefix == 3
    assert np.diff(motion.limited_ns).tolist() == [1_000_000] * (len(motion.limited_ns) - 1)
    # Linear pieces in the bag's trajectories become quintics at rest at their points: near enough.
    at = (motion.limited_ns[500] - motion.raw[0].times_ns[0]) / 1e9
    place = motion.raw[0].positions[0] + np.zeros(7)
    assert np.abs(motion.limited[500] - place).max() < 0.2 * at
    assert motion.measured.shape == (60, 7)
    assert len(motion.seams_ns) == 5


def test_bags_of_before_tell_seams_by_their_trajectories(write_bag) -> None:
    with Bag.open(write_bag(without=("executor_state",))) as bag:
        motion = read_motion(bag, ARM_JOINTS)
    assert len(motion.seams_ns) == 5


@pytest.mark.parametrize("without", [(), ("action_chunk",), ("joint_states",)])
def test_a_picture_is_drawn_of_whatever_is_there(write_bag, tmp_path, capsys, without) -> None:
    path = tmp_path / "motion.png"
    bag = write_bag(without=without)
    words = [str(bag), "-o", str(path), "--joints", "2", "7", "--from", "0.2", "--to", "1"]
    assert main(words) == 0
    picture = cv2.imread(str(path))
    assert picture.shape[1] > 1000
    assert picture.std() > 5
    assert capsys.readouterr().out.startswith(f"{path}: 0.8 s, ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--from", "9"], "lasts 2."),
        (["--from", "1", "--to", "0.5"], "--from < --to"),
        (["-o", "."], "is a folder"),
        (["-o", "gone/a.png"], "is no folder"),
        (["-o", "a.gone"], "not supported"),
    ],
)
def test_mistakes_end_in_one_line(write_bag, tmp_path, monkeypatch, capsys, words, text) -> None:
    bag = write_bag()
    monkeypatch.chdir(tmp_path)
    assert main([str(bag), *words]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.startswith("dust-plot: ")
    assert said.count("\n") == 1


def test_a_bag_without_motion_is_told(write_bag, tmp_path, capsys) -> None:
    bag = write_bag(without=("joint_states", "fr3_arm_controller/joint_trajectory"))
    assert main([str(bag), "-o", str(tmp_path / "a.png")]) == 2
    assert "neither" in capsys.readouterr().err
