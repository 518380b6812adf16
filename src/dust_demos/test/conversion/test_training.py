"""What dust-convert writes goes through dust-train."""

import pytest
import torch

from dust_demos.conversion.convert import main as convert_main
from dust_model.checkpoint import Checkpoint
from dust_model.config import HeadConfig, ModelConfig, VisionLanguageConfig
from dust_model.init import write_untrained
from dust_model.train import main as train_main
from dust_model.training.report import read_curve

MICRO = ModelConfig(
    vision_language=VisionLanguageConfig(
        image_size=56,
        vision_width=16,
        vision_layers=1,
        vision_heads=2,
        vision_mlp=16,
        text_width=16,
        text_layers=1,
        text_heads=2,
        text_mlp=16,
        vocab_size=400,
        image_token_id=398,
        feature_width=16,
    ),
    head=HeadConfig(
        heads=2,
        head_dim=8,
        dual_blocks=2,
        stream_blocks=1,
        output_width=16,
        state_dim=8,
        action_dim=8,
    ),
)


@pytest.fixture
def train(write_bag, tmp_path, capsys):
    """Return a function that converts, trains for some steps and returns the run's folder."""

    def run(steps, version="v3.0"):
        torch.set_num_threads(1)
        for number in range(3):
            write_bag(f"take_{number}", instruction=("pick it up", "put it down")[number % 2])
        demos, output = tmp_path / "demos", tmp_path / "run"
        bags = [str(tmp_path / "bags"), str(demos), "--quiet", "--version", version]
        assert convert_main([*bags, "--workers", "1"]) == 0
        start = write_untrained(tmp_path / "micro", MICRO).folder
        config = tmp_path / "train.yaml"
        config.write_text(
            f"checkpoint: {start}\noutput: {output}\nsteps: {steps}\nbatch: 4\n"
            f"save_every: {steps}\nscale_samples: 8\nprecision: float32\n"
            f"optimizer: {{learning_rate: 3.0e-3}}\nbackbone: language\n"
            f"data: {{datasets: [{demos}], workers: 0, run: 16, augment: false}}\n"
        )
        code = train_main([str(config)])
        assert code == 0, capsys.readouterr().err
        return output

    return run


def losses(output, steps):
    """Return the loss of every step, of a run whose checkpoint loads."""
    curve = read_curve(output)
    assert [row["step"] for row in curve] == list(range(steps))
    assert Checkpoint.load(output / "last").robot.views == ("wrist", "side")
    return [row["loss"] for row in curve]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("version", ["v3.0", pytest.param("v2.1", marks=pytest.mark.slow)])
def test_a_converted_dataset_trains_for_100_steps(train, version):
    curve = losses(train(100, version), 100)
    assert sum(curve[-20:]) < sum(curve[:20])
