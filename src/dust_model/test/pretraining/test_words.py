"""Wordings: whatever is drawn, the thing and the target are named."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dust_model.pretraining.folder import Body
from dust_model.pretraining.words import at, paraphrase
from dust_model.tokenizer import SPECIAL

CUP = Body(name="cup", words="blue cup", grasp_period=3.0)
BOWL = Body(name="bowl", words="golden bowl", inside=True)
PLATE = Body(name="plate", words="white plate")


@given(seed=st.integers(0, 2**32), source=st.sampled_from([None, PLATE, BOWL]))
def test_every_wording_names_thing_and_target(seed, source):
    text = paraphrase(CUP, source, BOWL, np.random.default_rng(seed))
    assert text.count("blue cup") == 1
    assert "golden bowl" in text
    assert text.rstrip(".").endswith("the golden bowl")
    assert not any(token in text for token in SPECIAL)
    assert not any(brace in text for brace in "{}")


def test_there_are_many_wordings():
    random = np.random.default_rng(0)
    texts = {paraphrase(CUP, PLATE, BOWL, random) for _ in range(400)}
    assert len(texts) > 150


def test_things_go_in_or_on():
    assert at(BOWL) == "in the golden bowl"
    assert at(PLATE) == "on the white plate"
    assert at(BOWL, moving=True, strict=False) == "into the golden bowl"
    assert at(PLATE, moving=True, strict=False) == "onto the white plate"
    assert at(PLATE, strict=False) == "from the white plate"
