"""The command, on real bags."""

from pathlib import Path

import numpy as np
import pytest

rosbag2 = pytest.importorskip("rosbags.rosbag2")
typesys = pytest.importorskip("rosbags.typesys")

from dust_policy.calibrate_surprise import TYPE, main  # noqa: E402
from dust_policy.calibration import Thresholds  # noqa: E402

MESSAGE = Path(__file__).parents[2] / "dust_msgs" / "msg" / "Surprise.msg"
in_repository = pytest.mark.skipif(not MESSAGE.exists(), reason="tested outside the repository")


def write_bag(folder: Path, scores: list[tuple[int, float]]) -> None:
    """Write a bag of scores as the recorder does: MCAP with its definitions."""
    store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    store.register(typesys.get_types_from_msg(MESSAGE.read_text(), TYPE))
    header, time = store.types["std_msgs/msg/Header"], store.types["builtin_interfaces/msg/Time"]
    surprise = store.types[TYPE]
    with rosbag2.Writer(folder, version=9, storage_plugin=rosbag2.StoragePlugin.MCAP) as writer:
        link = writer.add_connection("/surprise", TYPE, typestore=store)
        for index, (steps, score) in enumerate(scores):
            message = surprise(
                header=header(stamp=time(sec=index, nanosec=0), frame_id="side"),
                task_id="t",
                sequence=index + 1,
                predicted=time(sec=index, nanosec=0),
                vision_steps=steps,
                score=score,
                threshold=float("nan"),
                surprised=False,
            )
            writer.write(link, index, store.serialize_cdr(message, TYPE))


@in_repository
def test_bags_of_good_runs_make_a_file(
    tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = np.linspace(0.1, 0.5, 60)
    write_bag(tmp_path / "runs" / "one", [(4, score) for score in scores[:30]])
    write_bag(tmp_path / "runs" / "two", [(4, score) for score in scores[30:]] + [(16, 0.1)])
    output = tmp_path / "surprise.json"
    words = [str(tmp_path / "runs"), "--checkpoint", str(tiny_checkpoint), "-o", str(output)]
    assert main([*words, "--quantile", "1.0", "--margin", "1.2"]) == 0
    made = Thresholds.load(output)
    assert made.by_steps == pytest.approx({4: 0.6})
    assert len(made.checkpoint) == 16
    printed = capsys.readouterr().out
    assert "too few" in printed
    assert "surprise.calibration" in printed


@in_repository
def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bag(tmp_path / "few", [(4, 0.1)])
    write_bag(tmp_path / "none", [])
    for path, words in (
        (tmp_path / "few", "found 1 with N_o = 4"),
        (tmp_path / "none", "hold no scores"),
        (tmp_path / "nowhere", "is no rosbag2 folder"),
    ):
        assert main([str(path), "-o", str(tmp_path / "surprise.json")]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert words in lines[0]
    with pytest.raises(SystemExit):
        main([str(tmp_path / "few"), "--quantile", "2"])
