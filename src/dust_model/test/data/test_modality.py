import json
from copy import deepcopy

import pytest

from dust_model.data.modality import Modality

# In the words of GR00T's documentation.
GR00T = {
    "state": {
        "left_arm": {"start": 0, "end": 7},
        "left_hand": {"start": 7, "end": 13, "original_key": "observation.hand"},
    },
    "action": {
        "eef_position_delta": {"start": 0, "end": 3, "absolute": False},
        "eef_rotation_delta": {
            "start": 3,
            "end": 6,
            "absolute": False,
            "rotation_type": "axis_angle",
        },
        "gripper_close": {
            "start": 6,
            "end": 7,
            "dtype": "float64",
            "range": [0, 1],
            "original_key": None,
        },
    },
    "video": {"ego_view": {"original_key": "observation.images.ego_view"}, "side": {}},
    "annotation": {
        "human.action.task_description": {},
        "human.validity": {"original_key": "valid"},
    },
}


def test_groups_videos_and_annotations_are_read():
    modality = Modality.parse(GR00T)
    assert [(g.name, g.start, g.end, g.original_key) for g in modality.state] == [
        ("left_arm", 0, 7, "observation.state"),
        ("left_hand", 7, 13, "observation.hand"),
    ]
    assert [g.absolute for g in modality.action] == [False, False, True]
    assert modality.action[1].rotation_type == "axis_angle"
    assert modality.action[2].range == (0.0, 1.0)
    assert modality.action[2].original_key == "action"
    assert modality.video == {
        "ego_view": "observation.images.ego_view",
        "side": "observation.images.side",
    }
    assert modality.instruction == ("annotation.human.action.task_description", "task_index")


def test_a_plain_dataset_needs_none():
    features = {
        "observation.state": {"dtype": "float32", "shape": [9]},
        "action": {"dtype": "float32", "shape": [8]},
        "observation.images.top": {"dtype": "video", "shape": [4, 4, 3]},
        "timestamp": {"dtype": "float32", "shape": [1]},
    }
    modality = Modality.of_features(features)
    assert [g.columns for g in (*modality.state, *modality.action)] == [9, 8]
    assert modality.video == {"top": "observation.images.top"}
    without = Modality.of_features({"observation.state": {"shape": [9]}})
    assert [len(without.state), len(without.action)] == [1, 0]


def test_a_file_may_name_videos_alone():
    modality = Modality.parse({"video": GR00T["video"]})
    assert (modality.state, modality.action) == ((), ())
    assert modality.video == Modality.parse(GR00T).video
    assert Modality.parse(GR00T).of_videos().video == modality.video


def test_cameras_get_the_robots_names():
    modality = Modality.parse(GR00T).with_cameras({"wrist": "side", "top": "side"})
    side = "observation.images.side"
    assert modality.video == Modality.parse(GR00T).video | {"wrist": side, "top": side}
    with pytest.raises(ValueError, match="there is no camera 'left', only ego_view, side"):
        Modality.parse(GR00T).with_cameras({"wrist": "left"})


def test_groups_are_selected_in_order():
    modality = Modality.parse(GR00T).select(state=("left_hand", "left_arm"))
    assert [g.name for g in modality.state] == ["left_hand", "left_arm"]
    assert len(modality.action) == 3
    with pytest.raises(ValueError, match=r"action has no group 'arm'; there are eef_position"):
        modality.select(action=("arm",))
    with pytest.raises(ValueError, match="state has no group selected"):
        modality.select(state=())


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("state",), None, "state must be an object, got None"),
        (("state",), {}, "state names no columns"),
        (("video", "side"), "front", r"video\.side must be an object, got 'front'"),
        (("video", "side", "original_key"), 3, r"video\.side\.original_key must be text, got 3"),
        (("state", "left_arm", "start"), None, r"state\.left_arm\.start must be a whole number"),
        (("state", "left_arm", "end"), True, r"state\.left_arm\.end must be a whole number"),
        (("state", "left_arm", "end"), 0, r"state\.left_arm: start=0 and end=0 hold no column"),
        (("state", "left_arm", "stat"), 0, r"state\.left_arm: unknown field \['stat'\]; known: "),
        (("action", "gripper_close", "absolute"), 1, "must be true or false, got 1"),
        (("action", "gripper_close", "range"), [1], r"range must be \[low, high\], got \[1\]"),
    ],
)
def test_a_mistake_is_named(tmp_path, place, value, message):
    values = deepcopy(GR00T)
    entry = values
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    path = tmp_path / "modality.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=f"{path}: .*{message}") as caught:
        Modality.read(path)
    assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path):
    path = tmp_path / "modality.json"
    with pytest.raises(ValueError, match=f"cannot read {path}"):
        Modality.read(path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match=r"the file must be an object, got \[1\]"):
        Modality.read(path)
