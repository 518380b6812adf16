"""`dust-train` on a LeRobot dataset: the command as a user calls it, and what can go wrong."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dust_model.checkpoint import Checkpoint
from dust_model.config import Architecture
from dust_model.init import write_untrained
from dust_model.train import main
from dust_model.training.report import read_curve

_SPEC = importlib.util.spec_from_file_location(
    "datasets", Path(__file__).parent / "data" / "conftest.py"
)
_datasets = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_datasets)
write_dataset = _datasets.write_dataset
make_videos_only = _datasets.make_videos_only


@pytest.fixture(scope="module")
def start(micro, tmp_path_factory):
    """Return an untrained checkpoint of a micro model."""
    folder = tmp_path_factory.mktemp("start") / "micro"
    return write_untrained(folder, micro(alignment_width=16, dropout=0.1)).folder


@pytest.fixture
def demos(write_dataset):
    return write_dataset("v3.0").root


@pytest.fixture
def train(start, demos, tmp_path, capsys):
    """Return a function that runs the command; it returns exit code, what it said, and output."""
    path = tmp_path / "train.yaml"
    path.write_text(
        f"checkpoint: {start}\noutput: {tmp_path / 'run'}\nsteps: 4\nbatch: 4\nsave_every: 2\n"
        f"scale_samples: 8\ndata: {{datasets: [{demos}], workers: 0, run: 3}}\n"
    )

    def run(*overrides):
        code = main([str(path), *overrides])
        return code, capsys.readouterr().err

    run.output = tmp_path / "run"
    return run


def test_a_run_makes_checkpoints_of_its_data(train, demos, start):
    code, said = train("noise.prefix_max=3")
    assert code == 0, said
    assert "step 4: saved" in said
    checkpoint = Checkpoint.load(train.output / "last")
    untrained = Checkpoint.load(start)
    assert checkpoint.statistics.action != untrained.statistics.action
    assert checkpoint.statistics.embedding != untrained.statistics.embedding
    assert checkpoint.fingerprint != untrained.fingerprint  # the projection has learned
    features = torch.randn(5, 32)
    checkpoint.policy().sample(features, torch.ones(5, dtype=torch.bool), [0.0] * 8)
    assert str(demos) in (train.output / "last" / "README.md").read_text()


def test_it_goes_on_exactly(train):
    assert train("data.workers=1")[0] == 0
    whole = read_curve(train.output)
    last = train.output / "step-00000004"
    (last / "config.json").write_text("{}")  # damaged
    code, said = train("resume=true", "data.workers=1")
    assert code == 0, said
    assert "step-00000004 is damaged: config.json" in said
    assert "going on from" in said
    again = read_curve(train.output)
    assert [row["loss"] for row in again] == [row["loss"] for row in whole]


def test_videos_first_then_demonstrations(train, start):
    """Action-free pre-training keeps the columns' statistics, what follows keeps the scale."""
    code, said = train(
        *("noise.action_free=true", "noise.state_drop=1", "data.measured_columns=false"),
        f"output={train.output}-video",
    )
    assert code == 0, said
    video = Checkpoint.load(f"{train.output}-video/last")
    untrained = Checkpoint.load(start).statistics
    assert video.statistics.action == untrained.action
    assert video.statistics.embedding != untrained.embedding
    code, said = train(f"checkpoint={video.folder}", "data.measured_scale=false")
    assert code == 0, said
    tuned = Checkpoint.load(train.output / "last")
    assert tuned.statistics.action != untrained.action
    assert tuned.statistics.embedding == video.statistics.embedding


@pytest.mark.parametrize("features", [False, True], ids=["encoded anew", "encoded once"])
def test_videos_of_another_robot(train, start, make_videos_only, tmp_path, features):
    """BridgeV2's case: no states, no actions, other cameras, 5 frames/s."""
    videos = make_videos_only("v3.0", fps=5).root
    options = [
        *("noise.action_free=true", "noise.state_drop=1.0", f"data.datasets=[{videos}]"),
        *("data.cameras.wrist=image_0", "data.cameras.side=image_0"),
    ]
    if features:
        options += ["data.augment=false", f"features={tmp_path / 'features'}"]
    code, said = train(*options)
    assert code == 0, said
    before, after = Checkpoint.load(start), Checkpoint.load(train.output / "last")
    assert after.statistics.action == before.statistics.action
    assert after.statistics.embedding != before.statistics.embedding
    assert all("action" not in row for row in read_curve(train.output))
    weights = [load_file(checkpoint.folder / "head.safetensors") for checkpoint in (before, after)]
    for name in weights[0]:
        same = torch.equal(*(part[name] for part in weights))
        assert same or not name.startswith("action_codec.decode"), name


def test_videos_alone_can_not_teach_actions(train, make_videos_only):
    videos = make_videos_only("v3.0").root
    options = (f"data.datasets=[{videos}]", "data.cameras.wrist=image_0", "noise.action_free=true")
    code, said = train(*options)
    assert code == 2
    assert f"{videos}: no feature 'observation.state'" in said
    assert "noise.state_drop=1.0" in said
    assert len(said.strip().splitlines()) == 1


def test_the_architecture_is_one_field(train):
    code, said = train("head.architecture=flare", "backbone=none")
    assert code == 0, said
    assert "begins with random weights (flare)" in said
    checkpoint = Checkpoint.load(train.output / "last")
    assert checkpoint.config.head.architecture is Architecture.FLARE
    assert "alignment" in read_curve(train.output)[0]


