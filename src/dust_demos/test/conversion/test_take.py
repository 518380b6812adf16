from dataclasses import replace

import numpy as np
import pytest

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.mapping import (
    ArmSource,
    GripperSource,
    Instruction,
    InstructionFrom,
    Mapping,
    Side,
    Unit,
)
from dust_demos.conversion.span import episode_of
from dust_demos.conversion.take import image_topic, read_take
from dust_demos.conversion.tracks import Plans, Samples, StepSamples
from dust_demos.recording.bag import Bag

NS = 10**9


def read(path, mapping=None):
    mapping = mapping or Mapping()
    with Bag.open(path) as bag:
        return read_take(bag, episode_of(bag, mapping), mapping)


def refused(path, mapping=None):
    with pytest.raises(EpisodeFault) as caught:
        read(path, mapping)
    assert "\n" not in str(caught.value)
    return caught.value.gate, str(caught.value)


def test_numbers_are_what_was_measured_and_commanded(write_bag, truth):
    take = read(write_bag())
    assert [type(track) for track in take.state] == [Samples, Samples]
    assert [type(track) for track in take.action] == [Samples, StepSamples]
    seconds = np.array([0.7, 1.2, 2.9])
    times = truth.base_ns + np.round(seconds * NS).astype(np.int64)
    arm = np.array([truth.measured(t)[0] for t in seconds])
    grip = np.array([2 * truth.measured(t)[1] / 0.08 for t in seconds])
    np.testing.assert_allclose(take.state[0].at(times), arm, atol=1e-4)
    np.testing.assert_allclose(take.state[1].at(times)[:, 0], grip, atol=1e-3)
    told = np.array([truth.commanded(t)[0] for t in seconds])
    np.testing.assert_allclose(take.action[0].at(times), told, atol=1e-4)
    assert take.action[1].at(times).ravel().tolist() == [1.0, 1.0, 0.0]


def test_images_are_known_by_stamp_and_place(write_bag, truth):
    frames = read(write_bag()).frames["wrist"]
    assert frames.places.tolist() == list(range(60))
    np.testing.assert_allclose((frames.stamps - truth.base_ns) / NS, np.arange(60) / 15, atol=1e-6)


def test_images_that_come_out_of_order_are_sorted(make, tmp_path, write_any):
    kind = "sensor_msgs/msg/CompressedImage"
    order = [0, 2, 1, 3, 3]
    entries = [
        (
            "/cam",
            kind,
            NS + i,
            make.image(NS + stamp * 50_000_000, np.zeros((4, 4, 3), np.uint8), raw=False),
        )
        for i, stamp in enumerate(order)
    ]
    js = "sensor_msgs/msg/JointState"
    entries += [
        ("/js", js, NS + i, make.joint_state(NS + i * 50_000_000, ["a"], [0.0])) for i in range(4)
    ]
    write_any(tmp_path / "bag", sorted(entries, key=lambda entry: entry[2]))
    side = Side(arm=ArmSource(topic="js", joints=("a",), columns=(0,)), gripper=None)
    mapping = Mapping(
        joints=("a",),
        views={"cam": "cam"},
        state=side,
        action=side,
        episode_topic=None,
        instruction=Instruction(source=InstructionFrom.TEXT, value="x"),
    )
    take = read(tmp_path / "bag", mapping)
    assert take.frames["cam"].places.tolist() == [0, 2, 1, 4]  # of equal stamps the last stays
    assert (take.facts.start_ns, take.facts.end_ns) == (NS, NS + 150_000_000)


def test_raw_or_compressed_whatever_is_there(write_bag):
    compressed, raw = write_bag("compressed"), write_bag("raw", raw_images=True)
    name = "/zed_wrist/zed_node/rgb/color/rect/image"
    for path, topic in ((compressed, f"{name}/compressed"), (raw, name)):
        for wanted in (name, f"{name}/compressed"):
            with Bag.open(path) as bag:
                assert image_topic(bag, Mapping(views={"wrist": wanted}), "wrist") == topic


def test_what_is_missing_is_named(write_bag):
    side = "/zed_side/zed_node/rgb/color/rect/image"
    gate, text = refused(write_bag("blind", without=(f"{side}/compressed",)))
    assert gate is Gate.MISSING
    assert text.startswith(f"camera side: no image on {side}; images are on /zed_wrist/")
    gate, text = refused(write_bag("dumb", without=("/executor_state",)))
    assert (gate, text) == (Gate.MISSING, "action.arm: topic /executor_state is not in the bag")


