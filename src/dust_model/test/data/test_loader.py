from itertools import islice

import pytest
import torch

from dust_model.data.augment import Augmentation
from dust_model.data.collate import Collator, interleave
from dust_model.data.faults import DataError
from dust_model.data.lerobot import LeRobotDataset
from dust_model.data.loader import Loader
from dust_model.data.measure import measure


@pytest.fixture
def loader(write_dataset, robot):
    dataset = LeRobotDataset.open(write_dataset("v3.0", (20, 16, 24)).root, robot)
    state, action = measure(dataset.recording)
    collator = Collator(
        robot, state=state, action=action, image_size=14, augmentation=Augmentation()
    )

    def make(**options):
        settings = {"batch_size": 8, "lanes": 4, "run": 4, "buffer": 16, "seed": 5}
        return Loader(dataset, collator, **settings | options)

    return make


def assert_equal(found, expected):
    assert found.keys == expected.keys
    for name in ("views_pixels", "state", "actions", "action_mask", "future_pixels"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_nothing(loader, workers):
    expected = list(islice(loader().batches(), 6))
    found = list(islice(loader(workers=workers).batches(), 6))
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)


@pytest.mark.parametrize(("ranks", "workers"), [(2, 0), (2, 2), (4, 0)])
def test_processes_share_the_same_batches(loader, ranks, workers):
    whole = islice(loader().batches(), 5)
    shares = [
        islice(loader(workers=workers).batches(rank=rank, ranks=ranks), 5) for rank in range(ranks)
    ]
    for expected, *parts in zip(whole, *shares, strict=True):
        assert_equal(interleave(parts), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_go_on_where_they_stopped(loader, workers):
    whole = list(islice(loader().batches(), 15))  # 2 epochs
    rest = islice(loader(workers=workers).batches(first=11), 4)
    for found, expected in zip(rest, whole[11:], strict=True):
        assert_equal(found, expected)


def test_the_training_keeps_its_random_numbers(loader):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    next(loader(workers=2).batches())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_fault_is_its_clear_line_from_workers_too(loader, workers, tmp_path):
    batches = loader(workers=workers)
    for path in tmp_path.glob("**/*side/**/*.mp4"):
        path.unlink()
    with pytest.raises(DataError, match=r"^episode \d: [^\n]*mp4 is missing$"):
        list(islice(batches.batches(), 9))


def test_lanes_default_to_a_divisor_of_the_batch(loader):
    batch = next(loader(lanes=None, batch_size=12, run=2).batches(rank=1, ranks=3))
    assert len(batch) == 4


def test_wrong_arguments_are_refused(loader):
    for options, message in (
        ({"lanes": 3}, "lanes=3 must divide batch_size=8"),
        ({"batch_size": 0}, "batch_size must be >= 1, got 0"),
        ({"workers": -1}, "workers must be >= 0, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            loader(**options)
    with pytest.raises(ValueError, match="lanes=4 can't be shared out among 3 processes: set lan"):
        loader().batches(ranks=3)
    with pytest.raises(ValueError, match=r"rank must lie in 0..ranks-1=1, got 2"):
        loader().batches(rank=2, ranks=2)
