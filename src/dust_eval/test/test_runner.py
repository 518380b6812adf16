"""Tests of dust_eval.runner with a client that answers from a script."""

from types import SimpleNamespace

import numpy as np
import pytest

from dust_eval.cell_client import Audit, GraphError, Judgement
from dust_eval.failure import Failure
from dust_eval.runner import SimulatedScene, carry_out, run_trial
from dust_eval.trace import Moment, join_moments
from dust_eval.trial import Flow, TrialSpec
from dust_msgs.action import ExecuteTask

SPEC = TrialSpec("box_to_bowl", "sponge", 0)
FLOW = Flow(5.0, 0.1, 0.2, 0, 0)


class ScriptedClient:
    """Answers like CellClient: the task ends after some looks, the scores come in order.

    Its clock goes on by `tick` whenever somebody waits for the task.
    """

    def __init__(self, scores, *, ends_after=None, error_code=0, error_msg="", tick=0.5):
        self.scores = list(scores)
        self.ends_after = ends_after
        self.error = {"error_code": error_code, "error_msg": error_msg}
        self.tick = tick
        self.time = 100.0
        self.waits = 0
        self.looks = 0
        self.canceled = False

    def now(self):
        return self.time

    def reset(self, spec):
        return "do it"

    def audit(self, *, reset):
        return Audit(1000, (0, 1, 0, 2), (0.5, 0.4, 0.3, 0.2))

    def start_task(self, instruction, *, time_limit_sec, on_feedback=None):
        assert instruction == "do it"
        return object()

    def _end(self):
        return SimpleNamespace(
            result=SimpleNamespace(elapsed_time=self.time - 100, chunks=7, **self.error)
        )

    def wait_task(self, task, *, timeout_sec):
        self.waits += 1
        self.time += self.tick
        return self._end() if self.ends_after is not None and self.waits > self.ends_after else None

    def cancel_task(self, task):
        self.canceled = True
        return self._end()

    def judge(self):
        self.looks += 1
        score = self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]
        return Judgement(score, f"score {score}")


class Watch:
    """Saw a hand that stayed away from everything."""

    begun = 0

    def begin(self):
        self.begun += 1

    def trace(self):
        poses = dict.fromkeys(("sponge", "golden_bowl"), (0.5, 0.2, 0.0, 1.0, 0.0, 0.0, 0.0))
        moments = [Moment(t, (0.3, 0.0, 0.5), 1.0, 1.0, poses) for t in np.arange(0, 2, 0.05)]
        return join_moments(moments, target="golden_bowl")

    def flow(self):
        return FLOW


def test_a_driver_without_success_detector_is_canceled_once_placed():
    client = ScriptedClient([0.0, 1.0, 0.0, 1.0, 1.0])
    result = run_trial(client, SPEC, time_limit_sec=60)
    assert client.canceled
    assert (result.elapsed_sec, client.waits) == (2.5, 5)
    assert (result.score, result.chunks, result.outside) == (1.0, 7, 3)


def test_a_driver_that_ends_is_judged_afterwards():
    client = ScriptedClient([0.0, 0.0, 0.5], ends_after=2, error_msg="time is up")
    result = run_trial(client, SPEC, time_limit_sec=60)
    assert not client.canceled
    assert result.score == 0.5
    assert result.reason == "score 0.5; time is up"


@pytest.mark.parametrize("tick", [0.01, 0.1, 0.5])
def test_the_scene_is_looked_at_by_the_graphs_clock(tick):
    client = ScriptedClient([0.0], ends_after=round(10 / tick), tick=tick)
    run_trial(client, SPEC, time_limit_sec=60)
    # Every half second whatever the speed, and once at the end.
    assert 17 <= client.looks <= 21


def test_a_task_that_does_not_end_is_canceled_when_its_time_is_up():
    client = ScriptedClient([0.0])
    result = run_trial(client, SPEC, time_limit_sec=20)
    assert client.canceled
    assert 50 < result.elapsed_sec < 52


def test_a_graph_that_ends_meanwhile_is_noticed():
    client = ScriptedClient([0.0])
    scene = SimulatedScene(client)
    with pytest.raises(GraphError, match="ended during the trial"):
        carry_out(client, scene, SPEC, time_limit_sec=60, alive=lambda: client.waits < 3)


def test_a_clock_that_stands_still_is_noticed(monkeypatch):
    client = ScriptedClient([0.0], tick=0.0)
    wall = iter(range(1000))
    monkeypatch.setattr("dust_eval.runner.time", SimpleNamespace(monotonic=lambda: next(wall)))
    with pytest.raises(GraphError, match="the clock stood still"):
        run_trial(client, SPEC, time_limit_sec=60)


def watched(client):
    scene = SimulatedScene(client, Watch())
    return carry_out(client, scene, SPEC, time_limit_sec=60)


def test_the_watch_tells_reason_and_flow():
    result = watched(ScriptedClient([0.0], ends_after=1))
    assert result.failure is Failure.NEVER_REACHED
    assert result.reason.startswith("score 0.0; the hand came within")
    assert result.flow == FLOW


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (ExecuteTask.Result.EXECUTOR_STOPPED, Failure.STOPPED),
        (ExecuteTask.Result.NO_FEATURES, Failure.BROKEN),
        (ExecuteTask.Result.MODEL_FAILED, Failure.BROKEN),
        (ExecuteTask.Result.TIMEOUT, Failure.NEVER_REACHED),
        (ExecuteTask.Result.UNKNOWN, Failure.NEVER_REACHED),
    ],
)
def test_an_error_is_told_by_its_code(code, failure):
    result = watched(ScriptedClient([0.0], ends_after=1, error_code=code, error_msg="told"))
    assert result.failure is failure
    assert result.reason.endswith("; told")


def test_a_success_stays_one_whatever_the_driver_says():
    code = ExecuteTask.Result.EXECUTOR_STOPPED
    result = watched(ScriptedClient([1.0], ends_after=1, error_code=code, error_msg="told"))
    assert (result.failure, result.score, result.reason) == (Failure.NONE, 1.0, "score 1.0")


def test_the_start_is_announced_before_the_task_begins():
    client, told = ScriptedClient([1.0], ends_after=0), []
    carry_out(
        client,
        SimulatedScene(client),
        SPEC,
        time_limit_sec=1,
        on_start=lambda text: told.append((text, client.waits)),
    )
    assert told == [("do it", 0)]
