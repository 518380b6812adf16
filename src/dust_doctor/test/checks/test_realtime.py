import resource
from dataclasses import replace

import pytest

from dust_doctor.checks.realtime import (
    RealtimeEvidence,
    gather_realtime,
    judge_governor,
    judge_kernel,
    judge_priority,
)
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Machine, Robot, Wishes

ARM = Wishes(robot=Robot.FR3, machine=Machine.ROBOT)
GOOD = RealtimeEvidence("6.8.0-rt8", True, 99, -1, ("performance",) * 4, "quiet isolcpus=2,3")


def test_a_good_machine_passes():
    found = [judge(GOOD, ARM) for judge in (judge_kernel, judge_priority, judge_governor)]
    assert [finding.verdict for finding in found] == [Verdict.OK] * 3
    assert "isolcpus=2,3" in found[0].says


@pytest.mark.parametrize(
    ("judge", "changes", "verdict"),
    [
        (judge_kernel, {"realtime": False}, Verdict.FAIL),
        (judge_priority, {"priority": 0}, Verdict.FAIL),
        (judge_priority, {"locked": 65536}, Verdict.WARN),
        (judge_governor, {"governors": ("performance", "powersave")}, Verdict.WARN),
    ],
)
def test_each_defect_is_found_where_the_arm_is_driven(judge, changes, verdict):
    bad = replace(GOOD, **changes)
    assert judge(bad, ARM).verdict is verdict
    assert judge(bad, ARM).remedy
    for other in (Wishes(), Wishes(robot=Robot.FR3, machine=Machine.GPU)):
        assert judge(bad, other).verdict is Verdict.SKIP


def test_the_kernel_is_read(machine):
    system = machine(
        {
            "proc/version": "Linux version 6.8.1-rt (gcc 13) #1 SMP PREEMPT_RT Thu",
            "proc/cmdline": "ro isolcpus=3",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
        }
    )
    found = gather_realtime(system)
    assert found.kernel == "6.8.1-rt"
    assert found.realtime
    assert found.governors == ("powersave", "performance")
    assert found.priority == resource.getrlimit(resource.RLIMIT_RTPRIO)[0]


def test_the_kernels_own_word_counts_too(machine):
    assert not gather_realtime(machine({"proc/version": "Linux version 6.8 PREEMPT"})).realtime
    assert gather_realtime(machine({"sys/kernel/realtime": "1\n"})).realtime


def test_a_machine_without_governors_is_skipped():
    assert judge_governor(RealtimeEvidence(), ARM).verdict is Verdict.SKIP
