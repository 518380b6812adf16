"""What is measured of the demonstrations."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from dust_model.data.lerobot import LeRobotDataset
from dust_model.data.measure import measure
from dust_model.robot import RobotSpec
from dust_model.training.config import DataConfig
from dust_model.training.demonstrations import Demonstrations

_SPEC = importlib.util.spec_from_file_location(
    "datasets", Path(__file__).parents[1] / "data" / "conftest.py"
)
_datasets = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_datasets)
write_dataset = _datasets.write_dataset

ROBOT = RobotSpec(horizon=4)


def opened(*roots, **options):
    config = DataConfig(datasets=tuple(map(str, roots)), **options)
    return Demonstrations.open(config, ROBOT, future=True, seed=0)


def numbers(kind, truths):
    """Return state or action of the training episodes, from what was written."""
    parts = [LeRobotDataset.open(truth.root, ROBOT).split(0.34, seed=0)[0] for truth in truths]
    chosen = [
        getattr(truth, kind)[int(name)]
        for truth, part in zip(truths, parts, strict=True)
        for name in part.names
    ]
    assert 0 < len(chosen) < sum(len(truth.state) for truth in truths)
    return np.concatenate(chosen)


@pytest.mark.parametrize("datasets", [1, 2])
def test_held_out_episodes_decide_about_no_statistics(write_dataset, datasets):
    truths = [write_dataset(), write_dataset(lengths=(7, 8, 9, 10))][:datasets]
    found = opened(*(truth.root for truth in truths), validation=0.34)
    for kind, measured in (("state", found.state), ("action", found.action)):
        table = numbers(kind, truths)
        for name in ("mean", "std", "min", "max"):
            np.testing.assert_allclose(getattr(measured, name), getattr(table, name)(0), rtol=1e-5)


def test_the_steps_of_relative_actions_are_measured_without_them_too(write_dataset):
    root = write_dataset(lengths=(9, 6, 11, 8)).root
    whole, part = opened(root, relative=True), opened(root, relative=True, validation=0.34)
    assert whole.action.step_std != part.action.step_std


def test_without_validation_all_episodes_are_measured(write_dataset):
    truth = write_dataset()
    found = opened(truth.root)
    whole = measure(LeRobotDataset.open(truth.root, ROBOT).recording)
    assert (found.state, found.action) == whole
