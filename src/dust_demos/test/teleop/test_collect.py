"""What make collect shows next, and what it says at the end."""

import io
from pathlib import Path

import pytest
import yaml

from dust_demos.recording.facts import EpisodeFacts, Fault, FaultKind, Outcome
from dust_demos.teleop.collect import SCENES, main, recorded, remaining, summary
from dust_demos.teleop.scenes import parse_scenes


def write(out: Path, name: str, outcome: Outcome, *faults: str) -> None:
    """Write the metadata of an episode."""
    facts = EpisodeFacts(
        name,
        outcome=outcome,
        complete=True,
        start_ns=1_000_000_000,
        end_ns=13_500_000_000,
        faults=tuple(Fault(FaultKind.RATE, "", text) for text in faults),
    )
    (out / name).mkdir()
    content = {"rosbag2_bagfile_information": {"custom_data": {"dust_episode": facts.to_json()}}}
    (out / name / "metadata.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture
def out(tmp_path):
    write(tmp_path, "20261121-101500-000-box_to_bowl-blue_cube-1000", Outcome.SUCCESS)
    write(tmp_path, "20261121-101600-001-box_to_bowl-blue_cube-1001", Outcome.FAILURE)
    write(tmp_path, "20261121-101700-002-box_to_bowl-blue_cube-1002", Outcome.SUCCESS, "9 Hz")
    return tmp_path


def test_only_good_successes_need_no_other_take(out):
    left = remaining(parse_scenes("box_to_bowl blue_cube 1000..1003"), out)
    assert [scene.seed for scene in left] == [1001, 1002, 1003]
    assert remaining(parse_scenes(SCENES), out / "new") == parse_scenes(SCENES)


def test_the_summary_names_every_episode(out):
    lines = summary(recorded(out), out).splitlines()
    assert len(lines) == 4
    assert "success     12.5 s  no faults" in lines[0]
    assert "9 Hz" in lines[2]
    assert lines[3].startswith("3 recorded, 1 of them good successes")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the keyboard needs a terminal"),
        (["--scenes", "box_to_bowl blue_cube 1000"], "every scene has a good episode"),
        (["--scenes", "box_to_bowl blue_cube 3"], "the seeds 0 to 5 are kept for trials"),
    ],
)
def test_a_mistake_is_told_in_one_line(out, capsys, monkeypatch, arguments, said):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["--out", str(out), *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
