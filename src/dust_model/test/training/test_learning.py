"""What DUST learns of a joint distribution that is known; the figures are in docs/learning.md."""

import importlib.util
from pathlib import Path

import pytest
import torch

from dust_model.config import Architecture


@pytest.fixture(scope="module")
def toy():
    path = Path(__file__).with_name("toy.py")
    spec = importlib.util.spec_from_file_location("toy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def problem(toy):
    return toy.Problem()


@pytest.fixture(scope="module")
def truth(toy, problem):
    return problem.draw(4000, torch.Generator().manual_seed(1))


def test_the_distribution_itself_has_the_best_scores(problem, truth):
    scores = problem.measure(truth)
    assert max(scores.action_modes, scores.vision_modes, scores.pairs) < 0.03
    assert scores.correlation > 0.99
    assert max(scores.action_lost, scores.vision_lost) == 0


def test_pairs_that_were_torn_apart_are_noticed(toy, problem, truth):
    order = torch.randperm(len(truth.action), generator=torch.Generator().manual_seed(2))
    scores = problem.measure(toy.Pair(truth.action, truth.vision[order]))
    assert max(scores.action_modes, scores.vision_modes) < 0.03
    assert scores.pairs > 0.4
    assert abs(scores.correlation) < 0.1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_dust_learns_both_marginals_and_their_correlation(toy, problem):
    head = toy.train(Architecture.DUST, seed=0, steps=2000, problem=problem)
    few, many = (problem.measure(toy.sample(head, 4, steps)) for steps in (4, 16))
    for scores in (few, many):
        assert max(scores.action_modes, scores.vision_modes) < 0.12
    assert many.pairs < 0.2
    assert many.correlation > 0.85
    # Test-time scaling (section 5.3): more vision steps alone make the two agree better.
    assert many.pairs < few.pairs
    assert many.correlation > few.correlation
