import numpy as np
import pytest

from dust_demos.conversion.mapping import ArmSource, GripperSource, Unit
from dust_demos.conversion.messages import ARM, GRIPPER, picker, plan_of, stamp_of, to_opening

KIND = ARM["sensor_msgs/msg/JointState"]


def test_joints_are_found_by_name_in_any_order(make):
    message = make.joint_state(5, ["c", "a", "b"], [3.0, 1.0, 2.0])
    assert picker(KIND, ("a", "b"), (), "x")(message).tolist() == [1.0, 2.0]


def test_a_message_of_another_publisher_is_passed_over(make):
    message = make.joint_state(5, ["finger"], [0.1])
    assert picker(KIND, ("a", "b"), (), "x")(message) is None


@pytest.mark.parametrize(
    ("names", "positions", "complaint"),
    [
        (["a"], [1.0], r"^state.arm: no joint b; there are a$"),
        (["a", "b"], [1.0], r"^state.arm: a message has 1 values, not 2$"),
        (["a", "b"], [1.0, np.nan], r"^state.arm: a value is no finite number$"),
    ],
)
def test_messages_that_lack_something(make, names, positions, complaint):
    with pytest.raises(ValueError, match=complaint):
        picker(KIND, ("a", "b"), (), "state.arm")(make.joint_state(5, names, positions))


def test_of_the_executors_plan_the_first_sample_is_the_command(make, store):
    message = make.message(
        "dust_msgs/msg/ExecutorState",
        header=make.header(7),
        mode=1,
        reason="",
        task_id="",
        joint_names=["b", "a"],
        period=0.1,
        positions=np.array([2.0, 1.0, 4.0, 3.0]),
        velocities=np.zeros(4),
        gripper=np.array([0.25, 1.0]),
        buffer=0.0,
        last_stamp=make.header(7).stamp,
        last_splice=make.header(7).stamp,
        last_sequence=0,
        accepted=0,
        rejected=0,
        clamped=0,
        limited=0,
        late=0,
        last_rejection="",
    )
    kind = "dust_msgs/msg/ExecutorState"
    assert picker(ARM[kind], ("a", "b"), (), "x")(message).tolist() == [1.0, 2.0]
    assert picker(GRIPPER[kind], (), (0,), "x")(message).tolist() == [0.25]


def test_numbers_without_names_are_found_by_place(make):
    layout = make.message("std_msgs/msg/MultiArrayLayout", dim=[], data_offset=0)
    data = np.array([5.0, 6.0, 7.0])
    message = make.message("std_msgs/msg/Float64MultiArray", layout=layout, data=data)
    kind = ARM["std_msgs/msg/Float64MultiArray"]
    assert picker(kind, (), (2, 0), "x")(message).tolist() == [7.0, 5.0]
    assert stamp_of(message, 99) == 99


def test_single_numbers_for_the_gripper(make):
    for name, value in (("Bool", True), ("Float32", 1.0), ("Float64", 1.0)):
        message = make.message(f"std_msgs/msg/{name}", data=value)
        assert picker(GRIPPER[f"std_msgs/msg/{name}"], (), (0,), "x")(message).tolist() == [1.0]


def test_a_stamp_of_zero_is_none(make):
    assert stamp_of(make.joint_state(0, [], []), 42) == 42
    assert stamp_of(make.joint_state(3_000_000_007, [], []), 42) == 3_000_000_007


def test_openings_lie_between_0_and_1_in_either_direction():
    hand = GripperSource(topic="x", closed=0.0, open=0.08)
    assert to_opening(np.array([[0.02, 0.02], [0.05, 0.05]]), hand).ravel().tolist() == [0.5, 1.0]
    knuckle = GripperSource(topic="x", closed=0.8, open=0.0)
    found = to_opening(np.array([[0.8], [0.2], [-0.1]]), knuckle).ravel()
    np.testing.assert_allclose(found, [0.0, 0.75, 1.0])


def trajectory(make, offsets, rows, names=("b", "a")):
    points = [
        make.message(
            "trajectory_msgs/msg/JointTrajectoryPoint",
            positions=np.array(row, np.float64),
            velocities=np.array([]),
            accelerations=np.array([]),
            effort=np.array([]),
            time_from_start=make.message(
                "builtin_interfaces/msg/Duration", sec=0, nanosec=int(offset)
            ),
        )
        for offset, row in zip(offsets, rows, strict=True)
    ]
    return make.message(
        "trajectory_msgs/msg/JointTrajectory",
        header=make.header(1),
        joint_names=list(names),
        points=points,
    )


def test_a_trajectory_becomes_a_plan_in_rad(make):
    source = ArmSource(topic="x", joints=("a", "b"), columns=(0, 1), unit=Unit.DEG)
    plan = plan_of(trajectory(make, [0, 50], [[180.0, 90.0], [0.0, 0.0]]), source, "x")
    assert plan.offsets.tolist() == [0, 50]
    np.testing.assert_allclose(plan.values, [[np.pi / 2, np.pi], [0, 0]])


@pytest.mark.parametrize(
    ("offsets", "rows", "names", "complaint"),
    [
        ([], [], ("a", "b"), "has no point"),
        ([0], [[1.0, 2.0]], ("a", "c"), "no joint b; there are a, c"),
        ([0], [[1.0]], ("a", "b"), "a point of a trajectory lacks positions"),
        ([5, 0], [[1.0, 2.0]] * 2, ("a", "b"), "do not rise"),
        ([0], [[1.0, np.inf]], ("a", "b"), "no finite number"),
    ],
)
def test_trajectories_that_are_wrong(make, offsets, rows, names, complaint):
    source = ArmSource(topic="x", joints=("a", "b"), columns=(0, 1))
    with pytest.raises(ValueError, match=complaint):
        plan_of(trajectory(make, offsets, rows, names), source, "x")
