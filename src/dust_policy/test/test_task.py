"""A task's way from goal to verdict."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ExecutorState
from dust_node.verdict import Code
from dust_policy.task import (
    ExecutorView,
    Limits,
    Mode,
    Phase,
    Status,
    Task,
    check_goal,
    refusal,
)

S = 1_000_000_000
JOINTS = ("j1", "j2")
LIMITS = Limits(
    start_ns=10 * S, features_ns=2 * S, states_ns=1 * S, executor_ns=2 * S, client_ns=3 * S
)
RUNNING = ExecutorView(0, Mode.RUNNING, "", "task", ("j2", "j1"))


def make_task() -> Task:
    """Make a task that began at 0."""
    return Task("task", "do it", time_limit=30.0, now_ns=0, joint_names=JOINTS, limits=LIMITS)


def fine(now_ns: int) -> Status:
    """Return a status in which nothing is wrong."""
    return Status(
        features_ns=now_ns,
        states_ns=now_ns,
        executor=replace(RUNNING, arrival_ns=now_ns),
        client_ns=now_ns,
    )


def rehearsed_task() -> Task:
    """Make a task that began at 0 and was rehearsed."""
    task = make_task()
    task.rehearsed = True
    return task


def running_task() -> Task:
    """Make a task that began at 0 and runs since 1 s."""
    task = make_task()
    task.starting()
    task.running(1 * S)
    return task


def ended(task: Task, status: Status, now_ns: int) -> tuple[Code, str]:
    """Watch once and return the verdict."""
    task.watch(status, now_ns)
    assert task.verdict is not None
    assert task.phase == Phase.ENDING
    return task.verdict.code, task.verdict.text


def test_codes_are_those_of_the_action() -> None:
    for code in Code:
        assert getattr(ExecuteTask.Result, code.name) == code


def test_modes_are_those_of_the_executor() -> None:
    for mode in Mode:
        assert getattr(ExecutorState, mode.name) == mode


def test_a_task_goes_on_while_all_is_well() -> None:
    task = rehearsed_task()
    task.watch(fine(0), 0)
    assert task.is_ready(fine(0), 0)
    task.starting()
    assert task.engaged
    task.running(1 * S)
    for second in range(1, 30):
        task.watch(fine(second * S), second * S)
        assert task.phase == Phase.RUNNING
    assert ended(task, fine(30 * S), 30 * S)[0] == Code.TIMEOUT


@pytest.mark.parametrize("missing", ["features_ns", "states_ns"])
def test_a_task_waits_for_features_and_joint_states(missing: str) -> None:
    status = fine(5 * S)
    setattr(status, missing, None)
    task = rehearsed_task()
    task.watch(status, 5 * S)
    assert task.phase == Phase.WAITING
    assert not task.is_ready(status, 5 * S)


def test_a_task_waits_for_the_rehearsal() -> None:
    task = make_task()
    assert not task.is_ready(fine(S), S)
    task.rehearsed = True
    assert task.is_ready(fine(S), S)


STALE = [
    ("features_ns", Code.NO_FEATURES, "features stay away: "),
    ("states_ns", Code.NO_JOINT_STATES, "joint states stay away: "),
]


@pytest.mark.parametrize(("stale", "code", "words"), STALE)
@pytest.mark.parametrize("rehearsed", [False, True])
def test_what_stays_away_after_the_first_ends_a_task_that_waits(
    stale: str, code: Code, words: str, rehearsed: bool
) -> None:
    task, status = make_task(), fine(9 * S)
    task.rehearsed = rehearsed
    setattr(status, stale, 1 * S)
    task.watch(status, 9 * S)
    assert task.phase == Phase.WAITING
    assert not task.is_ready(status, 9 * S)
    status = fine(10 * S)
    setattr(status, stale, 1 * S)
    found, text = ended(task, status, 10 * S)
    assert found == code
    assert text.startswith(words)


def test_a_task_that_waits_names_why_the_newest_are_of_no_use() -> None:
    status = fine(10 * S)
    status.features_ns, status.features_problem = 1 * S, "the newest are 3 s old"
    assert "the newest are 3 s old" in ended(rehearsed_task(), status, 10 * S)[1]


def test_during_a_rehearsal_and_right_after_it_nobody_stays_away() -> None:
    task, status = make_task(), replace(fine(9 * S), client_ns=30 * S)
    task.rehearsing = True
    for second in range(9, 21):
        task.watch(status, second * S)
        assert task.verdict is None
    task.rehearsing, task.rehearsed = False, True
    status.states_ns = 22 * S
    task.watch(status, 22 * S)
    assert task.verdict is None
    assert not task.is_ready(status, 22 * S)
    assert task.is_ready(replace(status, features_ns=22 * S), 22 * S)
    status.states_ns = 23 * S
    assert ended(task, status, 23 * S)[0] == Code.NO_FEATURES


@pytest.mark.parametrize(
    ("missing", "code", "words"),
    [
        ("features_ns", Code.NO_FEATURES, "no usable features within 10 s: is perception active"),
        ("states_ns", Code.NO_JOINT_STATES, "no usable joint states within 10 s"),
    ],
)
def test_what_does_not_come_in_time_is_named(missing: str, code: Code, words: str) -> None:
    status = fine(10 * S)
    setattr(status, missing, None)
    found, text = ended(make_task(), status, 10 * S)
    assert found == code
    assert words in text


def test_the_known_problem_is_told() -> None:
    status = fine(10 * S)
    status.states_ns, status.states_problem = None, "joint states lack j2"
    assert "joint states lack j2" in ended(make_task(), status, 10 * S)[1]
    status = fine(10 * S)
    status.features_ns, status.features_problem = None, "the newest are 3 s old"
    assert "the newest are 3 s old" in ended(make_task(), status, 10 * S)[1]


def test_an_executor_of_another_robot_is_refused() -> None:
    status = fine(0)
    status.executor = replace(RUNNING, joint_names=("j1", "k9"))
    code, text = ended(make_task(), status, 0)
    assert code == Code.EXECUTOR_UNAVAILABLE
    assert "drives j1, k9" in text
    assert "made for j1, j2" in text


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"features_ns": 5 * S}, Code.NO_FEATURES, "none for 2 s"),
        ({"states_ns": 5 * S}, Code.NO_JOINT_STATES, "none for 1 s"),
        ({"client_ns": 5 * S}, Code.CANCELED, "client that gave the task is gone"),
        ({"executor": replace(RUNNING, arrival_ns=5 * S)}, Code.EXECUTOR_UNAVAILABLE, "silent"),
        (
            {"executor": replace(RUNNING, arrival_ns=10 * S, mode=Mode.STOPPED, reason="reflex")},
            Code.EXECUTOR_STOPPED,
            "reflex; mend the cause, then call dust_executor/rearm",
        ),
        (
            {"executor": replace(RUNNING, arrival_ns=10 * S, task_id="other")},
            Code.EXECUTOR_STOPPED,
            "left the task",
        ),
    ],
)
def test_a_running_task_ends_with_the_cause(change: dict, code: Code, words: str) -> None:
    task, status = running_task(), fine(10 * S)
    for name, value in change.items():
        setattr(status, name, value)
    found, text = ended(task, status, 10 * S)
    assert found == code
    assert words in text


def test_limits_count_from_the_start_of_running() -> None:
    status = fine(0)
    task = make_task()
    task.starting()
    task.running(9 * S)
    status.client_ns = 9 * S
    task.watch(status, 9 * S + S // 2)
    assert task.verdict is None


def test_a_state_from_before_the_start_does_not_end_the_task() -> None:
    task, status = running_task(), fine(1 * S)
    status.executor = replace(RUNNING, task_id="", mode=Mode.IDLE, arrival_ns=1 * S)
    task.watch(status, 1 * S)
    assert task.verdict is None


def test_a_task_that_slept_hears_first_and_judges_then() -> None:
    task, before = running_task(), replace(fine(2 * S), client_ns=20 * S)
    task.slept(20 * S)
    task.watch(before, 20 * S)
    assert task.verdict is None
    stopped = replace(RUNNING, mode=Mode.STOPPED, reason="no chunk", arrival_ns=20 * S)
    code, text = ended(task, replace(before, executor=stopped), 20 * S + 1)
    assert code == Code.EXECUTOR_STOPPED
    assert text.startswith("the executor stopped: no chunk;")


def test_what_stays_away_after_a_sleep_ends_the_task() -> None:
    task, before = running_task(), replace(fine(2 * S), client_ns=20 * S)
    task.slept(20 * S)
    task.watch(before, 21 * S)
    assert task.verdict is None
    code, _ = ended(task, replace(before, executor=fine(23 * S).executor), 23 * S)
    assert code == Code.NO_JOINT_STATES


def test_a_limit_of_zero_is_none() -> None:
    limits = replace(LIMITS, client_ns=0)
    task = Task("task", "do", time_limit=3600, now_ns=0, joint_names=JOINTS, limits=limits)
    task.starting()
    task.running(0)
    status = fine(1000 * S)
    status.client_ns = None
    task.watch(status, 1000 * S)
    assert task.verdict is None


def test_the_first_cause_counts() -> None:
    task = running_task()
    task.end(Code.MODEL_FAILED, "first")
    task.end(Code.CANCELED, "second")
    task.watch(fine(99 * S), 99 * S)
    assert task.verdict is not None
    assert (task.verdict.code, task.verdict.text) == (Code.MODEL_FAILED, "first")


def test_a_task_that_was_canceled_while_the_executor_was_asked_stays_ended() -> None:
    task = make_task()
    task.starting()
    task.end(Code.CANCELED, "canceled")
    task.running(2 * S)
    assert task.phase == Phase.ENDING
    assert task.engaged


def test_a_refused_task_need_not_be_released() -> None:
    task = make_task()
    task.starting()
    task.refused(refusal(None, "no"))
    assert not task.engaged
    assert task.phase == Phase.ENDING


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (Mode.STOPPED, Code.EXECUTOR_STOPPED),
        (Mode.RUNNING, Code.BUSY),
        (Mode.HOLDING, Code.BUSY),
        (Mode.IDLE, Code.EXECUTOR_UNAVAILABLE),
        (None, Code.EXECUTOR_UNAVAILABLE),
    ],
)
def test_a_refusal_is_explained_by_the_executor_s_mode(mode: Mode | None, code: Code) -> None:
    view = None if mode is None else replace(RUNNING, mode=mode)
    assert refusal(view, "because").code == code


@pytest.mark.parametrize(
    ("instruction", "time_limit", "words"),
    [
        ("", 10.0, "empty"),
        (" \n", 10.0, "empty"),
        ("x" * 501, 10.0, "501 characters"),
        ("go", 0.0, "time_limit is 0 s"),
        ("go", -1.0, "time_limit"),
        ("go", 61.0, "above 0 to 60 s"),
        ("go", float("nan"), "time_limit is nan"),
        ("go", float("inf"), "time_limit is inf"),
    ],
)
def test_goals_out_of_range_are_refused(instruction: str, time_limit: float, words: str) -> None:
    assert words in check_goal(instruction, time_limit, longest=60.0)


def test_a_good_goal_has_no_problem() -> None:
    assert check_goal("x" * 500, 60.0, longest=60.0) == ""


STATUSES = st.builds(
    Status,
    features_ns=st.none() | st.integers(0, 40 * S),
    states_ns=st.none() | st.integers(0, 40 * S),
    executor=st.none()
    | st.builds(
        ExecutorView,
        arrival_ns=st.integers(0, 40 * S),
        mode=st.sampled_from(Mode),
        reason=st.just(""),
        task_id=st.sampled_from(["task", "other", ""]),
        joint_names=st.just(JOINTS),
    ),
    client_ns=st.none() | st.integers(0, 40 * S),
)


@given(st.lists(st.tuples(STATUSES, st.integers(0, 2 * S)), max_size=30))
def test_whatever_happens_a_task_ends_once_and_in_time(
    events: list[tuple[Status, int]],
) -> None:
    task, now_ns, first = rehearsed_task(), 0, None
    for status, step_ns in events:
        now_ns += step_ns
        task.watch(status, now_ns)
        if task.is_ready(status, now_ns):
            task.starting()
            task.running(now_ns)
        first = first or task.verdict
        assert task.verdict is first
    task.watch(fine(31 * S), 31 * S)
    assert task.verdict is not None
    assert task.phase == Phase.ENDING
