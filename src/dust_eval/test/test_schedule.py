"""Tests of dust_eval.schedule: everybody does everything once, in an order drawn by chance."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_eval.schedule import blind_labels, plan_turns
from dust_eval.trial import TrialSpec

SPECS = [TrialSpec("task", "cube", seed) for seed in range(10)]


@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 99))
def test_every_driver_does_every_trial_once(drivers, block, seed):
    turns = plan_turns(SPECS, drivers, block=block, seed=seed)
    pairs = Counter((turn.spec.seed, turn.driver) for turn in turns)
    assert len(pairs) == len(turns) == 10 * drivers
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))


@given(st.integers(2, 4), st.integers(1, 5), st.integers(0, 99))
def test_drivers_meet_in_every_block(drivers, block, seed):
    turns = plan_turns(SPECS, drivers, block=block, seed=seed)
    begin = 0
    for start in range(0, 10, block):
        trials = SPECS[start : start + block]
        part = turns[begin : begin + drivers * len(trials)]
        assert {turn.spec.seed for turn in part} == {spec.seed for spec in trials}
        begin += len(part)


def test_the_order_is_drawn_anew_for_each_block_and_the_same_for_a_seed():
    orders = [
        [turn.driver for turn in plan_turns(SPECS, 3, block=1, seed=seed)] for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    blocks = {tuple(orders[0][i : i + 3]) for i in range(0, 30, 3)}
    assert len(blocks) > 2


def test_no_driver_is_first_more_often_than_chance_allows():
    specs = [TrialSpec("task", "cube", seed) for seed in range(2000)]
    first = Counter(turn.driver for turn in plan_turns(specs, 2, block=1, seed=0)[::2])
    # Four standard deviations of a fair coin.
    assert abs(first[0] - 1000) < 4 * 500**0.5


def test_labels_are_letters_given_out_by_chance():
    assert sorted(blind_labels(3, seed=5)) == ["A", "B", "C"]
    orders = {tuple(blind_labels(3, seed=seed)) for seed in range(40)}
    assert len(orders) == 6
    with pytest.raises(ValueError, match="27 drivers"):
        blind_labels(27, seed=0)


@pytest.mark.parametrize(("drivers", "block"), [(0, 1), (1, 0)])
def test_nonsense_is_refused(drivers, block):
    with pytest.raises(ValueError, match="must be >= 1"):
        plan_turns(SPECS, drivers, block=block, seed=0)


def test_an_episodes_name_tells_nobody_who_drives():
    ids = {turn.episode_id for turn in plan_turns(SPECS, 2, block=1, seed=0)}
    assert ids == {f"trial-{number:04d}" for number in range(1, 21)}
