import numpy as np
import pytest

from dust_executor.gripper import Grip
from dust_executor.modes import Mode
from dust_executor.watchdog import JointState

NS = 1_000_000_000
MS = 1_000_000
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])


@pytest.fixture
def bench(make_bench):
    return make_bench()


def move(bench, *, sequence=1, distance=0.1, **changes):
    """Send a chunk that moves the first joint out and back to rest."""
    actions = np.tile(HOME, (16, 1))
    actions[:, 0] += distance * (1 - np.cos(np.linspace(0, np.pi, 16))) / 2
    return bench.send(bench.now - 50 * MS, actions, sequence=sequence, **changes)


def test_first_trajectory_settles_at_the_measured_arm(bench):
    bench.start()
    (_, times, states) = bench.under_way[-1]
    assert times[0] == bench.now + 200 * MS
    np.testing.assert_array_equal(states[0, 0], HOME)
    assert bench.executor.modes.mode is Mode.HOLDING


def test_who_asks_again_for_what_was_done_hears_yes_and_changes_nothing(bench):
    executor = bench.executor
    bench.start()
    move(bench)
    before = bench.published, executor.ledger.accepted, executor.modes.mode
    assert executor.start_task("task", "test") == (True, "")
    assert (bench.published, executor.ledger.accepted, executor.modes.mode) == before
    refused = "task 'task' of 'test' is running; end it first"
    assert executor.start_task("task", "other") == (False, refused)
    assert executor.start_task("other", "test") == (False, refused)
    assert executor.end_task("task") == (True, "")
    published = bench.published
    assert executor.end_task("task") == (True, "")
    assert bench.published == published
    assert executor.end_task("other") == (False, "no task is running")
    # What was stopped for cause has not begun.
    bench.start()
    executor.stop("a cause")
    assert executor.start_task("task", "test") == (False, "stopped: a cause; call rearm first")


