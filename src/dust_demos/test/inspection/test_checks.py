from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dust_demos.inspection.checks import choose
from dust_demos.inspection.episode import Collection, Episode
from dust_demos.inspection.finding import Kind, note, warning


@given(st.integers(0, 40), st.integers(0, 12), st.sets(st.integers(0, 39)))
def test_flagged_ones_are_shown_first_then_evenly_others(total, count, flagged):
    empty = [[]]
    episodes = tuple(
        Episode(
            name=str(i), instruction="", times=empty, state=empty, action=empty, film=lambda n: {}
        )
        for i in range(total)
    )
    data = Collection(name="", kind="", converted=True, fps=15.0, columns=(), episodes=episodes)
    findings = [warning(Kind.GAP, str(i), "", "") for i in flagged] + [note(Kind.GAP, "0", "")]
    shown = [int(episode.name) for episode in choose(data, findings, count)]
    assert shown == sorted(set(shown))
    assert len(shown) == min(count, total)
    known = {i for i in flagged if i < total}
    assert known <= set(shown) or set(shown) <= known
    others = [i for i in range(total) if i not in known]
    places = [others.index(i) for i in shown if i not in known]
    gaps = [b - a for a, b in pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1
