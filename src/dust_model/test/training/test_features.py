from dataclasses import replace

import numpy as np
import pytest
import torch

from dust_model.data.encoded import EncodedEpisode, EpisodeFile
from dust_model.data.faults import DataError
from dust_model.data.memory import cut
from dust_model.data.window import Window
from dust_model.training.features import EncodedSource, encode_episodes, pad_left

LENGTHS = (5, 70, 40)


class Pictures:
    """Episodes whose pictures tell which frame of which episode they are."""

    identity = "pictures"
    names = ("000000", "000001", "000004")
    lengths = LENGTHS

    def __init__(self):
        window = Window(horizon=16)
        self.reads = []
        self._window = window
        self._episodes = []
        for number, length in enumerate(LENGTHS):
            frames = np.zeros((length, 2, 2, 3), np.uint8)
            frames[..., 0], frames[..., 1] = number, np.arange(length)[:, None, None]
            table = np.arange(length)[:, None] * np.ones((1, 3))
            text = "pick" * (number + 1)
            self._episodes.append(
                cut({"side": frames}, table, table, text, window=window, primary_view="side")
            )

    def read(self, episode, start, stop):
        self.reads.append((episode, start, stop))
        return self._episodes[episode][start:stop]

    def read_numbers(self, episode, start, stop):
        samples = self._episodes[episode][start:stop]
        return [replace(sample, views={}, future=None) for sample in samples]

    def future_of(self, episode, moment):
        return self._window.future(moment, LENGTHS[episode])


def encode(samples):
    """Return token rows whose number and value follow from the sample, and its frame."""
    rows = [torch.full((len(s.instruction), 3), float(s.views["side"][0, 0, 1])) for s in samples]
    frames = torch.tensor([[[float(s.views["side"][0, 0, 1])] * 2] for s in samples])
    return rows, frames


def test_every_moment_comes_back_with_its_own_future(tmp_path):
    source = Pictures()
    encode_episodes(source, tmp_path, encode, progress=False)
    encoded = EncodedSource(source, tmp_path)
    assert encoded.lengths == LENGTHS
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}.safetensors" for name in source.names
    ]
    for episode, length in enumerate(LENGTHS):
        for start, stop in ((0, length), (length // 2, length // 2 + 3), (length - 1, length)):
            samples = encoded.read(episode, start, stop)
            pictured = source.read(episode, start, stop)
            assert len(samples) == len(pictured)
            for sample, original in zip(samples, pictured, strict=True):
                frame = original.views["side"][0, 0, 1]
                assert sample.encoded.hidden.shape == (4 * (episode + 1), 3)
                assert (sample.encoded.hidden == frame).all()
                assert (sample.encoded.future == original.future[0, 0, 1]).all()
                assert (sample.actions == original.actions).all()
                assert not sample.views


def test_what_is_there_is_not_encoded_again(tmp_path):
    source = Pictures()
    encode_episodes(source, tmp_path, encode, progress=False)
    source.reads.clear()
    encode_episodes(source, tmp_path, encode, progress=False)
    assert source.reads == []
    damaged = tmp_path / "000004.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:100])
    (tmp_path / "000000.safetensors").unlink()
    encode_episodes(source, tmp_path, encode, progress=False)
    assert {episode for episode, *_ in source.reads} == {0, 2}


def test_processes_share_the_episodes(tmp_path):
    first, second = Pictures(), Pictures()
    names = [path.name for path in tmp_path.iterdir()]
    assert names == []
    encode_episodes(first, tmp_path / "a", encode, rank=0, ranks=2, progress=False)
    encode_episodes(second, tmp_path / "b", encode, rank=1, ranks=2, progress=False)
    assert {episode for episode, *_ in first.reads} == {0, 2}
    assert {episode for episode, *_ in second.reads} == {1}


def test_a_damaged_file_is_named(tmp_path):
    source = Pictures()
    encode_episodes(source, tmp_path, encode, progress=False)
    encoded = EncodedSource(source, tmp_path)
    (tmp_path / "000001.safetensors").write_bytes(b"x" * 99)
    with pytest.raises(DataError, match=r"000001.safetensors can't be read: delete it"):
        encoded.read(1, 0, 4)


def test_an_episode_is_written_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    episode = EncodedEpisode([torch.ones(2, 3)], torch.ones(1, 4, 5))

    def full(parts, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dust_model.data.encoded.save_file", full)
    with pytest.raises(DataError, match=r"No space left on device.*free some space"):
        episode.write(tmp_path / "000000.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_what_exceeds_half_precision_is_refused(tmp_path):
    episode = EncodedEpisode([torch.full((2, 3), 1e6)], torch.ones(1, 4, 5))
    with pytest.raises(DataError, match="000000: features exceed half precision"):
        episode.write(tmp_path / "000000.safetensors")
    assert EpisodeFile(tmp_path / "000000.safetensors").length() is None


def test_rows_are_padded_on_the_left():
    rows = [torch.ones(2, 3), torch.ones(4, 3) * 2]
    stacked, mask = pad_left(rows)
    assert stacked.shape == (2, 4, 3)
    assert mask.tolist() == [[False, False, True, True], [True] * 4]
    assert torch.equal(stacked[0, 2:], rows[0])
    assert not stacked[0, :2].any()