def test_chunk_runs_holds_and_times_out(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    assert move(bench) == ""
    assert bench.executor.modes.mode is Mode.RUNNING
    bench.run(bench.now + 1100 * MS)
    assert bench.executor.modes.mode is Mode.HOLDING
    assert "ran out" in bench.executor.modes.reason
    bench.run(bench.now + NS)
    assert bench.executor.modes.mode is Mode.STOPPED
    assert bench.executor.modes.reason == "no valid chunk for 2 s"
    assert bench.controller.sample(np.array([bench.now]))[0, 0, 0] == pytest.approx(0.1, abs=1e-3)
    bench.assert_inside_limits()


def test_next_task_goes_on_from_the_commanded_arm(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench)
    bench.run(bench.now + 1500 * MS)
    assert bench.executor.end_task("task") == (True, "")
    commanded = bench.executor.plan.at(bench.now)[0]
    sagged = commanded - 0.005
    bench.executor.joints(JointState(bench.now, bench.now, sagged, np.zeros(7), 1.0))
    bench.start()
    np.testing.assert_array_equal(bench.executor.plan.at(bench.now + NS)[0], commanded)


def test_moved_by_hand_while_idle_starts_where_it_is(bench):
    moved = HOME + 0.1
    bench.executor.joints(JointState(bench.now, bench.now, moved, np.zeros(7), 1.0))
    bench.executor.tick()
    states, grips = bench.executor.committed(bench.now, samples=16, period=1 / 15)
    np.testing.assert_array_equal(states[:, 0], np.tile(moved, (16, 1)))
    assert grips.tolist() == [1.0] * 16
    bench.start()
    np.testing.assert_array_equal(bench.executor.plan.at(bench.now)[0], moved)


def test_start_is_refused_with_the_reason(bench):
    executor = bench.executor
    moving = JointState(bench.now, bench.now, HOME, np.full(7, 0.2), 1.0)
    executor.joints(moving)
    assert "must be at rest" in executor.start_task("task", "test")[1]
    outside = HOME.copy()
    outside[3] = -0.2
    executor.joints(JointState(bench.now, bench.now, outside, np.zeros(7), 1.0))
    assert "fr3_joint4 is at -0.2000 rad, outside" in executor.start_task("task", "test")[1]
    bench.now += NS
    assert "joint states are 1.00 s old" in executor.start_task("task", "test")[1]
    assert bench.published == 0


def test_a_task_may_start_while_the_last_one_comes_to_rest(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench)
    bench.run(bench.now + 400 * MS)
    bench.executor.end_task("task")
    published = bench.published
    bench.run(bench.now + 60 * MS)
    bench.start()
    assert bench.published == published
    bench.run(bench.now + NS)
    bench.assert_inside_limits()
    bench.assert_smooth_seams()


def test_what_was_on_its_way_when_its_task_ended_is_no_rejection(bench):
    bench.start()
    move(bench)
    bench.executor.end_task("task")
    published = bench.published
    assert move(bench, sequence=2) == ""
    assert "no task is running (idle)" in move(bench, task_id="other")
    assert (bench.executor.ledger.passed_over, bench.executor.ledger.rejected) == (1, 1)
    assert bench.published == published
    bench.run(bench.now + NS + 10 * MS)
    assert "no task is running (idle)" in move(bench, sequence=3)


def test_a_task_of_the_same_name_is_a_new_one(bench):
    bench.start()
    move(bench)
    bench.executor.end_task("task")
    bench.start()
    published = bench.published
    assert move(bench) == ""
    bench.run(bench.now + 400 * MS)
    assert bench.executor.ledger.passed_over == 0
    assert bench.published > published


def test_rejections_are_counted_and_move_nothing(bench):
    assert "no task is running (idle)" in move(bench)
    bench.start()
    published = bench.published
    assert "task_id is 'other'" in move(bench, task_id="other")
    assert "positions[0] is nan" in bench.send(bench.now, np.full((16, 7), np.nan), sequence=1)
    assert bench.published == published
    assert bench.executor.ledger.rejected == 2
    assert "nan" in bench.executor.ledger.last_rejection
    bench.run(bench.now + 300 * MS)
    assert move(bench) == ""
    assert "sequence 1" in move(bench)
    assert (bench.executor.ledger.accepted, bench.executor.ledger.last_sequence) == (1, 1)


def test_a_chunk_waits_until_the_arm_has_settled(bench):
    bench.start()
    published = bench.published
    assert move(bench, distance=0.3) == ""
    assert (bench.published, bench.executor.ledger.accepted) == (published, 0)
    bench.run(bench.now + 300 * MS)
    assert bench.published > published
    assert (bench.executor.ledger.accepted, bench.executor.ledger.rejected) == (1, 0)
    bench.run(bench.now + NS)
    bench.assert_smooth_seams()


def test_infeasible_chunk_keeps_the_plan(bench, monkeypatch):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench)
    bench.run(bench.now + 300 * MS)
    plan = bench.executor.plan
    monkeypatch.setattr(bench.executor.planner, "_complete", lambda *_: None)
    reason = bench.send(bench.now, np.tile(HOME + 1, (16, 1)), sequence=2)
    assert "no motion inside the limits" in reason
    assert bench.executor.plan is plan


def test_slow_planning_is_done_again_then_refused(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    splice = bench.executor.planner.splice

    def slow(*args, **options):
        result = splice(*args, **options)
        bench.now += 60 * MS
        return result

    bench.executor.planner.splice = slow
    # 60 ms are too long for the first lead of 80 ms less 50 for transport, not for the second.
    stamp = bench.now
    assert move(bench) == ""
    assert bench.executor.plan.times[bench.executor.plan.times > stamp][0] >= stamp + 160 * MS - MS

    def slower(*args, **options):
        bench.now += 200 * MS
        return splice(*args, **options)

    bench.executor.planner.splice = slower
    assert "is the machine overloaded?" in move(bench, sequence=2)


def test_stop_is_for_cause_and_rearm_asks_for_rest(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench, distance=0.3)
    bench.run(bench.now + 400 * MS)
    assert bench.executor.stop("first")
    assert not bench.executor.stop("second")
    assert bench.executor.rearm() == (False, "the arm is still coming to rest")
    bench.run(bench.now + NS)
    assert bench.executor.rearm() == (True, "")
    assert bench.executor.rearm()[0] is False
    bench.assert_smooth_seams()


@pytest.mark.parametrize("jump", [3600 * NS, -3600 * NS])
def test_clock_jump_stops_and_takes_the_plan_along(bench, jump):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench, distance=0.3)
    bench.run(bench.now + 400 * MS)
    bench.executor.tick(steady=0)
    before = bench.executor.plan.at(bench.now)
    bench.now += jump
    bench.executor.tick(steady=0)
    assert bench.executor.modes.mode is Mode.STOPPED
    assert "the clock jumped" in bench.executor.modes.reason
    np.testing.assert_allclose(bench.executor.plan.at(bench.now), before, atol=1e-9)
    assert bench.executor.plan.end < bench.now + NS
    # Nothing may go out with the new time, also not when the task's owner ends it.
    published = bench.published
    assert bench.executor.end_task("task") == (True, "")
    assert bench.published == published


