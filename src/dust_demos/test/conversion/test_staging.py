from dataclasses import replace

import numpy as np
import pytest

from dust_demos.conversion.clips import Codec, Encoding
from dust_demos.conversion.faults import Gate, LeftOut
from dust_demos.conversion.staging import Settings, load, stage
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import Outcome
from dust_model.data.video import read_frames

SETTINGS = Settings(trim=None)


@pytest.fixture
def staged(tmp_path):
    def run(bag, settings=SETTINGS):
        stage(bag, bag.name, tmp_path / "stage" / bag.name, settings)
        return load(tmp_path / "stage" / bag.name)

    return run


def frames(episode, camera):
    times = [i / 15 for i in range(len(episode))]
    return read_frames(episode.clip(camera), times, tolerance=1e-3)


def test_an_episode_lies_ready_whole(write_bag, staged, truth, tmp_path):
    episode = staged(write_bag())
    assert len(episode) == 45
    assert episode.facts["instruction"] == "pick up the red cube"
    assert episode.sizes == truth.sizes
    for camera in truth.sizes:
        assert [truth.number_in(f) for f in frames(episode, camera)] == list(range(8, 53))
    assert [path.name for path in (tmp_path / "stage").iterdir()] == ["take"]


def test_colours_are_those_of_the_rows(write_bag, staged, truth):
    episode = staged(write_bag())
    found = np.ravel(episode.colours["side"].statistics()["mean"])
    shown = np.array([truth.picture("side", i)[..., ::-1] for i in range(8, 53)]) / 255
    np.testing.assert_allclose(found, shown.mean((0, 1, 2)), atol=0.01)
    assert episode.colours["side"].images == 45


def test_a_repeated_image_is_shown_repeatedly(write_bag, staged, truth):
    episode = staged(write_bag(camera_hz=5.0))
    numbers = [truth.number_in(f) for f in frames(episode, "wrist")]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 15
    assert len(numbers) in (43, 44, 45)


def test_raw_images_and_another_size(write_bag, staged, truth):
    settings = replace(SETTINGS, size=(192, 128), encoding=Encoding(Codec.H264, 10))
    episode = staged(write_bag(raw_images=True), settings)
    assert episode.sizes == {"wrist": (192, 128), "side": (192, 128)}
    assert [truth.number_in(f, scale=2) for f in frames(episode, "side")] == list(range(8, 53))


def test_another_rate(write_bag, staged, truth):
    episode = staged(write_bag(camera_hz=30.0), replace(SETTINGS, fps=30.0))
    assert len(episode) == 91
    times = [i / 30 for i in range(91)]
    shown = read_frames(episode.clip("side"), times, tolerance=1e-3)
    assert [truth.number_in(f) for f in shown] == list(range(15, 106))


def test_why_an_episode_is_left_out(write_bag, staged, truth):
    def cut(path):
        file = next(path.glob("*.mcap"))
        file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])
        return path

    odd = {"wrist": (63, 47), "side": truth.sizes["side"]}
    side = "/zed_side/zed_node/rgb/color/rect/image/compressed"
    for name, bag, gate, words in (
        ("failed", write_bag("failed", outcome=3), Gate.OUTCOME, "outcome failure"),
        ("endless", write_bag("endless", end=9.0), Gate.EPISODE, "never ended"),
        ("cut", cut(write_bag("cut")), Gate.EPISODE, "cut off"),
        ("blind", write_bag("blind", without=(side,)), Gate.MISSING, "camera side"),
        ("jump", write_bag("jump", clock=lambda t: 5.0 * (t > 2)), Gate.CLOCK, "clock jumps"),
        ("gap", write_bag("gap", silent={"/joint_states": (1.5, 2.5)}), Gate.GAP, "is silent for"),
        ("blink", write_bag("blink", silent={side: (1.5, 2.5)}), Gate.GAP, "camera side"),
        ("short", write_bag("short", end=1.0), Gate.LENGTH, "only 0.5"),
        ("odd", write_bag("odd", sizes=odd), Gate.IMAGE, "odd side"),
    ):
        found = staged(bag)
        assert isinstance(found, LeftOut), name
        assert (found.bag, found.gate) == (name, gate)
        assert words in found.reason
        assert "\n" not in found.reason


def test_what_is_no_bag_is_left_out(tmp_path, staged):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "metadata.yaml").write_text("x")
    found = staged(empty)
    assert found.gate is Gate.BAG
    assert "empty" in found.reason
    noise = tmp_path / "noise.mcap"
    noise.write_bytes(b"\x89MCAP0\r\n" + bytes(range(256)) * 9)
    assert staged(noise).gate in (Gate.BAG, Gate.EPISODE)


def test_messages_cut_short_are_a_fault_of_the_bag(write_bag, staged, monkeypatch):
    raw = Bag.raw

    def cut(self, topics=None, **limits):
        for connection, time_ns, data in raw(self, topics, **limits):
            yield connection, time_ns, data if "zed_wrist" not in connection.topic else data[:6]

    monkeypatch.setattr(Bag, "raw", cut)
    found = staged(write_bag())
    assert found.gate is Gate.BAG
    assert found.reason.startswith("is damaged: error('unpack_from requires a buffer")


def test_other_outcomes_can_be_kept(write_bag, staged):
    bag = write_bag(outcome=3)
    assert isinstance(staged(bag), LeftOut)
    kept = replace(SETTINGS, outcomes=(Outcome.SUCCESS, Outcome.FAILURE))
    stage(bag, "again", bag.parent / "again", kept)
    assert len(load(bag.parent / "again")) == 45


def test_an_error_of_the_disk_is_no_fault_of_the_bag(write_bag, tmp_path):
    (tmp_path / "stage").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="stage"):
        stage(write_bag(), "take", tmp_path / "stage" / "take", SETTINGS)


def test_a_draft_of_an_earlier_run_is_not_in_the_way(write_bag, staged, tmp_path):
    draft = tmp_path / "stage" / "take.draft"
    draft.mkdir(parents=True)
    (draft / "left_out.json").write_text("{}")
    assert len(staged(write_bag())) == 45
    assert not draft.exists()
