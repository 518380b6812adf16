"""Can this machine run the arm's 1 kHz control loop?"""

from __future__ import annotations

import resource
from collections import Counter
from dataclasses import dataclass

from dust_doctor.finding import Finding, fail, ok, skip, warn
from dust_doctor.system import System
from dust_doctor.wishes import Wishes

PRIORITY = 98
"""SCHED_FIFO priority of the control loop, see config/controllers.yaml."""

_NOT_NEEDED = "no real arm's control loop runs here"
_INFINITE = resource.RLIM_INFINITY


@dataclass(frozen=True, slots=True)
class RealtimeEvidence:
    """What the kernel offers.

    Attributes:
        kernel: Its release and version.
        realtime: Whether it says that it is a real-time kernel.
        priority: Highest SCHED_FIFO priority that this user may ask for; -1: any.
        locked: Memory that this user may lock. Unit: bytes; -1: any.
        governors: Frequency governor of each core; empty where the kernel does not say.
        command_line: What it was booted with.
    """

    kernel: str = ""
    realtime: bool = False
    priority: int = 0
    locked: int = 0
    governors: tuple[str, ...] = ()
    command_line: str = ""


def gather_realtime(system: System) -> RealtimeEvidence:
    """Read /sys, /proc and this process's limits."""
    version = system.read("/proc/version")
    governors = system.read_all("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
    return RealtimeEvidence(
        kernel=version.split(" (")[0].removeprefix("Linux version "),
        realtime=system.read("/sys/kernel/realtime") == "1" or "PREEMPT_RT" in version,
        priority=system.soft_limit(resource.RLIMIT_RTPRIO),
        locked=system.soft_limit(resource.RLIMIT_MEMLOCK),
        governors=tuple(text for _, text in governors),
        command_line=system.read("/proc/cmdline"),
    )


def judge_kernel(machine: RealtimeEvidence, wishes: Wishes) -> Finding:
    """Judge the kernel: libfranka refuses one that is not real-time."""
    isolated = [word for word in machine.command_line.split() if word.startswith("isolcpus=")]
    told = f"{machine.kernel or 'unknown kernel'}{''.join(f', {word}' for word in isolated)}"
    if not wishes.drives_arm:
        return skip(f"{_NOT_NEEDED} ({told})")
    if machine.realtime:
        return ok(f"real-time kernel {told}")
    return fail(
        f"kernel {told} is not real-time; libfranka refuses it, or loses control commands",
        "install a PREEMPT_RT kernel (Ubuntu: sudo pro enable realtime-kernel) and boot it",
    )


def judge_priority(machine: RealtimeEvidence, wishes: Wishes) -> Finding:
    """Judge whether the control loop gets its priority and keeps its memory."""
    if not wishes.drives_arm:
        return skip(_NOT_NEEDED)
    if machine.priority != _INFINITE and machine.priority < PRIORITY:
        return fail(
            f"this user may ask for SCHED_FIFO priority {machine.priority}, "
            f"the control loop needs {PRIORITY}",
            "sudo groupadd realtime; sudo usermod -aG realtime $USER; put '@realtime - rtprio 99' "
            "and '@realtime - memlock unlimited' into /etc/security/limits.conf; log in again",
        )
    if machine.locked != _INFINITE and machine.locked < 100 * 2**20:
        return warn(
            f"this user may lock {machine.locked // 2**10} KiB of memory only",
            "put '@realtime - memlock unlimited' into /etc/security/limits.conf; log in again",
        )
    return ok(f"SCHED_FIFO priority {PRIORITY} is allowed")


def judge_governor(machine: RealtimeEvidence, wishes: Wishes) -> Finding:
    """Judge the cores' frequency governor: others than performance cost late commands."""
    if not machine.governors:
        return skip("the kernel names no frequency governor (a virtual machine or container?)")
    counts = Counter(machine.governors)
    told = ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))
    if not wishes.drives_arm:
        return skip(f"{_NOT_NEEDED} ({told})")
    if set(counts) == {"performance"}:
        return ok(told)
    return warn(
        f"cores change their frequency ({told}): control commands come late now and then",
        "sudo apt install linux-tools-generic && sudo cpupower frequency-set -g performance",
    )
