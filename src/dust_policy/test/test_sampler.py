"""Chunks out of a stand-in for the head."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dust_model.continuation import Method
from dust_policy.conditions import Conditions
from dust_policy.continuation import Kind
from dust_policy.sampler import Observation, Sampler, Stage, Steps

OBSERVATION = Observation(
    stamp_ns=10,
    arrival_ns=95,
    features=np.zeros((5, 3), np.float16),
    mask=np.ones(5, np.bool_),
    stages=(Stage("encode", 50, 40e-9),),
)
STATE = np.arange(8.0)
STEPS = Steps(4, 16)
FREE = Conditions(STATE, np.empty((0, 8)))


class FakeModel:
    """Returns what it is told, and remembers what it was asked."""

    def __init__(self, actions: np.ndarray | None = None) -> None:
        self.actions = np.full((16, 8), 0.5) if actions is None else actions
        self.calls: list[dict[str, Any]] = []

    def sample(self, features: Any, mask: Any, state: Any, **options: Any) -> SimpleNamespace:
        """Remember the call."""
        self.calls.append({"state": state, **options})
        return SimpleNamespace(actions=self.actions, embedding="the future")


def make(model: FakeModel, seed: int = 7) -> Sampler:
    """Make a sampler whose clock counts on from 100."""
    ticks = count(100)
    return Sampler(
        model, (16, 8), seed=seed, clock=lambda: next(ticks), guidance=2.0, blend_rate=3.0
    )


def seeds(seed: int, numbers: list[int]) -> list[int]:
    """Return the seeds that the head gets for these chunks."""
    model = FakeModel()
    sampler = make(model, seed)
    for number in numbers:
        sampler.sample(OBSERVATION, FREE, steps=STEPS, number=number)
    return [call["seed"] for call in model.calls]


def test_steps_state_and_prefix_reach_the_head() -> None:
    model, prefix = FakeModel(), np.zeros((2, 8))
    conditions = Conditions(STATE, prefix, kind=Kind.PREFIX)
    chunk = make(model).sample(OBSERVATION, conditions, steps=STEPS, number=1)
    (call,) = model.calls
    assert (call["action_steps"], call["vision_steps"]) == (4, 16)
    assert call["prefix"] is prefix
    assert call["leftover"] is None
    assert call["state"] is STATE
    assert (chunk.stamp_ns, chunk.prefix, chunk.steps) == (10, 2, STEPS)
    assert (chunk.kind, chunk.future) == (Kind.PREFIX, "the future")


@pytest.mark.parametrize(
    ("kind", "method"), [(Kind.GUIDED, Method.GUIDED), (Kind.BLENDED, Method.BLENDED)]
)
def test_leftover_reaches_the_head_with_its_method(kind: Kind, method: Method) -> None:
    model, rest = FakeModel(), np.ones((3, 8))
    conditions = Conditions(STATE, np.zeros((2, 8)), rest, kind)
    chunk = make(model).sample(OBSERVATION, conditions, steps=STEPS, number=1)
    given = model.calls[0]["leftover"]
    assert (given.method, given.guidance, given.rate) == (method, 2.0, 3.0)
    assert given.actions is rest
    assert (chunk.kind, chunk.prefix) == (kind, 2)


def test_no_prefix_is_none_to_the_head() -> None:
    model = FakeModel()
    make(model).sample(OBSERVATION, FREE, steps=STEPS, number=1)
    assert model.calls[0]["prefix"] is None


def test_stages_are_continued() -> None:
    chunk = make(FakeModel()).sample(OBSERVATION, FREE, steps=STEPS, number=1)
    assert [(s.name, s.begin_ns, round(s.duration * 1e9)) for s in chunk.stages] == [
        ("encode", 50, 40),
        ("transport", 90, 5),
        ("queue", 95, 5),
        ("sample", 100, 1),
    ]


def test_a_seed_makes_chunks_repeatable_and_different() -> None:
    assert seeds(7, [1, 2, 3]) == seeds(7, [1, 2, 3])
    assert len({*seeds(7, [1, 2, 3]), *seeds(8, [1, 2, 3])}) == 6
    assert all(0 <= seed < 2**31 for seed in seeds(7, list(range(20))))


def test_without_a_seed_the_noise_is_fresh() -> None:
    assert seeds(-1, [1, 2, 3]) != seeds(-1, [1, 2, 3])


def test_gripper_is_kept_between_closed_and_open() -> None:
    actions = np.full((16, 8), 0.5)
    actions[:2, -1] = (-0.2, 1.3)
    chunk = make(FakeModel(actions)).sample(OBSERVATION, FREE, steps=STEPS, number=1)
    assert chunk.actions[:3, -1].tolist() == [0.0, 1.0, 0.5]
    assert actions[0, -1] == -0.2


@pytest.mark.parametrize(
    ("actions", "words"),
    [(np.zeros((8, 8)), r"actions \(8, 8\), expected"), (np.full((16, 8), np.nan), "not finite")],
)
def test_nonsense_from_the_head_is_an_error(actions: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(FakeModel(actions)).sample(OBSERVATION, FREE, steps=STEPS, number=1)