def test_mail_that_waited_while_the_process_was_starved_is_no_silence(bench):
    bench.start()
    bench.now += 6 * NS // 10
    bench.executor.tick()
    assert bench.executor.modes.mode is Mode.HOLDING
    bench.see()
    bench.executor.tick()
    bench.now += 6 * NS // 10
    bench.executor.tick()
    assert bench.executor.modes.mode is Mode.HOLDING
    bench.executor.tick()
    assert bench.executor.modes.reason == "joint states are 0.60 s old; at most 0.5 s are allowed"


def test_a_reflex_stops_at_once(bench):
    bench.start()
    bench.executor.watchdog.robot(4)
    bench.executor.tick()
    assert bench.executor.modes.reason == "robot mode is REFLEX"


def test_rest_of_an_hour_is_published_from_now_on(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    bench.executor.end_task("task")
    bench.now += 3600 * NS
    bench.see()
    bench.controller.now = bench.now
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench)
    _, times, _ = bench.under_way[-1]
    assert bench.now - NS <= times[0] <= bench.now


def test_gripper_goals_come_out_of_tick(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench, gripper=[0.0] * 16)
    assert bench.executor.tick() is None
    bench.now += 90 * MS  # the lead has passed
    assert bench.executor.tick() is Grip.CLOSE


