"""dust-collect: mistakes in one line, and the real thing: graph, recorder, bags."""

import json
import os
import signal
import subprocess
import sys

import pytest

from dust_demos.collection.collect import main
from dust_demos.collection.journal import read_rows
from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import Outcome
from support.program import refusal

MODULE = "dust_demos.collection.collect"
NAME = "box_to_bowl-teddy_bear-1000"
# As fast as the machine is; small pictures would do, but the recorder's gates want the usual ones.
QUICK = ("--per-task", "1", "--real-time-factor", "5")
IMAGES = "/zed_{}/zed_node/rgb/color/rect/image/compressed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seed-from", "0"), "never see the same scene"),
        (("--tasks", "box_to_moon"), "tasks: no 'box_to_moon'; there are: box_to_bowl"),
        (("--variation", "2"), "variation is 2; allowed: 0 to 1"),
        (("--config", "none.yaml"), "none.yaml can't be read: No such file"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, arguments, words):
    assert words in refusal(MODULE, str(tmp_path / "out"), *arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    assert str(tmp_path / "out") in refusal(MODULE, str(tmp_path / "out"))


@pytest.mark.timeout(300)
def test_a_demonstration_becomes_a_bag_and_is_not_taken_twice(tmp_path, ros_domain, capsys):
    out = tmp_path / "demos"
    arguments = [str(out), "--tasks", "box_to_bowl", *QUICK]
    assert main(arguments) == 0
    (row,) = read_rows(out / "collection.jsonl")
    assert (row.name, row.outcome, row.outside) == (NAME, "success", 0), row
    with Bag.open(out / NAME) as bag:
        facts = bag.episode
        assert facts.outcome is Outcome.SUCCESS
        assert facts.complete
        assert facts.operator == "expert"
        assert facts.scene["seed"] == 1000
        seconds = (facts.end_ns - facts.start_ns) * 1e-9
        assert row.elapsed_sec < seconds < row.elapsed_sec + 3
        for view in ("wrist", "side"):
            assert bag.topics[IMAGES.format(view)].count > 14 * seconds
    summary = json.loads((out / "collection.json").read_text())
    assert summary["wall time per demonstration [s]"] > 1
    assert "of wall time each" in capsys.readouterr().out
    written = (out / "graph.log").stat().st_mtime_ns
    assert main([*arguments, "--resume"]) == 0
    assert (out / "graph.log").stat().st_mtime_ns == written
    assert main(arguments) == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_kill_left_is_taken_again(tmp_path, ros_domain):
    out = tmp_path / "demos"
    command = [sys.executable, "-m", MODULE, str(out), "--tasks", "box_to_bowl", "box_to_plate"]
    process = subprocess.Popen([*command, *QUICK], stderr=subprocess.DEVNULL)
    while not (out / "box_to_plate-blue_cube-1000").is_dir():
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert [row.name for row in read_rows(out / "collection.jsonl")] == [NAME]
    first = (out / NAME / "metadata.yaml").read_bytes()
    done = subprocess.run([*command, *QUICK, "--resume"], timeout=300, check=False)
    assert done.returncode == 0
    assert len(read_rows(out / "collection.jsonl")) == 2
    assert (out / NAME / "metadata.yaml").read_bytes() == first
    with Bag.open(out / "box_to_plate-blue_cube-1000") as bag:
        assert bag.episode.complete
    assert len([path for path in out.iterdir() if path.is_dir()]) == 2
