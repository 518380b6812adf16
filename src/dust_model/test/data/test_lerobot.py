import json
import pickle
import re
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
from torch.utils.data import DataLoader

from dust_model.data.faults import DataError, OnFault
from dust_model.data.lerobot import LeRobotDataset
from dust_model.data.shuffle import ShuffledStream, in_order
from dust_model.robot import RobotSpec

VERSIONS = ("v2.0", "v2.1", "v3.0")
TEXTS = ("pick up the red cube", "open the drawer")


def moments(truth):
    return [(episode, i) for episode, length in enumerate(truth.lengths) for i in range(length)]


def assert_is(sample, truth, episode, moment, *, horizon, stride=1):
    """Compare with what was written, one value at a time."""
    for view, frames in truth.frames[episode].items():
        np.testing.assert_array_equal(sample.views[view], frames[moment])
    np.testing.assert_array_equal(sample.state, truth.state[episode][moment])
    last = truth.lengths[episode] - 1
    for step in range(horizon):
        wanted = moment + step * stride
        np.testing.assert_array_equal(
            sample.actions[step], truth.action[episode][min(wanted, last)]
        )
        assert sample.action_mask[step].tolist() == [wanted <= last] * 8
    ahead = min(moment + horizon * stride, last)
    np.testing.assert_array_equal(sample.future, truth.frames[episode]["side"][ahead])
    assert sample.instruction == TEXTS[truth.task[episode][moment]]
    assert sample.key == f"{episode:06d}/{moment:06d}"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_sample_is_what_was_written(version, write_dataset, robot):
    truth = write_dataset(version)
    dataset = LeRobotDataset.open(truth.root, robot)
    assert len(dataset) == sum(truth.lengths)
    assert dataset.lengths == tuple(truth.lengths)
    for index, (episode, moment) in enumerate(moments(truth)):
        assert_is(dataset[index], truth, episode, moment, horizon=4)


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_runs_are_what_was_written(version, write_dataset, robot):
    truth = write_dataset(version)
    dataset = LeRobotDataset.open(truth.root, robot)
    for run in (1, 4, 100):
        samples = list(in_order(dataset, run=run))
        for sample, (episode, moment) in zip(samples, moments(truth), strict=True):
            assert_is(sample, truth, episode, moment, horizon=4)


def test_an_index_counts_from_the_end_too(write_dataset, robot):
    dataset = LeRobotDataset.open(write_dataset().root, robot)
    assert dataset[-1].key == dataset[len(dataset) - 1].key
    with pytest.raises(IndexError, match="sample 26 of 26"):
        dataset[26]


def test_a_slower_robot_takes_every_second_frame(write_dataset):
    truth = write_dataset(fps=30)
    robot = RobotSpec(horizon=3)
    dataset = LeRobotDataset.open(truth.root, robot)
    for index, (episode, moment) in enumerate(moments(truth)):
        assert_is(dataset[index], truth, episode, moment, horizon=3, stride=2)


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize(("fps", "ahead"), [(15, 4), (5, 1), (30, 8), (7, 2)])
def test_videos_alone_may_be_of_any_robot_and_rate(version, fps, ahead, make_videos_only):
    """The future view is the frame nearest to 4 periods of 1/15 s later, 0.27 s."""
    truth = make_videos_only(version, fps=fps)
    dataset = LeRobotDataset.open(
        truth.root,
        RobotSpec(horizon=4),
        cameras={"wrist": "image_0", "side": "image_0"},
        videos_only=True,
    )
    assert not dataset.recording.has_numbers
    for index, (episode, moment) in enumerate(moments(truth)):
        sample, frames = dataset[index], truth.frames[episode]["side"]
        for view in ("wrist", "side"):
            np.testing.assert_array_equal(sample.views[view], frames[moment])
        then = min(moment + ahead, len(frames) - 1)
        np.testing.assert_array_equal(sample.future, frames[then])
        assert sample.instruction == TEXTS[truth.task[episode][moment]]
        assert sample.state.tolist() == [0.0] * 8
        assert sample.actions.shape == sample.action_mask.shape == (4, 8)
        assert not sample.actions.any()
        assert not sample.action_mask.any()