def test_validation_episodes_choose_the_best(train):
    code, said = train("data.validation=0.34")
    assert code == 0, said
    assert (train.output / "best").exists()


def test_moments_before_the_hand_changes_can_come_more_often(train):
    assert train("data.augment=false")[0] == 0
    plain = [row["loss"] for row in read_curve(train.output)]
    focused = ("data.augment=false", "data.focus=3", "data.focus_sec=0.2")
    code, said = train(*focused, f"output={train.output}-focused")
    assert code == 0, said
    share = re.search(r"(\d+)% of the samples are from before a change of the hand", said)
    assert 0 < int(share[1]) < 100, said
    assert plain != [row["loss"] for row in read_curve(Path(f"{train.output}-focused"))]


def test_videos_alone_have_no_hand_to_watch(train, make_videos_only):
    videos = make_videos_only("v3.0").root
    code, said = train(
        *("noise.action_free=true", "noise.state_drop=1.0", "data.focus=2"),
        *(f"data.datasets=[{videos}]", "data.cameras.wrist=image_0"),
        "data.cameras.side=image_0",
    )
    assert code == 2
    assert "data.focus needs demonstrations with commands of the gripper" in said


def test_kept_features(train, tmp_path):
    """They change nothing but rounding, serve every architecture, and are made once."""
    fixed, folder = ("data.augment=false", "backbone=none"), tmp_path / "features"
    assert train(*fixed)[0] == 0
    without = [row["loss"] for row in read_curve(train.output)]
    kept = (*fixed, f"features={folder}")
    code, said = train(*kept, f"output={train.output}-kept")
    assert code == 0, said
    assert "encoding" in said
    losses = [row["loss"] for row in read_curve(Path(f"{train.output}-kept"))]
    assert losses == pytest.approx(without, rel=2e-3)
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    assert len(files) == 3
    other = ("head.architecture=flare", "data.workers=1", "data.validation=0.34")
    code, said = train(*kept, *other, f"output={train.output}-flare")
    assert code == 0, said
    assert "encoding" not in said
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")} == files


def test_several_datasets(train, demos, write_dataset):
    other = write_dataset("v2.1", lengths=(5, 6)).root
    code, said = train(f"data.datasets=[{demos}, {other}]")
    assert code == 0, said
    assert "37 moments" in (train.output / "last" / "README.md").read_text()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["checkpoint=nowhere"], "nowhere"),
        (["data.datasets=[nowhere]"], "nowhere"),
        (["head.architecture=dit"], "'dit' is none of dust"),
        (["head.embodiments=3"], "does not fit"),
        (["noise.prefix_max=16"], "prefix_max must lie below the horizon 16, got 16"),
        (["data.lanes=3"], "lanes=3 must divide"),
        (["steps=x"], "steps: expected int"),
    ],
)
def test_mistakes_are_one_line(train, overrides, message):
    code, said = train(*overrides)
    assert code == 2
    assert said.count("\n") == 1
    assert said.startswith("dust-train: ")
    assert message in said


def test_a_run_is_not_overwritten(train):
    assert train()[0] == 0
    code, said = train()
    assert code == 2
    assert "holds a run already: set resume=true" in said
    code, said = train("resume=true", "batch=2")
    assert code == 2
    assert "was begun with batch=4, not 2" in said


def test_a_run_goes_on_with_the_same_demonstrations(train, demos, write_dataset):
    assert train()[0] == 0
    shutil.rmtree(demos)
    write_dataset("v2.1", lengths=(9, 6)).root.rename(demos)
    code, said = train("resume=true")
    assert code == 2
    assert "has learned from 26 moments, the demonstrations now have 15" in said


def test_a_missing_video_is_one_line(train, demos):
    next(demos.rglob("*.mp4")).unlink()
    code, said = train()
    assert code == 2
    assert said.count("\n") == 1
    assert ".mp4" in said


def test_a_broken_video_ends_the_run_with_its_name(train, demos):
    for video in demos.rglob("*.mp4"):
        data = bytearray(video.read_bytes())
        data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
        video.write_bytes(data)
    code, said = train("data.workers=1")
    assert code == 2, said
    assert said.splitlines()[-1].startswith("dust-train: ")
    assert ".mp4" in said.splitlines()[-1]


def test_faulty_episodes_can_be_left_out(train, demos, write_dataset):
    other = write_dataset("v2.1", lengths=(9, 6, 7)).root
    next(other.rglob("*.mp4")).unlink()
    code, said = train(f"data.datasets=[{other}]", "data.skip_faulty=true")
    assert code == 0, said
    assert "left out" in said


@pytest.mark.slow
def test_two_processes_learn_what_one_does(train, tmp_path):
    exact = ("head.dropout=0", "noise.prefix_max=3", "data.workers=1")
    code, said = train(*exact)
    assert code == 0, said
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [sys.executable, *launch, "-m", "dust_model.train", str(tmp_path / "train.yaml")]
    result = subprocess.run(
        [*command, *exact, f"output={tmp_path / 'two'}"],
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    one, two = read_curve(train.output), read_curve(tmp_path / "two")
    assert len(two) == 4
    for a, b in zip(one, two, strict=True):
        assert a | {"seconds": 0} == pytest.approx(b | {"seconds": 0}, rel=1e-4)


def test_help_needs_no_torch():
    code = "import sys; from dust_model.train import main; main(['--help'])"
    probe = f"import atexit; atexit.register(lambda: print('torch' in sys.modules)); {code}"
    command = [sys.executable, "-c", f"import sys; {probe}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert "key=value" in result.stdout
    assert result.stdout.strip().endswith("False")
