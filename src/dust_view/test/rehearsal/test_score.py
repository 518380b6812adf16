"""What was commanded is judged, compared and written down."""

import json

import numpy as np
import pytest

from dust_view.arm import FollowingArm
from dust_view.rehearsal import report
from dust_view.rehearsal.recording import Commands
from dust_view.rehearsal.score import Notes, RehearsedChunk, correction, score
from dust_view.trajectory import NS, Trajectory

HOME = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
BEGIN = 1_700_000_000 * NS


def smooth(begin_ns: int, start: np.ndarray, distance: float, seconds: float) -> Trajectory:
    states = np.zeros((2, 3, 7))
    states[0, 0], states[1, 0] = start, start + distance
    times = np.array([begin_ns, begin_ns + round(seconds * NS)], dtype=np.int64)
    return Trajectory(times, states)


def recorded(offset: float) -> Commands:
    times = BEGIN + np.arange(0, 2 * NS, NS // 50)
    return Commands("controller_state", times, np.tile(HOME + offset, (len(times), 1)))


def rehearsed(*, offset: float = 0.0) -> RehearsedChunk:
    positions = np.tile(HOME + offset, (4, 1))
    return RehearsedChunk(BEGIN, NS // 15, positions, np.ones(4), BEGIN + NS // 10, 0.0)


def notes(**fields: object) -> Notes:
    return Notes(**({"accepted": 1, "chunks": [rehearsed()], "ending": "canceled"} | fields))


def moved(distance: float, seconds: float) -> FollowingArm:
    arm = FollowingArm(HOME, now_ns=BEGIN)
    arm.take(smooth(BEGIN, HOME, distance, seconds))
    arm.advance(BEGIN + NS)
    return arm


def test_a_smooth_motion_passes() -> None:
    found = score(moved(0.1, 1.0), notes(), recorded(0.1))
    assert found.problems == []
    assert found.limits.samples == 1000
    assert 0.05 < found.limits.peak["velocity"] < 1
    assert found.seam == (0.0, 0.0, 0.0)
    assert found.commanded.joint.worst == pytest.approx(0.1, abs=1e-6)
    assert found.commanded.hand.worst > found.commanded.hand.p50 > 0
    assert found.actions.joint.p50 == pytest.approx(0.1)


def test_a_motion_outside_the_limits_fails() -> None:
    found = score(moved(1.0, 0.2), notes(), recorded(0.0))
    assert "outside the limits" in found.problems[0]


def test_a_trajectory_that_jumps_fails() -> None:
    arm = FollowingArm(HOME, now_ns=BEGIN)
    arm.take(Trajectory.at_rest(HOME + 1e-6, since_ns=BEGIN - 1))
    arm.advance(BEGIN + 10_000_000)
    found = score(arm, notes(), recorded(0.0))
    assert found.seam[0] == pytest.approx(1e-6)
    assert any("did not go on" in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stopped": "the clock jumped"}, "stopped: the clock jumped"),
        ({"accepted": 0, "rejections": ["too old"]}, "no chunk was accepted: too old"),
        ({"accepted": 0}, "no chunk was accepted: canceled"),
        ({"silent": 2}, "2 sets of images brought no chunk"),
    ],
)
def test_what_went_wrong_on_the_way_fails(fields, words) -> None:
    assert words in score(moved(0.0, 1.0), notes(**fields), recorded(0.0)).problems[0]


def test_the_digest_tells_equal_runs_from_others() -> None:
    def digest(distance: float, offset: float) -> str:
        seen = notes(chunks=[rehearsed(offset=offset)])
        return score(moved(distance, 1.0), seen, recorded(0.0)).digest

    assert digest(0.1, 0.0) == digest(0.1, 0.0)
    assert len({digest(0.1, 0.0), digest(0.1 + 1e-15, 0.0), digest(0.1, 1e-15)}) == 3


def test_without_recorded_commands_there_is_no_distance() -> None:
    nothing = Commands("", np.empty(0, np.int64), np.empty((0, 7)))
    found = score(moved(0.1, 1.0), notes(), nothing)
    assert found.commanded.joint.count == found.actions.hand.count == 0
    assert "nothing to compare with" in report.table(found)


def test_a_chunk_is_compared_with_what_was_planned_before_rest() -> None:
    arm = moved(0.1, 2.0)
    now = BEGIN + NS
    times = now + np.array([-1, NS // 2, 5 * NS])
    chunk = np.tile(HOME + 0.1, (3, 1))
    planned = arm.planned(times[1:2])[0]
    assert correction(chunk, times, arm, now) == pytest.approx(np.abs(HOME + 0.1 - planned).max())
    assert correction(chunk[:0], times[:0], arm, now) == 0.0


def test_the_arm_counts_every_millisecond_once() -> None:
    arm = FollowingArm(HOME, now_ns=BEGIN + 1)
    for now in (BEGIN + 1_500_000, BEGIN + 1_500_001, BEGIN + 7_000_000):
        arm.advance(now)
    times, positions = arm.commands()
    assert ((times - BEGIN) // 1_000_000).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert positions.shape == (7, 7)


def test_the_report_is_json_with_units_and_comes_with_the_commands(tmp_path) -> None:
    arm = moved(0.1, 1.0)
    found = score(arm, notes(latency={"policy": [0.02, 0.04]}), recorded(0.0))
    report.save(tmp_path / "new", report.to_dict(found, {"bag": "take"}), arm)
    read = json.loads((tmp_path / "new" / report.JSON_NAME).read_text())
    assert read["passed"] is True
    assert read["latency_wall_s"]["policy"]["p50"] == pytest.approx(0.03)
    assert read["limits"]["outside"] == dict.fromkeys(read["limits"]["peak_share"], 0)
    commands = np.load(tmp_path / "new" / report.COMMANDS_NAME)
    assert commands["positions"].shape == (1000, 7)
    assert commands["times_ns"][0] == BEGIN + 1_000_000