def test_what_a_wrong_mapping_says(write_bag):
    path, good = write_bag(), Mapping()
    other = Side(arm=ArmSource(topic="joint_states", joints=("x",)), gripper=None)
    wrong = {
        "state.arm: topic /joint_states: no joint x; there are fr3_finger_joint1, fr3_": replace(
            good, joints=("x",), state=other
        ),
        "state.arm: topic /episode is dust_msgs/msg/Episode, not one of dust_msgs": replace(
            good, state=Side(arm=ArmSource(topic="episode"), gripper=None)
        ),
        "views.wrist: /joint_states is sensor_msgs/msg/JointState, not an image": replace(
            good, views={"wrist": "joint_states"}
        ),
        "state.gripper: topic /joint_states: no joint finger; there are fr3_finger": replace(
            good,
            state=replace(
                good.state, gripper=GripperSource(topic="joint_states", joints=("finger",))
            ),
        ),
    }
    for expected, mapping in wrong.items():
        gate, text = refused(path, mapping)
        assert gate is Gate.MAPPING
        assert text.startswith(expected)


def test_jumping_clocks_are_refused(write_bag):
    for name, clock in (("back", lambda t: -1.0 * (t > 2)), ("ahead", lambda t: 0.7 * (t > 2))):
        gate, text = refused(write_bag(name, clock=clock))
        assert gate is Gate.CLOCK
        assert name in text
    both = write_bag("both", clock=lambda t: -1.0 * (t > 2), receive_clock=lambda t: -1.0 * (t > 2))
    assert refused(both)[0] is Gate.CLOCK


def test_trajectories_and_arrays_of_other_stacks(make, tmp_path, write_any, write_bag):
    entries = []
    for i in range(4):
        t = NS + i * 50_000_000
        point = make.message(
            "trajectory_msgs/msg/JointTrajectoryPoint",
            positions=np.array([10.0 * i]),
            velocities=np.array([]),
            accelerations=np.array([]),
            effort=np.array([]),
            time_from_start=make.message("builtin_interfaces/msg/Duration", sec=0, nanosec=0),
        )
        plan = make.message(
            "trajectory_msgs/msg/JointTrajectory",
            header=make.header(0),  # "now": when it was received
            joint_names=["a"],
            points=[point],
        )
        layout = make.message("std_msgs/msg/MultiArrayLayout", dim=[], data_offset=0)
        array = make.message(
            "std_msgs/msg/Float64MultiArray", layout=layout, data=np.array([0.0, 0.1 * i])
        )
        picture = make.image(t, np.zeros((4, 4, 3), np.uint8), raw=True)
        entries += [
            ("/ns/cam", "sensor_msgs/msg/Image", t, picture),
            ("/ns/js", "sensor_msgs/msg/JointState", t, make.joint_state(t, ["a", "g"], [i, 0.1])),
            ("/ns/plan", "trajectory_msgs/msg/JointTrajectory", t, plan),
            ("/ns/grip", "std_msgs/msg/Float64MultiArray", t, array),
        ]
    write_any(tmp_path / "bag", entries)
    mapping = Mapping(
        namespace="ns",
        joints=("a",),
        views={"cam": "cam"},
        state=Side(
            arm=ArmSource(topic="js", joints=("a",), columns=(0,), unit=Unit.DEG),
            gripper=GripperSource(topic="js", joints=("g",), open=0.2),
        ),
        action=Side(
            arm=ArmSource(topic="plan", joints=("a",), columns=(0,), unit=Unit.DEG),
            gripper=GripperSource(topic="grip", columns=(1,), closed=0.3, open=0.0),
        ),
        episode_topic=None,
        instruction=Instruction(source=InstructionFrom.TEXT, value="x"),
    )
    take = read(tmp_path / "bag", mapping)
    times = NS + np.array([0, 75_000_000, 150_000_000])
    np.testing.assert_allclose(take.state[0].at(times)[:, 0], np.deg2rad([0, 1.5, 3]))
    np.testing.assert_allclose(take.state[1].at(times)[:, 0], 0.5)
    assert isinstance(take.action[0], Plans)
    np.testing.assert_allclose(take.action[0].at(times)[:, 0], np.deg2rad([0, 10, 30]))
    np.testing.assert_allclose(take.action[1].at(times)[:, 0], [1, 2 / 3, 0], atol=1e-9)
