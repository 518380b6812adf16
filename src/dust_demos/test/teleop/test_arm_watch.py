"""Whether the arm is where the executor's plan has it."""

import pytest

from dust_demos.teleop.arm_watch import ArmWatch

NAMES = ["j1", "j2"]


def test_only_new_messages_of_both_count():
    watch = ArmWatch()
    for _ in range(3):
        assert not watch.agrees()
        watch.measured([*NAMES, "finger"], [1.0, 2.0, 0.04])
        watch.planned(NAMES, [1.01, 2.0, 9.0, 9.0])  # further samples of the plan follow
    assert watch.agrees()
    watch.forget()
    assert not watch.agrees()


@pytest.mark.parametrize(
    ("names", "planned"), [(NAMES, [1.03, 2.0]), (["j1", "j3"], [1.0, 2.0]), ([], [])]
)
def test_another_posture_or_another_arm_does_not_agree(names, planned):
    watch = ArmWatch()
    for _ in range(3):
        watch.measured(NAMES, [1.0, 2.0])
        watch.planned(names, planned)
    assert not watch.agrees()
