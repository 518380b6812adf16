from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.grid import ahead_limit, choose, rows_between
from dust_demos.conversion.mapping import Gates
from dust_perception.synchroniser import FrameSet, Shortage, Synchroniser

MS = 1_000_000
times = st.lists(st.integers(0, 600), min_size=1, max_size=12, unique=True).map(
    lambda ms: np.array(sorted(ms)) * MS
)
LIVE_GATE = {
    Shortage.MISSING: Gate.GAP,
    Shortage.AHEAD: Gate.GAP,
    Shortage.OLD: Gate.GAP,
    Shortage.SKEW: Gate.SKEW,
}


@given(
    *(times, times, times, st.integers(0, 700)),
    st.sampled_from([(250, 80, 0), (250, 80, 20), (100, 30, 5), (40, 0, 0)]),
)
def test_images_are_chosen_as_the_live_synchroniser_chooses(first, second, third, row, limits):
    age, skew, ahead = limits
    frames = {"wrist": first, "side": second, "top": third}
    live = Synchroniser(
        list(frames),
        max_age_ns=age * MS,
        max_skew_ns=skew * MS,
        max_ahead_ns=ahead * MS,
        depth=100,
    )
    for view, stamps in frames.items():
        for place, stamp in enumerate(stamps):
            live.add(view, int(stamp), place)
    gates = Gates(max_age=age / 1000, max_skew=skew / 1000, max_ahead=ahead / 1000)
    found = live.latest(row * MS)
    if isinstance(found, FrameSet):
        wanted = {view: f.item for view, f in zip(found.views, found.frames, strict=True)}
        assert choose(frames, row * MS, gates) == wanted
    else:
        with pytest.raises(EpisodeFault, match=found.view) as caught:
            choose(frames, row * MS, gates)
        assert caught.value.gate is LIVE_GATE[found.shortage]


def test_the_default_limits_are_the_perception_nodes():
    from dust_perception.parameters import PARAMETERS

    live = {parameter.name: parameter.default for parameter in PARAMETERS}
    for name in ("max_age", "max_skew", "max_ahead"):
        assert getattr(Gates(), name) == live[name]


def test_rows_are_even_and_do_not_drift():
    rows = rows_between(1_000, 1_000 + 20 * 10**9, 15)
    assert len(rows) == 301
    np.testing.assert_allclose(rows - 1_000, np.arange(301) * 1e9 / 15, atol=0.51)
    assert rows_between(5, 5, 15).tolist() == [5]
    assert rows_between(5, 5 - 10**9, 15).tolist() == []


def test_an_image_is_never_half_a_period_ahead():
    at = {"fast": np.arange(10) * 16 * MS, "slow": np.arange(10) * 66 * MS}
    assert ahead_limit(at, 0.02) == pytest.approx(0.0064)
    assert ahead_limit({"slow": at["slow"]}, 0.02) == 0.02
    assert ahead_limit({"one": np.array([5])}, 0.02) == 0.02
    limit = replace(Gates(), max_ahead=ahead_limit(at, 0.02))
    assert choose({"fast": at["fast"]}, 64 * MS, limit) == {"fast": 4}
