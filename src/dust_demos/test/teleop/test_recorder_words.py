"""What the operator learns of the recorder."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dust_demos.teleop.recorder_words import RecorderWords

LAST = {"folder": "/demos/e1", "episode_id": "e1", "seconds": 12.34, "faults": []}


def test_a_fault_is_told_once_in_each_take():
    words = RecorderWords()
    status = {"state": "recording", "episode_id": "e1", "faults": ["rate 9 Hz"], "last": {}}
    assert words.lines(json.dumps(status)) == ["recorder: THIS TAKE IS BAD: rate 9 Hz"]
    assert words.lines(json.dumps(status)) == []
    assert len(words.lines(json.dumps({**status, "episode_id": "e2"}))) == 1


def test_a_saved_bag_and_trouble_are_told_once():
    words = RecorderWords()
    status = json.dumps({"state": "idle", "trouble": "the disk is full", "last": LAST})
    assert words.lines(status) == [
        "recorder: the disk is full",
        "recorder: saved 12.3 s to /demos/e1, no faults",
    ]
    assert words.lines(status) == []
    faulty = {**LAST, "episode_id": "e2", "faults": ["skew", "gap"]}
    assert words.lines(json.dumps({"last": faulty})) == [
        "recorder: saved 12.3 s to /demos/e1, faulty: skew; gap"
    ]


@given(st.one_of(st.text(max_size=20), st.sampled_from(["[]", "1", '{"last": {"x": 1}}'])))
def test_a_status_of_another_form_says_nothing(text):
    assert RecorderWords().lines(text) == []
