"""A bag becomes sets of images, joint states and commands; what is missing is told."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_view.fr3 import ARM_JOINTS
from dust_view.rehearsal.player import as_png
from dust_view.rehearsal.recording import Recording, paired

TOPICS = {view: f"zed_{view}/zed_node/rgb/color/rect/image" for view in ("wrist", "side")}
NS = 1_000_000_000


def opened(path, **choices) -> Recording:
    return Recording.open(path, image_topics=TOPICS, joint_names=ARM_JOINTS, **choices)


@pytest.mark.parametrize("namespace", ["", "/lab"])
@pytest.mark.parametrize("raw", [False, True])
def test_sets_joints_and_commands_are_read(write_bag, namespace, raw) -> None:
    path = write_bag(namespace=namespace, raw_images=raw)
    with opened(path) as recording:
        assert recording.instruction == "pick up the blue cube"
        assert recording.commands.source == "fr3_arm_controller/controller_state"
        assert len(recording.joints) == 60
        assert recording.joints[0].of(ARM_JOINTS).shape == (7,)
        shown = list(recording.read_sets())
        assert [images.stamps_ns for images in shown] == [s.stamps_ns for s in recording.sets]
        assert len(shown) == 27  # of 1.8 s between start and end of the episode
        assert all(set(images.images) == {"wrist", "side"} for images in shown)
        assert recording.is_raw("wrist") is raw
        if raw:
            packed = as_png(recording.decode_image("side", shown[0].images["side"]))
            pixels = cv2.imdecode(np.array(packed.data), cv2.IMREAD_COLOR)
            assert pixels.shape == (48, 64, 3)
            assert pixels[0, 40].tolist() == [90, 90, 90]
            assert (pixels == (0, 0, 255)).all(axis=2).any()
            assert packed.header.frame_id == "zed_side_left_camera_frame_optical"


def test_a_part_can_be_rehearsed(write_bag) -> None:
    with opened(write_bag(), start=0.5, duration=0.5) as recording:
        stamps = [images.stamp_ns for images in recording.sets]
        assert 7 <= len(stamps) <= 8
        assert len(list(recording.read_sets())) == len(stamps)


def test_commands_may_come_from_the_executors_state(write_bag) -> None:
    with opened(write_bag(without=("fr3_arm_controller/controller_state",))) as recording:
        assert recording.commands.source == "executor_state"
        inside, positions = recording.commands.at(recording.commands.times_ns[[0, 5]])
        assert inside.all()
        np.testing.assert_allclose(positions, recording.commands.positions[[0, 5]])


def test_commands_may_be_missing(write_bag) -> None:
    silent = ("fr3_arm_controller/controller_state", "executor_state")
    with opened(write_bag(without=silent)) as recording:
        inside, positions = recording.commands.at(np.array([0, 1], np.int64))
        assert not inside.any()
        assert positions.shape == (0, 7)


@pytest.mark.parametrize(
    ("changes", "choices", "words"),
    [
        ({"without": ("joint_states",)}, {}, "no joint states on /joint_states"),
        ({"without": (f"{TOPICS['side']}/compressed",)}, {}, "no images on /zed_side"),
        ({}, {"start": 50.0}, "from 50 s on"),
    ],
)
def test_what_is_missing_is_told(write_bag, changes, choices, words) -> None:
    with pytest.raises(ValueError, match=words):
        opened(write_bag(**changes), **choices)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 200), min_size=2, max_size=40),
    st.lists(st.integers(1, 200), min_size=2, max_size=40),
)
def test_pairs_are_close_increasing_and_share_no_image(wrist, side) -> None:
    stamps = {"wrist": np.cumsum(wrist).tolist(), "side": np.cumsum(side).tolist()}
    sets = paired(stamps)
    lead = min(stamps.values(), key=len)
    reach = np.median(np.diff(lead)) / 2
    for before, after in pairwise(sets):
        assert all(before.stamps_ns[view] < after.stamps_ns[view] for view in stamps)
    for images in sets:
        assert abs(images.stamps_ns["wrist"] - images.stamps_ns["side"]) <= reach
        assert all(images.stamps_ns[view] in stamps[view] for view in stamps)


def test_two_steady_cameras_give_a_set_per_period() -> None:
    grid = np.arange(30) * NS // 15
    sets = paired({"wrist": grid.tolist(), "side": (grid + 20_000_000).tolist()})
    assert len(sets) == 30
