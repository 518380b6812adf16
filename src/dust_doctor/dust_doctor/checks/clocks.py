"""Does this machine's clock agree with the others'?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dust_doctor.evidence import GraphEvidence, Stream
from dust_doctor.finding import Finding, fail, ok, skip, warn, worst
from dust_doctor.system import System
from dust_doctor.wishes import Machine, Wishes

GOOD_OFFSET = 0.002
"""Clocks this close are as good as one. Unit: s."""

BAD_OFFSET = 0.01
"""Beyond this, actions are aligned to the wrong image. Unit: s."""

AHEAD = 0.02
"""A stamp further ahead than this is from another clock. Unit: s."""

AHEAD_SIMULATED = 0.1
"""The same where /clock gives the time, in steps and behind what it stamps. Unit: s."""

_SET_UP = "sudo apt install chrony, and name the other machine as server in /etc/chrony/chrony.conf"


@dataclass(frozen=True, slots=True)
class ClockEvidence:
    """How the clock is kept.

    Attributes:
        source: chrony, ptp, systemd, or empty where nobody keeps it.
        synchronised: Whether it says that it is.
        offset: Its estimate of what is left. Unit: s; None where it does not say.
        reference: Whom it follows; empty where it does not say.
    """

    source: str = ""
    synchronised: bool = False
    offset: float | None = None
    reference: str = ""


def gather_clock(system: System) -> ClockEvidence:
    """Ask PTP, chrony and systemd, in this order."""
    names = {text for _, text in system.read_all("proc/[0-9]*/comm")}
    if "ptp4l" in names:
        return _ptp(system)
    tracking = (system.run(["chronyc", "-c", "tracking"]) or "").strip().split(",")
    if len(tracking) >= 14:
        # reference id, name, stratum, reference time, offset, ..., leap status
        reference = tracking[1] or tracking[0]
        synchronised = tracking[13] != "Not synchronised" and tracking[2] != "0"
        return ClockEvidence("chrony", synchronised, _number(tracking[4]), reference)
    told = system.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if told is not None:
        return ClockEvidence("systemd", told.strip() == "yes")
    return ClockEvidence()


def _ptp(system: System) -> ClockEvidence:
    told = system.run(["pmc", "-u", "-b", "0", "GET CURRENT_DATA_SET"]) or ""
    words = told.split()
    offset = None
    if "offsetFromMaster" in words[:-1]:
        nanoseconds = _number(words[words.index("offsetFromMaster") + 1])
        offset = None if nanoseconds is None else nanoseconds * 1e-9
    return ClockEvidence("ptp", True, offset)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def judge_clock(clock: ClockEvidence, wishes: Wishes) -> Finding:
    """Judge how the clock is kept; a single machine needs no other clock to agree with."""
    if wishes.machine is Machine.ALL:
        return ok(f"one machine, one clock ({clock.source or 'nobody sets it'})")
    if not clock.source:
        return fail("nothing keeps this clock: no ptp4l, chrony or systemd-timesyncd", _SET_UP)
    if not clock.synchronised:
        return fail(
            f"{clock.source} says that this clock is not synchronised",
            f"look at `chronyc tracking` or `timedatectl`, is the server reached? Or: {_SET_UP}",
        )
    if clock.offset is None:
        says = f"{clock.source} keeps the clock, but does not say how well"
        return warn(says, f"use chrony or ptp4l on both machines: {_SET_UP}")
    says = f"{clock.source}{_following(clock)}: {abs(clock.offset) * 1e3:.3f} ms off"
    if abs(clock.offset) > BAD_OFFSET:
        return fail(says, "wait until it has settled, or `sudo chronyc makestep`")
    if abs(clock.offset) > GOOD_OFFSET:
        return warn(says, "wait until it has settled, or use PTP (ptp4l and phc2sys)")
    return ok(says)


def _following(clock: ClockEvidence) -> str:
    return f" follows {clock.reference}" if clock.reference else ""


def judge_stamps(graph: GraphEvidence) -> Finding:
    """Compare the stamps of what was heard with the time here."""
    streams = [*graph.cameras.values(), *graph.stamped]
    streams += [graph.joint_states] if graph.joint_states else []
    heard = [stream for stream in streams if stream.ages]
    if not heard:
        return skip("nothing with a stamp was heard")
    allowed = AHEAD_SIMULATED if graph.simulated_time else AHEAD
    return worst([*_unstamped(heard), *_from_the_future(heard, allowed), _oldest(heard)])


def _unstamped(streams: Iterable[Stream]) -> Iterable[Finding]:
    for stream in streams:
        if not any(stream.stamps):
            remedy = "let its driver set header.stamp to the time of measurement"
            yield fail(f"{stream.topic} has no stamps", remedy)


def _from_the_future(streams: Iterable[Stream], allowed: float) -> Iterable[Finding]:
    for stream in streams:
        ahead = -min(stream.ages)
        if ahead > allowed:
            yield fail(
                f"{stream.topic} is stamped up to {ahead * 1e3:.0f} ms in the future: its "
                "machine's clock is ahead of this one",
                f"synchronise both clocks ({_SET_UP}), or set use_sim_time everywhere or nowhere",
            )


def _oldest(streams: Iterable[Stream]) -> Finding:
    stream = max(streams, key=lambda stream: stream.age)
    says = f"stamps are at most {stream.age * 1e3:.0f} ms old on arrival ({stream.topic})"
    remedy = "is its machine's clock behind, its driver slow, or the network full?"
    if stream.age > 0.5:
        return fail(says, remedy)
    return warn(says, remedy) if stream.age > 0.15 else ok(says)
