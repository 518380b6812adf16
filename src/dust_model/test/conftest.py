"""Fixtures: a micro model for what needs no size, and one untrained tiny checkpoint a session."""

import pytest
import torch
from torch import nn

from dust_model.checkpoint import Checkpoint
from dust_model.codecs import EmbodimentLinear
from dust_model.config import TINY, HeadConfig, ModelConfig, VisionLanguageConfig
from dust_model.head import DualStreamHead
from dust_model.init import write_untrained

MICRO_LANGUAGE = VisionLanguageConfig(
    image_size=56,
    vision_width=32,
    vision_layers=2,
    vision_heads=2,
    vision_mlp=64,
    text_width=48,
    text_layers=2,
    text_heads=2,
    text_mlp=64,
    vocab_size=600,
    image_token_id=598,
    feature_width=32,
)
MICRO_HEAD = {
    "heads": 2,
    "head_dim": 16,
    "dual_blocks": 4,
    "stream_blocks": 2,
    "output_width": 24,
    "state_dim": 8,
    "action_dim": 8,
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def micro():
    """Return a function that makes a micro configuration, head fields overridden by keyword."""

    def make(**head):
        return ModelConfig(vision_language=MICRO_LANGUAGE, head=HeadConfig(**MICRO_HEAD | head))

    return make


@pytest.fixture(scope="session")
def build_head():
    """Return a function that builds a head in eval mode with every weight random and felt.

    AdaLN-Zero starts with closed gates, and the action codec with small weights: behind them
    nothing could be tested.
    """

    def build(config: ModelConfig, *, seed: int = 0, horizon: int = 16) -> DualStreamHead:
        torch.manual_seed(seed)
        head = DualStreamHead(config, horizon=horizon).eval().requires_grad_(False)
        for half in (*head.action.halves, *head.vision.halves):
            nn.init.normal_(half.modulation.weight, std=0.02)
            nn.init.normal_(half.modulation.bias, std=0.5)
        for module in head.modules():
            if isinstance(module, EmbodimentLinear):
                nn.init.normal_(module.W, std=module.W.shape[1] ** -0.5)
        return head

    return build


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return write_untrained(tmp_path_factory.mktemp("checkpoints") / "tiny", TINY, seed=0).folder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return Checkpoint.load(tiny_folder)
