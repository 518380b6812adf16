"""Tests of dust_eval.runner and dust_eval.trials with a client that answers from a script."""

from types import SimpleNamespace

import pytest

from dust_eval.cell_client import Audit, GraphError, Judgement
from dust_eval.runner import run_trial
from dust_eval.trial import TrialSpec
from dust_eval.trials import run_trials

SPEC = TrialSpec("box_to_bowl", "sponge", 0)


class ScriptedClient:
    """Answers like CellClient: the task ends after some polls, the scores come in order."""

    def __init__(self, scores, *, ends_after=None, error_msg=""):
        self.scores = list(scores)
        self.ends_after = ends_after
        self.error_msg = error_msg
        self.polls = 0
        self.canceled = False
        self.rearmed = 0

    def reset(self, spec):
        return "do it"

    def audit(self, *, reset):
        return Audit(1000, (0, 1, 0, 2), (0.5, 0.4, 0.3, 0.2))

    def start_task(self, instruction, *, time_limit_sec, on_feedback=None):
        assert instruction == "do it"
        return object()

    def _end(self):
        result = SimpleNamespace(error_msg=self.error_msg, elapsed_time=3.0, chunks=7)
        return SimpleNamespace(result=result)

    def wait_task(self, task, *, timeout_sec):
        self.polls += 1
        return self._end() if self.ends_after is not None and self.polls > self.ends_after else None

    def cancel_task(self, task):
        self.canceled = True
        return self._end()

    def judge(self):
        score = self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]
        return Judgement(score, f"score {score}")

    def rearm_if_stopped(self):
        self.rearmed += 1


def test_a_driver_without_success_detector_is_canceled_once_placed():
    client = ScriptedClient([0.0, 1.0, 0.0, 1.0, 1.0])
    result = run_trial(client, SPEC, time_limit_sec=60)
    assert client.canceled
    assert client.polls == 5
    assert (result.score, result.chunks, result.outside) == (1.0, 7, 3)


def test_a_driver_that_ends_is_judged_afterwards():
    client = ScriptedClient([0.0, 0.0, 0.5], ends_after=2, error_msg="time is up")
    result = run_trial(client, SPEC, time_limit_sec=60)
    assert not client.canceled
    assert result.score == 0.5
    assert result.reason == "score 0.5; time is up"


def test_a_broken_trial_counts_as_failure_and_the_next_one_goes_on():
    client = ScriptedClient([1.0], ends_after=0)
    broken = TrialSpec("box_to_bowl", "nothing", 0)

    def reset(spec):
        if spec is broken:
            raise GraphError("no such object")
        return "do it"

    client.reset = reset
    results = run_trials([broken, SPEC], client, time_limit_sec=1, progress=False)
    assert [row.score for row in results] == [0.0, 1.0]
    assert results[0].reason == "no such object"
    assert client.rearmed == 1


def test_the_graph_that_is_gone_ends_the_run():
    client = ScriptedClient([1.0], ends_after=0)

    def gone(*_):
        raise GraphError("gone")

    client.reset = gone
    client.rearm_if_stopped = gone
    with pytest.raises(GraphError, match="gone"):
        run_trials([SPEC], client, time_limit_sec=1, progress=False)
