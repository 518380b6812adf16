"""Messages by their fields alone, as those of packages that are not installed here."""

from types import SimpleNamespace

import pytest

from dust_doctor.ear import Ear, RobotEar


def message(stamp: float, **fields):
    sec = int(stamp)
    header = SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=round((stamp - sec) * 1e9)))
    return SimpleNamespace(header=header, **fields)


class Errors:
    """Fields of franka_msgs/Errors that matter here."""

    joint_reflex = False
    cartesian_reflex = True

    @classmethod
    def get_fields_and_field_types(cls):
        return {"joint_reflex": "boolean", "cartesian_reflex": "boolean"}


def test_images_are_measured():
    ear = Ear()
    assert not ear.heard
    for index in range(4):
        image = message(10 + index / 10, data=bytes(12), encoding="bgr8", width=2, height=2)
        ear.image(image, 10.05 + index / 10)
    stream = ear.stream("camera")
    assert stream.rate == pytest.approx(10.0)
    assert stream.age == pytest.approx(0.05)
    assert (stream.size, stream.form, stream.width) == (12.0, "bgr8", 2)


def test_what_falls_silent_is_measured_to_the_end():
    moments = iter(0.1 * index for index in range(4))
    ear = Ear(clock=lambda: next(moments))
    for index in range(4):
        ear.stamped(message(10 + index / 10), 10 + index / 10)
    assert ear.stream("joint_states", 0.3 + 2.0).silence == pytest.approx(2.0)
    assert ear.stream("joint_states").silence == 0.0
    assert Ear().stream("joint_states", 5.0).silence == 0.0


def test_silence_goes_by_the_time_of_the_stamps():
    # A simulation at half speed; its clock stands still when it dies.
    moments = iter(0.2 * index for index in range(4))
    ear = Ear(clock=lambda: next(moments))
    for index in range(4):
        ear.stamped(message(10 + index / 10), 10 + index / 10)
    assert ear.stream("joint_states", 0.6 + 2.0).silence == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("told", "form"),
    [("jpeg", "jpeg"), ("bgra8; jpeg compressed bgr8", "jpeg"), ("rgb8; tiff", "rgb8; tiff")],
)
def test_compressed_images_name_their_form(told, form):
    ear = Ear()
    ear.compressed(message(1.0, data=b"123", format=told), 1.0)
    assert ear.stream("camera").form == form


def test_our_robot_state_is_heard():
    ear = RobotEar("robot_state")
    for mode in (2, 2, 4):
        ear.dust(SimpleNamespace(robot_mode=mode, errors=["x"], control_command_success_rate=0.5))
    report = ear.report()
    assert (report.modes, report.errors, report.success_rates) == ((2, 4), ("x",), (0.5,) * 3)


def test_frankas_robot_state_is_heard_by_its_fields():
    ear = RobotEar("franka")
    ear.franka(
        SimpleNamespace(robot_mode=4, current_errors=Errors(), control_command_success_rate=1.0)
    )
    assert ear.report().errors == ("cartesian_reflex",)
