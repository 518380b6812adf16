"""The journal survives a kill at any moment and tells what was collected."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_demos.collection.journal import (
    ROWS,
    SUMMARY,
    Journal,
    Row,
    read_rows,
    summary,
    summary_lines,
)
from dust_demos.collection.settings import CollectionSettings

SETTINGS = CollectionSettings(per_task=3)


def row(seed, outcome="success", faults=(), task="box_to_bowl"):
    name = f"{task}-sponge-{seed}"
    return Row(name, task, "sponge", seed, ("blue_cup",), outcome, "seen", 16.5, 20.25, faults)


def test_what_was_added_is_there_again(tmp_path):
    journal = Journal(tmp_path, SETTINGS, resume=False)
    journal.add(row(1000))
    journal.add(row(1001, "failure", ("gap of 0.3 s",)))
    again = Journal(tmp_path, SETTINGS, resume=True)
    assert again.rows == [row(1000), row(1001, "failure", ("gap of 0.3 s",))]
    assert again.names == {"box_to_bowl-sponge-1000", "box_to_bowl-sponge-1001"}


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_keeps_all_whole_rows(tmp_path_factory, data):
    out = tmp_path_factory.mktemp("journal")
    journal = Journal(out, SETTINGS, resume=False)
    rows = [row(1000 + index) for index in range(3)]
    for each in rows:
        journal.add(each)
    content = (out / ROWS).read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    (out / ROWS).write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    again = Journal(out, SETTINGS, resume=True)
    assert again.rows == rows[:whole]
    again.add(row(1009))
    assert read_rows(out / ROWS) == [*rows[:whole], row(1009)]


def test_a_folder_with_demonstrations_is_not_mixed_up(tmp_path):
    Journal(tmp_path, SETTINGS, resume=False).add(row(1000))
    with pytest.raises(ValueError, match=r"holds 1 demonstrations already: --resume goes on"):
        Journal(tmp_path, SETTINGS, resume=False)
    with pytest.raises(ValueError, match=r"was collected with variation 1, not 0\.5"):
        Journal(tmp_path, CollectionSettings(variation=0.5), resume=True)
    more = CollectionSettings(per_task=9, real_time_factor=2.0)
    assert len(Journal(tmp_path, more, resume=True).rows) == 1


def test_a_folder_from_before_a_setting_existed_goes_on(tmp_path):
    Journal(tmp_path, SETTINGS, resume=False).add(row(1000))
    Journal(tmp_path, SETTINGS, resume=True).summarise()
    path = tmp_path / SUMMARY
    content = json.loads(path.read_text())
    del content["settings"]["start_astray"]
    path.write_text(json.dumps(content))
    assert len(Journal(tmp_path, SETTINGS, resume=True).rows) == 1
    with pytest.raises(ValueError, match=r"was collected with start_astray 0, not 1"):
        Journal(tmp_path, CollectionSettings(start_astray=1.0), resume=True)


def test_a_foreign_file_is_named(tmp_path):
    (tmp_path / ROWS).write_text('{"a": 1}\n')
    with pytest.raises(ValueError, match=r"collection\.jsonl, line 1, is not a demonstration"):
        Journal(tmp_path, SETTINGS, resume=True)
    (tmp_path / ROWS).unlink()
    (tmp_path / SUMMARY).write_text("[]")
    with pytest.raises(ValueError, match=r"collection\.json is not a collection's summary"):
        Journal(tmp_path, SETTINGS, resume=True)


def test_the_summary_counts_and_states_the_time(tmp_path):
    journal = Journal(tmp_path, SETTINGS, resume=False)
    for each in (row(1000), row(1001, "failure"), row(1002, faults=("gap",)), row(1003, "broken")):
        journal.add(each)
    content = journal.summarise()
    assert json.loads((tmp_path / SUMMARY).read_text())["good"] == content["good"]
    assert content["demonstrations"] == 4
    assert content["good"] == 1
    assert content["outcomes"] == {"success": 2, "failure": 1, "broken": 1}
    assert content["wall time per demonstration [s]"] == 20.25
    assert content["good by task"] == {"box_to_bowl": 1}
    lines = summary_lines(content)
    assert "4 demonstrations: 2 success, 1 failure, 1 broken; 1 good, 1 with faults" in lines[0]
    assert "20.2 s of wall time each, 16.5 s by the cell's clock" in lines[1]


def test_an_empty_summary_has_no_times():
    assert summary_lines(summary([])) == [
        "0 demonstrations: none; 0 good, 0 with faults in the recording; "
        "0 commanded samples outside the limits"
    ]


def test_what_broke_is_tried_again(tmp_path):
    journal = Journal(tmp_path, SETTINGS, resume=False)
    journal.add(row(1000, "broken"))
    journal.add(row(1001))
    assert journal.names == {row(1000).name, row(1001).name}
    assert Journal(tmp_path, SETTINGS, resume=True).rows == [row(1001)]
