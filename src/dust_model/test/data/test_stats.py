import json

import numpy as np
import pytest

from dust_model.data.stats import main


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_a_dataset_is_described(version, write_dataset, capsys):
    truth = write_dataset(version)
    assert main([str(truth.root), "--videos"]) == 0
    text = capsys.readouterr().out
    assert f"LeRobot {version}, 3 episodes, 26 frames at 15 frames/s (0.0 min)" in text
    assert "cameras: wrist, side" in text
    assert "task: open the drawer" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("motor_3"))
    values = np.concatenate(truth.action)[:, 3]
    expected = [values.mean(), values.std(), values.min(), values.max()]
    np.testing.assert_allclose([float(v) for v in row[1:5]], expected, atol=6e-5)
    agrees = "meta/episodes_stats.jsonl agrees" in text
    assert agrees == (version == "v2.1")


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_videos_alone_are_described(version, make_videos_only, capsys):
    truth = make_videos_only(version, fps=5)
    assert main([str(truth.root), "--videos", "--videos-only"]) == 0
    text = capsys.readouterr().out
    assert "3 episodes, 26 frames at 5 frames/s" in text
    assert "cameras: image_0" in text
    assert "task: open the drawer" in text
    assert main([str(truth.root)]) == 2
    assert "only action-free training" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_statistics_are_written_for_groot_and_then_agree(version, write_dataset, capsys):
    truth = write_dataset(version)
    path = truth.root / "meta" / "stats.json"
    path.write_text(json.dumps({"action": {"count": [26]}, "observation.images.side": {"min": 0}}))
    assert main([str(truth.root)]) == 0
    assert "meta/stats.json differs:\n  observation.state mean: not" in capsys.readouterr().out
    assert main([str(truth.root), "--write"]) == 0
    values = json.loads(path.read_text())
    assert values["observation.images.side"] == {"min": 0}
    assert values["action"]["count"] == [26]
    quantile = np.quantile(np.concatenate(truth.action).astype(float), 0.99, axis=0)
    np.testing.assert_allclose(values["action"]["q99"], quantile)
    assert sorted(p.name for p in path.parent.glob("*stats*")) in (
        ["stats.json"],
        ["episodes_stats.jsonl", "stats.json"],
    )
    capsys.readouterr()
    assert main([str(truth.root)]) == 0
    assert "meta/stats.json agrees" in capsys.readouterr().out


def test_faulty_episodes_are_listed(write_dataset, capsys):
    truth = write_dataset()
    (truth.root / "data/chunk-000/episode_000001.parquet").unlink()
    next(truth.root.glob("videos/**/*side/episode_000002.mp4")).write_bytes(b"")
    assert main([str(truth.root)]) == 1
    text = capsys.readouterr().out
    assert "2 episodes, 20 frames" in text
    assert "fault: episode 1 left out: " in text
    assert "episode 2 left out" not in text
    assert main([str(truth.root), "--videos"]) == 1
    assert "fault: episode 2 left out: " in capsys.readouterr().out


def test_columns_that_never_change_are_marked(write_dataset, capsys):
    truth = write_dataset(lengths=(1,))
    assert main([str(truth.root)]) == 0
    assert capsys.readouterr().out.count("never changes") == 16


def test_mistakes_are_one_line(write_dataset, tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"dust-stats: {tmp_path} is no LeRobot dataset: it has no meta/info.json\n"
    )
    truth = write_dataset()
    assert main([str(truth.root), "--state", "arm"]) == 2
    assert capsys.readouterr().err == ("dust-stats: state has no group 'arm'; there are state\n")
