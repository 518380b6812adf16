import numpy as np
import pytest

from dust_model.data.memory import MemoryDataset, cut
from dust_model.data.shuffle import in_order
from dust_model.data.window import Window


def episode(length=6, **change):
    random = np.random.default_rng(length)
    parts = {
        "views": {"side": random.integers(0, 256, (length, 4, 5, 3), dtype=np.uint8)},
        "state": random.normal(size=(length, 8)),
        "actions": random.normal(size=(length, 8)),
        "instruction": "wave",
        "window": Window(horizon=4),
        "primary_view": "side",
        "name": f"{length}",
    }
    return parts | change


def test_an_episode_is_cut_by_the_rule():
    parts = episode(embodiment=2)
    samples = cut(**parts)
    assert [s.key for s in samples] == [f"6/{i:06d}" for i in range(6)]
    for moment, sample in enumerate(samples):
        wanted = [min(moment + i, 5) for i in range(4)]
        np.testing.assert_array_equal(sample.actions, parts["actions"][wanted].astype(np.float32))
        assert sample.action_mask.all(1).tolist() == [moment + i <= 5 for i in range(4)]
        ahead = parts["views"]["side"][min(moment + 4, 5)]
        np.testing.assert_array_equal(sample.future, ahead)
        assert sample.embodiment == 2
    assert cut(**episode(primary_view=None))[0].future is None
    relative = cut(**episode(absolute=False))
    assert not relative[-1].actions[1:].any()


def test_datasets_give_samples_runs_and_all_numbers():
    episodes = [cut(**episode(3)), cut(**episode(5))]
    dataset = MemoryDataset(episodes)
    assert (len(dataset), dataset.lengths) == (8, (3, 5))
    assert dataset[3] is episodes[1][0]
    assert dataset.read(1, 2, 9) == episodes[1][2:]
    assert list(in_order(dataset, run=2)) == episodes[0] + episodes[1]
    assert dataset.states().shape == (8, 8)
    assert len(dataset.actions()) == (3 + 2 + 1) + (4 + 4 + 3 + 2 + 1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="side has 6 frames, state has 5"):
        cut(**episode(state=np.zeros((5, 8)), actions=np.zeros((5, 8))))
    for episodes in ([], [[]]):
        with pytest.raises(ValueError, match="at least one episode"):
            MemoryDataset(episodes)
