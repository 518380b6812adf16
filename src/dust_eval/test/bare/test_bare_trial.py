"""Trials of an untrained policy without a graph."""

import numpy as np
import pytest

from dust_eval.bare.settings import BareSettings
from dust_eval.bare.trial import BareCell
from dust_eval.driver import parse_driver
from dust_eval.failure import Failure
from dust_eval.trial import TrialSpec

SPEC = TrialSpec("box_to_bowl", "blue_cube", 6, ("sponge",))
SMALL = ["latency:=0.2"]


@pytest.fixture(scope="module")
def bare(tiny_checkpoint):
    words = [*parse_driver(str(tiny_checkpoint)).words, *SMALL]
    cell = BareCell(BareSettings.from_words(words))
    yield cell
    cell.close()


def test_a_trial_has_result_trace_and_reason(bare):
    result, trace = bare.run(SPEC, time_limit_sec=4.0)
    assert result.spec == SPEC
    assert result.score == 0.0
    assert result.failure not in (Failure.NONE, Failure.BROKEN)
    assert "blue cube" in result.reason
    assert result.outside == 0
    assert 0 < result.elapsed_sec <= 4.3
    assert result.samples == pytest.approx(result.elapsed_sec * 1000, abs=300)
    # Of 16 actions 12 are executed: a chunk every 0.8 s, not one for each image.
    assert 3 <= result.chunks <= 8
    assert np.all(np.diff(trace.times) == pytest.approx(0.05, abs=0.002))
    assert {"blue_cube", "sponge", "golden_bowl"} <= trace.poses.keys()
    assert trace.target == "golden_bowl"


def test_the_same_trial_gives_the_same_result_whatever_came_before(bare):
    first, trace = bare.run(SPEC, time_limit_sec=3.0)
    bare.run(TrialSpec("plate_to_basket", "teddy_bear", 7), time_limit_sec=1.0)
    again, other = bare.run(SPEC, time_limit_sec=3.0)
    assert again == first
    assert np.array_equal(other.hand, trace.hand)


def test_an_unknown_object_is_said(bare):
    with pytest.raises(ValueError, match="bicycle"):
        bare.run(TrialSpec("box_to_bowl", "bicycle", 0), time_limit_sec=1.0)