def test_a_hand_that_somebody_else_moved_is_taken_as_it_is(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    assert move(bench, gripper=[0.0] * 16) == ""
    assert goals(bench, NS) == [Grip.CLOSE]
    bench.executor.end_task("task")
    assert goals(bench, NS) == []
    bench.executor.forget_hand()
    # It is open now, and stays so until a chunk says something else.
    bench.start()
    assert goals(bench, NS // 2) == []
    assert move(bench, gripper=[0.0] * 16) == ""
    assert goals(bench, NS) == [Grip.CLOSE]


def goals(bench, duration: int) -> list[Grip]:
    """Return what the hand is told meanwhile; it does it at once."""
    told = []
    for _ in range(duration // (30 * MS)):
        bench.run(bench.now + 30 * MS, watch=False)
        bench.see()
        goal = bench.executor.tick()
        if goal is not None:
            told.append(goal)
            bench.executor.gripper.finished(bench.executor.gripper.goals, reached=True)
    return told


def test_a_pause_rests_waits_and_goes_on(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench, distance=0.3)
    bench.run(bench.now + 300 * MS)
    assert bench.executor.pause() == (True, "")
    assert bench.executor.pause() == (False, "the task is paused already")
    assert "the task is paused" in move(bench, sequence=2)
    bench.run(bench.now + 500 * MS)
    assert not np.any(bench.controller.sample(np.array([bench.now]))[0, 1:])
    # Far longer than watchdog.chunk_timeout.
    bench.run(bench.now + 5 * NS)
    assert bench.executor.modes.mode is Mode.PAUSED
    assert bench.executor.resume() == (True, "")
    assert bench.executor.modes.mode is Mode.HOLDING
    bench.run(bench.now + 500 * MS)
    assert move(bench, sequence=2) == ""
    assert bench.executor.modes.mode is Mode.RUNNING
    bench.run(bench.now + 3 * NS)
    assert bench.executor.modes.reason == "no valid chunk for 2 s"
    assert bench.executor.pause()[0] is bench.executor.resume()[0] is False
    bench.assert_inside_limits()
    bench.assert_smooth_seams()


def test_a_fault_stops_a_paused_task(bench):
    bench.start()
    bench.executor.pause()
    bench.executor.watchdog.robot(5)
    bench.executor.tick()
    assert bench.executor.modes.reason == "robot mode is USER_STOPPED"


def test_what_was_changed_is_counted(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    actions = np.tile(HOME, (16, 1))
    actions[3:, 0] += 5.0
    assert bench.send(bench.now, actions, sequence=1) == ""
    ledger = bench.executor.ledger
    assert (ledger.clamped, ledger.limited, ledger.late) == (13, 1, 0)
    assert ledger.last_stamp == bench.now
    assert ledger.last_splice == bench.now + 80 * MS
    bench.executor.end_task("task")
    bench.run(bench.now + 2 * NS)
    bench.start()
    assert (ledger.clamped, ledger.limited, ledger.last_splice) == (0, 0, 0)


def test_a_process_held_up_while_publishing_is_counted_and_leaves_more_time(bench):
    bench.start()
    bench.run(bench.now + 300 * MS)
    publish = bench.executor._publish

    def held_up(times, states):
        publish(times, states)
        bench.now += 45 * MS

    bench.executor._publish = held_up
    assert move(bench) == ""
    assert bench.executor.ledger.late == 1
    # 45 ms of work, 50 ms for transport and a little spare.
    assert bench.executor.lead.value == pytest.approx(0.105)
    bench.run(bench.now + 300 * MS)
    assert move(bench, sequence=2, distance=0.12) == ""
    assert bench.executor.ledger.late == 1


def waves(bench, seconds, *, noise=0.02, period=120 * MS):
    """Send a stream of chunks that disagree a little."""
    rng = np.random.default_rng(0)
    end = bench.now + round(seconds * NS)
    sequence = bench.executor.ledger.last_sequence
    while bench.now < end:
        bench.run(bench.now + period)
        sequence += 1
        stamp = bench.now - 50 * MS
        times = (stamp - 1000 * NS) / NS + np.arange(16) / 15
        wave = HOME + 0.3 * np.sin(1.5 * times)[:, None] + rng.normal(0, noise, 7)
        bench.send(stamp, wave, sequence=sequence)


def test_the_lead_grows_until_trajectories_arrive_in_time(make_bench):
    bench = make_bench(feedback=True, transport=130 * MS)
    bench.start()
    waves(bench, 3.0)
    ledger, lead = bench.executor.ledger, bench.executor.lead
    assert ledger.late > 0
    assert 0.13 <= lead.value <= 0.25
    late, seams = ledger.late, len(bench.controller.seams)
    waves(bench, 3.0)
    assert ledger.late == late
    bench.controller.seams = bench.controller.seams[seams + 2 :]
    bench.assert_smooth_seams()


def test_punctual_trajectories_are_not_called_late(make_bench):
    bench = make_bench(feedback=True, transport=49 * MS)
    bench.start()
    waves(bench, 4.0)
    assert bench.executor.ledger.late == 0
    assert bench.executor.lead.value == 0.08
    bench.assert_inside_limits()


def test_a_trajectory_that_is_never_taken_up_is_gone_back_from(make_bench):
    bench = make_bench(feedback=True)
    bench.start()
    bench.run(bench.now + 300 * MS)
    move(bench, distance=0.2)
    bench.run(bench.now + 300 * MS)
    followed = bench.executor.plan
    actions = followed.sample(bench.now + 66_666_667 * np.arange(16))[:, 0] - 0.1
    assert bench.send(bench.now, actions, sequence=2) == ""
    bench.under_way.clear()
    bench.run(bench.now + 500 * MS)
    assert bench.executor.plan is followed
    assert bench.executor.ledger.late == 1
    assert move(bench, sequence=3, distance=0.25) == ""
    bench.run(bench.now + 2 * NS)
    bench.assert_inside_limits()
    bench.assert_smooth_seams()
