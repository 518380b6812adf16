from dataclasses import replace

import pytest

from dust_doctor.checks.ros import (
    MessagesEvidence,
    RosEvidence,
    gather_messages,
    gather_ros,
    judge_messages,
    judge_ros,
)
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Machine, Robot, Wishes

GOOD = RosEvidence("jazzy", True, "rmw_fastrtps_cpp", "7")


@pytest.mark.parametrize(
    ("changes", "wishes", "verdict"),
    [
        ({}, Wishes(), Verdict.OK),
        ({"domain": ""}, Wishes(), Verdict.OK),
        ({"domain": ""}, Wishes(robot=Robot.FR3), Verdict.WARN),
        ({"domain": "lab"}, Wishes(), Verdict.FAIL),
        ({"domain": "150"}, Wishes(), Verdict.WARN),
        ({"distribution": "humble"}, Wishes(), Verdict.WARN),
        ({"has_client": False}, Wishes(), Verdict.FAIL),
        ({"local_only": True}, Wishes(), Verdict.OK),
        ({"local_only": True}, Wishes(machine=Machine.GPU), Verdict.FAIL),
    ],
)
def test_the_environment_is_judged(changes, wishes, verdict):
    found = judge_ros(replace(GOOD, **changes), wishes)
    assert found.verdict is verdict
    assert bool(found.remedy) == (verdict is not Verdict.OK)


def test_the_environment_is_read(machine):
    found = gather_ros(machine(ROS_DISTRO="kilted", ROS_DOMAIN_ID="3", ROS_LOCALHOST_ONLY="1"))
    assert (found.distribution, found.domain, found.local_only) == ("kilted", "3", True)
    assert gather_ros(machine(ROS_AUTOMATIC_DISCOVERY_RANGE="localhost")).local_only
    assert not gather_ros(machine()).local_only


def test_old_messages_are_told_by_what_they_lack():
    pytest.importorskip("dust_msgs", reason="needs the workspace")
    assert judge_messages(gather_messages()).verdict is Verdict.OK
    found = gather_messages({"ActionChunk": ("no_such_field",), "NoSuchMessage": ()})
    assert found.missing == ("ActionChunk.no_such_field", "NoSuchMessage")
    assert judge_messages(found).verdict is Verdict.FAIL
    assert judge_messages(MessagesEvidence(installed=False)).verdict is Verdict.FAIL
