"""Tests of dust_eval.publish: what is shipped says what was measured of it, and of nothing else."""

import json

import pytest

from dust_eval.driver import Driver, identify
from dust_eval.failure import Failure
from dust_eval.publish import CURVE, RESULTS, main
from dust_eval.run_folder import Plan, RunFolder
from dust_eval.trial import TrialResult, TrialSpec

SPECS = tuple(TrialSpec("box_to_bowl", "sponge", seed) for seed in range(4))


def result(spec, score):
    failure = Failure.NONE if score == 1 else Failure.MISSED_GRASP
    return TrialResult(spec, score, "seen", 12.5, 60, 1000, 0, (0.1, 0.2, 0.3, 0.4), failure)


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "run" / "last"
    folder.mkdir(parents=True)
    for name in ("config.json", "statistics.json", "tokenizer.json", "head.safetensors"):
        (folder / name).write_text(name)
    (folder / "state.safetensors").write_text("not needed to run")
    (folder / "README.md").write_text("# dust policy\n\n## Data\n\nmuch\n")
    return folder


@pytest.fixture
def evaluation(tmp_path, checkpoint):
    driver = Driver("dust", str(checkpoint), (), identify(checkpoint))
    plan = Plan(drivers=(driver,), labels=("A",), specs=SPECS, time_limit_sec=45.0)
    return RunFolder.create(tmp_path / "eval", plan)


def carry_out(folder, turns):
    for turn in turns:
        folder.append(turn, turn.episode_id, result(turn.spec, 1.0 if turn.spec.seed else 0.5))


def publish(tmp_path, checkpoint, *more):
    words = [str(checkpoint), str(tmp_path / "models"), "--evaluation", str(tmp_path / "eval")]
    return main([*words, *more])


def test_a_checkpoint_is_shipped_with_what_was_measured(tmp_path, checkpoint, evaluation):
    carry_out(evaluation, evaluation.remaining())
    lines = [{"step": step, "action": 1 / (1 + step), "world": 0.5} for step in range(250)]
    losses = checkpoint.parent / "losses.jsonl"
    losses.write_text("".join(json.dumps(line) + "\n" for line in lines))
    models = tmp_path / "models"
    models.mkdir()
    (models / "backbone.safetensors").write_text("of a former checkpoint")
    for _ in range(2):
        assert publish(tmp_path, checkpoint, "--run", str(checkpoint.parent)) == 0
    left_out = {"state.safetensors"}
    expected = {path.name for path in checkpoint.iterdir()} - left_out | {RESULTS, CURVE}
    assert {path.name for path in models.iterdir()} == expected
    assert identify(models) == identify(checkpoint)
    results = json.loads((models / RESULTS).read_text())
    assert (results["score"], results["trials"]) == (3.5, 4)
    assert results["interval"][0] < 3.5 / 4 < results["interval"][1]
    card = (models / "README.md").read_text()
    assert card.startswith("# dust policy\n\n## Data\n\nmuch\n")
    assert card.count("## Training curve") == card.count("## Trials") == 1
    assert "87.5%" in card


def test_results_of_another_checkpoint_are_refused(tmp_path, checkpoint, evaluation, capsys):
    carry_out(evaluation, evaluation.remaining())
    (checkpoint / "head.safetensors").write_text("trained further")
    assert publish(tmp_path, checkpoint) == 2
    assert "is no evaluation of" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_an_evaluation_that_is_not_done_is_refused(tmp_path, checkpoint, evaluation, capsys):
    carry_out(evaluation, evaluation.remaining()[:3])
    assert publish(tmp_path, checkpoint) == 2
    assert "1 trials are left" in capsys.readouterr().err
