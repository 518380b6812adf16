import json

import numpy as np
import pytest
import torch

from dust_model.data.layout import Layout
from dust_model.data.measure import (
    ChannelMeter,
    differences,
    measure,
    stored,
    summarise,
    vector_features,
)
from dust_model.data.recording import Recording
from dust_model.statistics import Scaling


def test_statistics_are_those_of_all_frames(write_dataset):
    truth = write_dataset("v3.0")
    state, action = measure(Recording.open(truth.root), Scaling.Q99)
    values = np.concatenate(truth.state).astype(np.float64)
    for name, expected in (
        ("mean", values.mean(0)),
        ("std", values.std(0)),
        ("min", values.min(0)),
        ("max", values.max(0)),
        ("q01", np.quantile(values, 0.01, 0)),
        ("q99", np.quantile(values, 0.99, 0)),
    ):
        np.testing.assert_allclose(getattr(state, name), expected, rtol=1e-12)
    assert action.scaling == (Scaling.Q99,) * 8


def test_groups_can_be_scaled_otherwise(write_dataset):
    truth = write_dataset()
    values = {
        kind: {"arm": {"start": 0, "end": 7}, "gripper": {"start": 7, "end": 8}}
        for kind in ("state", "action")
    }
    path = truth.root / "meta" / "modality.json"
    path.write_text(json.dumps(values | {"video": {}}))
    recording = Recording.open(truth.root)
    state, action = measure(recording, exceptions={"action.gripper": Scaling.BINARY})
    assert action.scaling == (*[Scaling.MIN_MAX] * 7, Scaling.BINARY)
    assert state.scaling == (Scaling.MIN_MAX,) * 8
    with pytest.raises(ValueError, match=r"there is no action\.hand in the dataset's modality"):
        measure(recording, exceptions={"action.hand": Scaling.BINARY})


def test_stored_episodes_put_together_are_what_is_measured(write_dataset):
    truth = write_dataset("v2.1", (9, 6, 40))
    name, known = stored(Layout.read(truth.root))
    assert name == "episodes_stats.jsonl"
    measured = {"observation.state": summarise(np.concatenate(truth.state))}
    for measure_name in ("mean", "std", "min", "max"):
        np.testing.assert_allclose(
            known["observation.state"][measure_name],
            measured["observation.state"][measure_name],
            rtol=1e-5,
            atol=1e-6,
        )
    assert differences(measured, known) == []
    measured["observation.state"]["max"][3] += 1
    (line,) = differences(measured, known)
    assert line.startswith("observation.state max, column 3: stored ")
    assert differences({"action": summarise(np.zeros((2, 3)))}, known)[0] == (
        "action mean: not stored for 3 columns"
    )


def test_nothing_stored_and_nonsense_stored(write_dataset):
    truth = write_dataset("v3.0")
    assert stored(Layout.read(truth.root)) is None
    (truth.root / "meta" / "stats.json").write_text("{")
    with pytest.raises(ValueError, match="statistics can't be read"):
        stored(Layout.read(truth.root))


def test_float_vectors_are_found(write_dataset):
    layout = Layout.read(write_dataset().root)
    names = [group.name for group in vector_features(layout).state]
    assert names == ["observation.state", "action"]


@pytest.mark.parametrize("sizes", [(1,), (3, 1, 50), (200, 200)])
def test_the_meter_measures_channels_in_pieces(sizes):
    values = torch.randn(sum(sizes), 4, 6, generator=torch.Generator().manual_seed(0))
    values = values * torch.arange(1, 7) + 1000
    meter = ChannelMeter(6)
    for piece in values.split(list(sizes)):
        meter.add(piece)
    rows = values.double().reshape(-1, 6)
    np.testing.assert_allclose(meter.result().mean, rows.mean(0), rtol=1e-9)
    np.testing.assert_allclose(meter.result().std, rows.std(0, correction=0), rtol=1e-7)


def test_the_meter_needs_data_and_keeps_still_channels_finite():
    meter = ChannelMeter(2)
    with pytest.raises(ValueError, match="no embedding was counted in"):
        meter.result()
    meter.add(torch.tensor([[1.0, 2.0], [1.0, 4.0]]))
    assert meter.result().std == (1e-6, 1.0)
