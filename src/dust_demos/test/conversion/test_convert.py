import json
from pathlib import Path

import numpy as np
import pytest

from dust_demos.conversion import convert
from dust_demos.conversion.convert import main
from dust_demos.recording.facts import KEY, EpisodeFacts, Fault, FaultKind, Outcome
from dust_model.data.lerobot import LeRobotDataset
from dust_model.data.stats import main as stats_main
from dust_model.robot import RobotSpec

CONFIG = Path(__file__).resolve().parents[4] / "config"
SIDE = "/zed_side/zed_node/rgb/color/rect/image/compressed"


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs the command on tmp_path/bags; exit code, output, complaint."""

    def call(*more, bags=(tmp_path / "bags",)):
        code = main([*map(str, bags), str(tmp_path / "out"), "--workers", "1", "--quiet", *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_bad_bags_are_listed_and_the_others_converted(write_bag, run, tmp_path, truth):
    for number in (1, 2):
        write_bag(f"good_{number}")
    cut = next(write_bag("cut").glob("*.mcap"))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    write_bag("jump", clock=lambda t: -3.0 * (t > 2))
    write_bag("one_eyed", without=(SIDE,))
    other = tmp_path / "mapping.yaml"
    other.write_text((CONFIG / "mapping_dust.yaml").read_text())
    code, said, err = run("--mapping", str(other))
    assert (code, err) == (0, "")
    lines = said.splitlines()
    assert lines[0].endswith(
        "out: LeRobot v3.0, 2 episodes, 90 frames at 15 frames/s (0.1 min), 1 tasks"
    )
    assert lines[1] == "left out: 3"
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["cut", "episode"],
        ["jump", "clock"],
        ["one_eyed", "missing"],
    ]
    assert "times faster than real time" in lines[5]
    rows = (tmp_path / "out" / "meta" / "left_out.jsonl").read_text().splitlines()
    assert [json.loads(row)["bag"] for row in rows] == ["cut", "jump", "one_eyed"]
    assert all(json.loads(row)["reason"] in said for row in rows)
    dataset = LeRobotDataset.open(tmp_path / "out", RobotSpec())
    numbers = [truth.number_in(s.views["side"]) for s in dataset.read(1, 0, 45)]
    assert numbers == list(range(8, 53))


def test_statistics_agree_with_what_training_measures(write_bag, run, tmp_path, capsys):
    write_bag()
    assert run()[0] == 0
    assert stats_main([str(tmp_path / "out"), "--videos"]) == 0
    assert "meta/stats.json agrees" in capsys.readouterr().out


@pytest.mark.parametrize("version", ["v3.0", "v2.1"])
def test_version_size_and_rate_are_as_asked_for(write_bag, run, tmp_path, version):
    write_bag(camera_hz=30.0)
    code, said, _ = run(
        "--version", version, "--size", "48x32", "--fps", "30", "--trim-idle", "off"
    )
    assert code == 0
    assert f"LeRobot {version}, 1 episodes, 91 frames at 30 frames/s" in said
    info = json.loads((tmp_path / "out" / "meta" / "info.json").read_text())
    assert info["features"]["observation.images.wrist"]["shape"] == [32, 48, 3]
    sample = LeRobotDataset.open(tmp_path / "out", RobotSpec())[3]
    assert sample.views["wrist"].shape == (32, 48, 3)


def test_bags_of_another_stack(make, write_any, run, tmp_path):
    names = ["shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"]
    joints = [f"{name}_joint" for name in names]
    entries = []
    for i in range(60):
        t = 10**18 + i * 50_000_000
        arm = 0.1 * np.sin(0.1 * i + np.arange(6))
        black = np.zeros((32, 48, 3), np.uint8)
        point = make.message(
            "trajectory_msgs/msg/JointTrajectoryPoint",
            positions=arm + 0.01,
            velocities=np.array([]),
            accelerations=np.array([]),
            effort=np.array([]),
            time_from_start=make.message("builtin_interfaces/msg/Duration", sec=0, nanosec=0),
        )
        command = make.message(
            *("trajectory_msgs/msg/JointTrajectory",),
            header=make.header(t),
            joint_names=joints,
            points=[point],
        )
        js = "sensor_msgs/msg/JointState"
        entries += [
            ("/joint_states", js, t, make.joint_state(t, joints[::-1], arm[::-1])),
            # The gripper's driver publishes on the same topic, by itself.
            (
                *("/joint_states", js, t + 10),
                make.joint_state(t + 10, ["robotiq_85_left_knuckle_joint"], [0.2]),
            ),
            (
                *("/scaled_joint_trajectory_controller/joint_trajectory",),
                *("trajectory_msgs/msg/JointTrajectory", t, command),
            ),
        ]
        for camera in ("wrist", "side"):
            topic = f"/{camera}_camera/color/image_raw/compressed"
            kind = "sensor_msgs/msg/CompressedImage"
            entries.append((topic, kind, t, make.image(t, black, raw=False)))
    grip = make.message("std_msgs/msg/Float64", data=1.0)
    entries.append(("/gripper/command", "std_msgs/msg/Float64", 10**18 + 10**9, grip))
    write_any(tmp_path / "bags" / "ur", sorted(entries, key=lambda entry: entry[2]))
    code, said, _ = run("--mapping", str(CONFIG / "mapping_other.yaml"))
    assert code == 0, said
    robot = RobotSpec(joint_names=tuple(names))
    dataset = LeRobotDataset.open(tmp_path / "out", robot)
    sample = dataset[0]
    assert sample.instruction == "put the cup on the shelf"
    assert sample.state[6] == pytest.approx(0.75)
    assert sample.actions[0, 6] == pytest.approx(0.75)  # not told anything yet
    assert dataset[len(dataset) - 1].actions[0, 6] == 0.0
    np.testing.assert_allclose(sample.actions[0, :6] - sample.state[:6], 0.01, atol=1e-6)


def test_a_wrong_mapping_is_told_for_every_bag(write_bag, run, tmp_path):
    for number in range(3):
        write_bag(f"take_{number}")
    mapping = tmp_path / "mapping.yaml"
    text = (CONFIG / "mapping_dust.yaml").read_text()
    mapping.write_text(text.replace("topic: executor_state ", "topic: leader "))
    code, said, _ = run("--mapping", str(mapping))
    assert code == 1
    assert "no episode could be converted" in said
    assert said.count("action.arm: topic /leader is not in the bag") == 3
    assert not (tmp_path / "out").exists()
    mapping.write_text(text.replace("unit: rad", "unit: grad"))
    code, said, err = run("--mapping", str(mapping))
    assert (code, said) == (2, "")
    assert err == f"dust-convert: {mapping}: state.arm.unit must be rad or deg, got 'grad'\n"


def test_flagged_and_failed_episodes_can_be_kept(write_bag, run):
    fault = Fault(FaultKind.RATE, "/x", "12 Hz instead of 15")
    facts = EpisodeFacts(episode_id="a", outcome=Outcome.SUCCESS, complete=True, faults=(fault,))
    write_bag("flagged", custom={KEY: facts.to_json()})
    write_bag("half", outcome=2)
    code, said, _ = run()
    assert code == 1
    assert "flagged: 12 Hz instead of 15" in said
    code, said, _ = run("--keep-flagged", "--keep-outcomes", "success,half")
    assert code == 0
    assert "2 episodes" in said


def test_a_long_list_is_cut_where_the_dataset_holds_it(write_bag, run, monkeypatch):
    monkeypatch.setattr(convert, "LISTED", 2)
    write_bag("good")
    for number in range(4):
        write_bag(f"bad_{number}", outcome=4)
    said = run()[1]
    assert "left out: 4" in said
    assert "and 2 more in " in said


def test_it_goes_on_only_when_told_to(write_bag, run):
    write_bag()
    assert run()[0] == 0
    code, said, err = run()
    assert (code, said) == (2, "")
    assert err.endswith("out already holds a dataset: choose another folder\n")
    code, said, err = run("--resume")
    assert (code, err) == (0, "")
    assert "it was complete already" in said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            ("--size", "31x20"),
            "argument --size: both sides must be even and at least 16, got 31x20",
        ),
        (("--size", "big"), "argument --size: must be WxH, such as 320x180, got big"),
        (
            ("--size", "100000x100000"),
            "argument --size: no side may be longer than 4096, got 100000x100000",
        ),
        (("--size", "320x4098"), "argument --size: no side may be longer than 4096, got 320x4098"),
        (("--fps", "0"), "argument --fps: must lie between 1 and 240, got 0"),
        (("--workers", "0"), "argument --workers: must be a whole number, at least 1, got 0"),
        (("--workers", "two"), "argument --workers: must be a whole number, at least 1, got two"),
        (("--fps", "fast"), "argument --fps: must lie between 1 and 240, got fast"),
        (
            ("--trim-idle", "-1"),
            "argument --trim-idle: must be seconds, at least 0, or off, got -1",
        ),
        (("--trim-pauses", "some"), "--trim-pauses: must be seconds, at least 0, or off, got some"),
        (("--trim-pauses", "inf"), "--trim-pauses: must be seconds, at least 0, or off, got inf"),
        (("--keep-outcomes", "great"), "must be one or more of unknown, success, half"),
        (("--version", "v1"), "argument --version: invalid choice: 'v1'"),
    ],
)
def test_wrong_options(run, capsys, options, complaint):
    with pytest.raises(SystemExit) as caught:
        run(*options)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_wrong_paths_and_files_end_in_one_line(run, tmp_path):
    for more, bags, complaint in (
        ((), (tmp_path / "nowhere",), f"{tmp_path}/nowhere does not exist"),
        ((), (tmp_path,), f"{tmp_path}: no bag there"),
        (("--mapping", "x.yaml"), (tmp_path,), "x.yaml can't be read: No such file"),
        (("--quality", "99"), (tmp_path,), "--quality must lie between 0 and 63, got 99"),
    ):
        code, said, err = run(*more, bags=bags)
        assert (code, said) == (2, "")
        assert err.startswith(f"dust-convert: {complaint}")
        assert err.count("\n") == 1


def test_ctrl_c_says_how_to_go_on(write_bag, run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    write_bag()
    monkeypatch.setattr(convert, "convert", interrupted)
    assert run() == (130, "", "dust-convert: interrupted; --resume goes on\n")