def test_numbers_are_not_looked_at_where_videos_alone_count(write_dataset):
    """Other columns than the robot's, and broken ones, do not matter then."""
    truth = write_dataset(fps=5)
    narrow = RobotSpec(horizon=4, joint_names=("slide",))
    dataset = LeRobotDataset.open(truth.root, narrow, videos_only=True)
    assert dataset[3].state.shape == (2,)
    assert not dataset[3].action_mask.any()
    training, held = dataset.split(0.4)
    assert not held[0].action_mask.any()
    assert training.window == held.window == dataset.window


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cameras": {"wrist": "image_0", "side": "image_0"}},
            "no feature 'observation.state' and no modality.json that names another; only "
            "action-free training (noise.action_free=true noise.state_drop=1.0) goes without",
        ),
        ({"videos_only": True}, "has no video for the view wrist, side; it has image_0: name them"),
        ({"cameras": {"side": "front"}}, "there is no camera 'front', only image_0"),
    ],
)
def test_a_dataset_of_videos_is_used_for_what_it_can_serve(make_videos_only, options, message):
    truth = make_videos_only()
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        LeRobotDataset.open(truth.root, RobotSpec(horizon=4), **options)
    assert str(truth.root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_few_frames_for_a_future_are_refused(make_videos_only):
    cameras = {"wrist": "image_0", "side": "image_0"}
    with pytest.raises(ValueError, match=r"has 1 frames/s: too few for a future image 0\.267 s"):
        LeRobotDataset.open(
            make_videos_only(fps=1).root, RobotSpec(horizon=4), cameras=cameras, videos_only=True
        )


def test_another_rate_is_refused(write_dataset):
    truth = write_dataset(fps=20)
    with pytest.raises(ValueError, match=r"has 20 frames/s and the robot acts at 15 Hz"):
        LeRobotDataset.open(truth.root, RobotSpec())


def test_without_future_no_future_is_decoded(write_dataset, robot):
    other = replace(robot, embodiment=3)
    dataset = LeRobotDataset.open(write_dataset().root, other, future=False)
    assert dataset[0].future is None
    assert dataset[0].embodiment == 3


def test_the_loss_may_count_actions_behind_the_end(write_dataset, robot):
    dataset = LeRobotDataset.open(write_dataset().root, robot, learn_end=True)
    assert all(sample.action_mask.all() for sample in in_order(dataset))


def test_groups_can_be_chosen_and_reordered(write_dataset, robot):
    truth = write_dataset()
    values = {
        "state": {"arm": {"start": 0, "end": 7}, "gripper": {"start": 7, "end": 8}},
        "action": {
            "arm": {"start": 0, "end": 7, "absolute": False},
            "gripper": {"start": 7, "end": 8},
        },
        "video": {
            "wrist": {"original_key": "observation.images.side"},
            "side": {"original_key": "observation.images.wrist"},
        },
        "annotation": {"human.task_description": {"original_key": "task_index"}},
    }
    (truth.root / "meta" / "modality.json").write_text(json.dumps(values))
    dataset = LeRobotDataset.open(
        truth.root, robot, state=("gripper", "arm"), action=("gripper", "arm")
    )
    last = dataset.read(0, 8, 9)[0]
    np.testing.assert_array_equal(last.state, np.roll(truth.state[0][8], 1))
    np.testing.assert_array_equal(last.actions[0], np.roll(truth.action[0][8], 1))
    assert last.actions[1:, 0].tolist() == [truth.action[0][8, 7]] * 3  # absolute: held
    assert not last.actions[1:, 1:].any()  # relative: no motion
    np.testing.assert_array_equal(last.views["wrist"], truth.frames[0]["side"][8])


def test_what_the_robot_needs_must_be_there(write_dataset, robot):
    truth = write_dataset()
    other = replace(robot, views=("wrist", "side", "top"))
    with pytest.raises(ValueError, match=r"no video for the view top; it has wrist, side"):
        LeRobotDataset.open(truth.root, other)
    arm = RobotSpec(joint_names=("a", "b"), units=("rad", "rad", ""))
    with pytest.raises(ValueError, match=r"the state has 8 columns \(state 8\), the robot 3"):
        LeRobotDataset.open(truth.root, arm)


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_faulty_videos_are_named_or_left_out(version, write_dataset, encode, robot):
    truth = write_dataset(version, lengths=(5, 5, 5, 5))
    videos = sorted(truth.root.glob("videos/**/*wrist/**/*.mp4"))
    broken = videos[-1]
    whole = broken.read_bytes()
    lost = {"v2.1": (3,), "v3.0": (2, 3)}[version]  # in v3.0 two episodes share the file
    faults = {
        "is missing": broken.unlink,
        "can't be decoded": lambda: broken.write_bytes(whole[: len(whole) // 2]),
        "its last frame is due at": lambda: encode(broken, truth.frames[3]["wrist"][:2]),
    }
    for reason, damage in faults.items():
        broken.write_bytes(whole)
        damage()
        with pytest.raises(DataError, match=f"^episode {lost[0]}: .*wrist.*{reason}") as caught:
            LeRobotDataset.open(truth.root, robot)
        assert "\n" not in str(caught.value)
        dataset = LeRobotDataset.open(truth.root, robot, on_fault=OnFault.SKIP)
        assert len(dataset) == 5 * (4 - len(lost))
        assert [fault.episode for fault in dataset.left_out] == list(lost)
        assert all(reason in fault.reason for fault in dataset.left_out)
        assert_is(dataset[4], truth, 0, 4, horizon=4)


def test_a_frame_that_breaks_while_decoding_is_named(write_dataset, robot):
    truth = write_dataset(lengths=(30,))
    dataset = LeRobotDataset.open(truth.root, robot)
    path = next(truth.root.glob("videos/**/*side/*.mp4"))
    whole = bytearray(path.read_bytes())
    start = whole.index(b"mdat") + 4
    end = whole.rindex(b"moov") - 4
    middle = (start + end) // 2
    whole[middle:end] = bytes(end - middle)
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match=r"^episode 0: .*side.*episode_000000.mp4 ") as caught:
        list(in_order(dataset))
    assert "\n" not in str(caught.value)


def test_all_episodes_faulty_is_an_error_also_when_skipping(write_dataset, robot):
    truth = write_dataset()
    for path in truth.root.glob("videos/**/*.mp4"):
        path.unlink()
    with pytest.raises(DataError, match=r"no episode is whole; episode 2 left out: .*is missing"):
        LeRobotDataset.open(truth.root, robot, on_fault=OnFault.SKIP)


def test_a_split_keeps_episodes_whole_and_apart(write_dataset, robot):
    dataset = LeRobotDataset.open(write_dataset(lengths=(3, 4, 5, 6, 7)).root, robot)
    training, held = dataset.split(0.4, seed=1)
    assert len(held.lengths) == 2
    names = [{s.key[:6] for s in in_order(part)} for part in (training, held)]
    assert not names[0] & names[1]
    assert len(training) + len(held) == len(dataset)
    again = dataset.split(0.4, seed=1)[1]
    assert [s.key for s in in_order(again)] == [s.key for s in in_order(held)]
    with pytest.raises(ValueError, match="share must lie between 0 and 1"):
        dataset.split(1.0)


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_read_every_sample_once(context, write_dataset, robot):
    truth = write_dataset("v3.0")
    dataset = LeRobotDataset.open(truth.root, robot)
    stream = ShuffledStream(dataset, epochs=1, run=4, buffer=8, lanes=4)
    loader = DataLoader(
        stream, batch_size=2, num_workers=2, collate_fn=list, multiprocessing_context=context
    )
    samples = [sample for batch in loader for sample in batch]
    assert sorted(s.key for s in samples) == [f"{e:06d}/{i:06d}" for e, i in moments(truth)]
    starts = [0, *accumulate(truth.lengths)]
    for sample in samples[::5]:
        episode, moment = map(int, sample.key.split("/"))
        assert_is(sample, truth, episode, moment, horizon=4)
        assert_is(dataset[starts[episode] + moment], truth, episode, moment, horizon=4)


def test_a_dataset_survives_pickling(write_dataset, robot):
    dataset = LeRobotDataset.open(write_dataset().root, robot)
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy[7].views["side"], dataset[7].views["side"])
