"""Waiting for the recorder by what lies on disk."""

import threading
from dataclasses import replace

import pytest

from dust_demos.collection.bags import Bags
from dust_demos.recording.episode_writer import EpisodeWriter
from dust_demos.recording.facts import EpisodeFacts, Outcome
from dust_eval.task_client import GraphError


def write(out, name):
    return EpisodeWriter(out, EpisodeFacts(name, outcome=Outcome.SUCCESS))


def finish(writer):
    writer.facts = replace(writer.facts, complete=True)
    writer.close()


def bags(out, *, alive=lambda: True):
    return Bags(out, alive=alive, patience_sec=0.3)


def test_an_episode_has_begun_when_its_folder_is_there(tmp_path):
    with pytest.raises(GraphError, match=r"did not begin with a-1.* within 0\.3 s"):
        bags(tmp_path).wait_begun("a-1")
    writer = write(tmp_path, "a-1")
    bags(tmp_path).wait_begun("a-1")
    finish(writer)


def test_an_episode_is_closed_when_its_facts_are_complete(tmp_path):
    writer = write(tmp_path, "a-1")
    with pytest.raises(GraphError, match="did not close a-1"):
        bags(tmp_path).wait_closed("a-1")
    closing = threading.Timer(0.1, lambda: finish(writer))
    closing.start()
    facts = Bags(tmp_path, alive=lambda: True, patience_sec=10.0).wait_closed("a-1")
    closing.join()
    assert facts.outcome is Outcome.SUCCESS
    assert facts.complete


def test_a_graph_that_has_ended_is_not_waited_for(tmp_path):
    with pytest.raises(GraphError, match="the graph ended while a bag"):
        bags(tmp_path, alive=lambda: False).wait_begun("a-1")


def test_leftovers_are_dropped(tmp_path):
    finish(write(tmp_path, "a-1"))
    finish(write(tmp_path, "a-2"))
    bags(tmp_path).drop("a-1")
    bags(tmp_path).drop("a-3")
    assert [path.name for path in tmp_path.iterdir()] == ["a-2"]
