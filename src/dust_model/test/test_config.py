import re

import pytest

from dust_model.config import (
    EAGLE2_1B,
    EAGLE2_2B,
    GROOT_N1_2B,
    GROOT_N1_5,
    N1,
    TINY,
    Architecture,
    CrossAttention,
    HeadConfig,
    ModelConfig,
    Positions,
    Prefix,
    TargetScale,
    UpdateOrder,
    VisionLanguageConfig,
)
from dust_model.records import from_json, to_json


def test_n1_has_the_papers_numbers():
    language, head = N1.vision_language, N1.head
    assert (language.grid, language.tokens_per_view, language.world_tokens) == (16, 64, 64)
    assert (head.width, head.dual_blocks, head.stream_blocks) == (1536, 12, 4)


def test_tiny_world_tokens_follow_from_the_vision_size():
    assert TINY.vision_language.grid == 8
    assert TINY.vision_language.world_tokens == 16
    assert TINY.vision_language.tokens_per_view == 16
    assert TINY.head.width == 192


def test_defaults_of_the_open_choices():
    head = HeadConfig()
    assert head.architecture is Architecture.DUST
    assert head.cross_attention is CrossAttention.ALTERNATE
    assert head.action_positions is Positions.FIXED
    assert head.target_scale is TargetScale.STANDARDISE
    assert head.update_order is UpdateOrder.BLOCK_START
    assert head.mask_padding
    assert head.embodiments == 1
    assert head.timestep_buckets == 1000
    assert head.prefix is Prefix.CLEAN


def test_choices_may_be_given_as_text():
    assert HeadConfig(update_order="block_end").update_order is UpdateOrder.BLOCK_END


def test_alternating_blocks_cross_first():
    head = HeadConfig(dual_blocks=4)
    assert head.cross_blocks == (0, 2)
    assert head.joint_blocks == (1, 3)


def test_every_block_has_both():
    head = HeadConfig(dual_blocks=3, cross_attention=CrossAttention.EVERY)
    assert head.cross_blocks == head.joint_blocks == (0, 1, 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": 0}, "heads must be above 0, got 0"),
        ({"update_order": "never"}, "update_order must be one of block_start, block_end"),
        ({"alignment_depth": 0.0}, "alignment_depth must lie in (0, 1], got 0.0"),
        ({"learned_positions": 0}, "learned_positions must be above 0, got 0"),
        ({"architecture": "rnn"}, "architecture must be one of dust, mmdit_joint, dit_decoupled"),
        ({"dropout": 1.0}, "dropout must lie in [0, 1), got 1.0"),
        ({"stream_blocks": -1}, "stream_blocks must be >= 0, got -1"),
        ({"heads": 3, "head_dim": 5}, "multiple of 4 for the 2-D encoding, got 15"),
        ({"dual_blocks": 1}, "dual_blocks=1 with cross_attention=alternate leaves no joint"),
    ],
)
def test_head_names_the_wrong_value(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        HeadConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_size": 230}, "multiple of twice patch_size=14"),
        ({"vision_width": 1150}, "vision_width=1150 is no multiple of vision_heads=16"),
        ({"image_token_id": 60000}, "image_token_id must lie in 2..vocab_size-1=49163"),
        ({"text_layers": -2}, "text_layers must be above 0, got -2"),
        ({"text_kv_heads": 5}, "text_heads=32 is no multiple of text_kv_heads=5"),
        ({"text_kv_heads": -8}, "text_heads=32 is no multiple of text_kv_heads=-8"),
        ({"text_head_dim": -1}, "text_head_dim must be >= 0, got -1"),
        ({"text_family": "gpt"}, "text_family must be one of llama, qwen2, qwen3, got 'gpt'"),
    ],
)
def test_vision_language_names_the_wrong_value(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        VisionLanguageConfig(**fields)


def test_widths_must_agree():
    with pytest.raises(ValueError, match=r"feature_width=1536 differs .*=768"):
        ModelConfig(head=HeadConfig(heads=16))


@pytest.mark.parametrize("architecture", [a for a in Architecture if not a.dual_stream])
def test_one_stream_has_all_the_blocks(architecture):
    head = HeadConfig(architecture=architecture)
    assert (head.halves, head.blocks, head.joint_blocks, head.cross_blocks) == (0, 16, (), ())
    assert HeadConfig(architecture=architecture, dual_blocks=1).blocks == 5


def test_dual_streams_have_both_kinds_of_blocks():
    assert (N1.head.halves, N1.head.blocks) == (12, 4)


def test_a_variant_differs_in_one_field():
    flare = TINY.variant(Architecture.FLARE)
    assert flare.head.architecture is Architecture.FLARE
    assert flare.variant(Architecture.DUST) == TINY


@pytest.mark.parametrize(
    ("architecture", "vision", "joint", "future"),
    [
        ("dust", True, False, True),
        ("mmdit_joint", True, True, True),
        ("dit_decoupled", True, False, True),
        ("dit_joint", True, True, True),
        ("groot_n1", False, False, False),
        ("flare", False, False, True),
    ],
)
def test_what_an_architecture_learns(architecture, vision, joint, future):
    kind = Architecture(architecture)
    assert (kind.predicts_vision, kind.joint_noise, kind.needs_future) == (vision, joint, future)


@pytest.mark.parametrize(
    "config",
    [
        *(N1, TINY, GROOT_N1_2B),
        *(ModelConfig(vision_language=part) for part in (EAGLE2_1B, EAGLE2_2B, GROOT_N1_5)),
    ],
)
def test_json_round_trip(config):
    assert from_json(ModelConfig, to_json(config), where="config.json") == config
