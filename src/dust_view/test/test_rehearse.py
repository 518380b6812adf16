"""The command hands everything to the starter, in a domain of its own."""

import os

import pytest

from dust_start.domain import taken_domains
from dust_view import rehearse


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        (["-o", "out"], ["report:=out"]),
        (["--latency", "0.3", "view:=on"], ["latency:=0.3", "view:=on"]),
        (["view:=on", "-o", "out"], ["report:=out", "view:=on"]),
    ],
)
def test_options_become_arguments_of_the_starter(monkeypatch, words, expected) -> None:
    started = []
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")

    def start(arguments: list[str]) -> int:
        assert int(os.environ["ROS_DOMAIN_ID"]) in taken_domains()
        started.extend(arguments)
        return 1

    monkeypatch.setattr(rehearse, "start", start)
    assert rehearse.main(["bag", "--checkpoint", "here", *words]) == 1
    assert started == ["robot:=bag", "bag:=bag", "checkpoint:=here", *expected]


def test_a_checkpoint_must_be_given(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        rehearse.main(["bag"])
    assert ended.value.code == 2
    assert "--checkpoint" in capsys.readouterr().err
