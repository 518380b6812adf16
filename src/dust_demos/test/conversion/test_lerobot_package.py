"""What dust-convert writes loads in the real lerobot package, frame for frame as in our reader."""

import json

import numpy as np
import pytest

from dust_demos.conversion.convert import main
from dust_model.data.lerobot import LeRobotDataset as OurDataset
from dust_model.robot import RobotSpec

lerobot = pytest.importorskip(
    "lerobot.datasets.lerobot_dataset", reason="the package lerobot is not installed"
)


def test_lerobot_reads_the_same(write_bag, tmp_path, truth):
    for number in range(3):
        write_bag(f"take_{number}", instruction=("pick", "place")[number % 2])
    root = tmp_path / "out"
    assert main([str(tmp_path / "bags"), str(root), "--quiet", "--workers", "1"]) == 0
    theirs = lerobot.LeRobotDataset("local/demos", root=root)
    ours = OurDataset.open(root, RobotSpec())
    assert len(theirs) == len(ours)
    assert theirs.meta.total_episodes == 3
    assert set(theirs.meta.stats) == set(json.loads((root / "meta" / "stats.json").read_text()))
    for index in range(0, len(ours), 7):
        item, sample = theirs[index], ours[index]
        np.testing.assert_array_equal(item["observation.state"].numpy(), sample.state)
        np.testing.assert_array_equal(item["action"].numpy(), sample.actions[0])
        assert item["task"] == sample.instruction
        for view, frame in sample.views.items():
            pixels = item[f"observation.images.{view}"].numpy().transpose(1, 2, 0) * 255
            np.testing.assert_allclose(pixels, frame, atol=2)
            assert truth.number_in(pixels) == truth.number_in(frame)


def test_lerobot_gives_chunks_of_actions(write_bag, tmp_path):
    write_bag()
    root = tmp_path / "out"
    assert main([str(tmp_path / "bags"), str(root), "--quiet", "--workers", "1"]) == 0
    steps = [i / 15 for i in range(16)]
    theirs = lerobot.LeRobotDataset("local/demos", root=root, delta_timestamps={"action": steps})
    ours = OurDataset.open(root, RobotSpec())
    for index in (0, 20, len(ours) - 3):
        np.testing.assert_array_equal(theirs[index]["action"].numpy(), ours[index].actions)
        np.testing.assert_array_equal(
            ~theirs[index]["action_is_pad"].numpy(), ours[index].action_mask[:, 0]
        )
