"""Configuration of the model: the vision-language part, the diffusion head, named sizes.

Numbers of size `n1` are GR00T-N1's (its Eagle-2 backbone and its action head); where the DUST
paper leaves a choice open, the choice is a field of HeadConfig and its default is documented there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from dust_model.choices import (
    Architecture,
    CrossAttention,
    Positions,
    Prefix,
    TargetScale,
    TextFamily,
    UpdateOrder,
)

CROP = 0.95
"""Share of each image side that the centre crop keeps, in training and inference."""


def require(condition: bool, message: str) -> None:
    """Raise ValueError with `message` unless `condition` holds."""
    if not condition:
        raise ValueError(message)


def _require_positive(record: object, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(record, name)
        require(value > 0, f"{name} must be above 0, got {value}")


def _require_choice(record: object, name: str, kind: type[StrEnum]) -> None:
    """Turn the text of a choice into the choice, so that `is` can be relied upon."""
    value = getattr(record, name)
    require(value in list(kind), f"{name} must be one of {', '.join(kind)}, got {value!r}")
    object.__setattr__(record, name, kind(value))


_MAY_BE_ZERO = (
    *("pad_token_id", "text_family", "text_kv_heads", "text_head_dim", "pixel_shuffle"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionLanguageConfig:
    """Sizes of the Eagle-2 composition: SigLIP tower, pixel shuffle, MLP, language model.

    `feature_width` is what the projection after the language model makes of each token: the
    width of the diffusion head. `text_layers` counts the layers that are kept. `text_kv_heads` = 0
    stands for `text_heads`, and `text_head_dim` = 0 for text_width / text_heads. Without
    `pixel_shuffle` every patch is a token, and one Linear takes the place of the MLP.
    """

    image_size: int = 224
    patch_size: int = 14
    pixel_shuffle: bool = True
    vision_width: int = 1152
    vision_layers: int = 27
    vision_heads: int = 16
    vision_mlp: int = 4304
    text_family: TextFamily = TextFamily.LLAMA
    text_width: int = 2048
    text_layers: int = 12
    text_heads: int = 32
    text_kv_heads: int = 0
    text_head_dim: int = 0
    text_mlp: int = 8192
    vocab_size: int = 49164
    image_token_id: int = 49154
    pad_token_id: int = 2
    rope_theta: float = 130000.0
    feature_width: int = 1536

    def __post_init__(self) -> None:
        _require_choice(self, "text_family", TextFamily)
        _require_positive(self, tuple(f for f in self.__slots__ if f not in _MAY_BE_ZERO))
        require(
            self.text_kv_heads >= 0 and self.text_heads % self.kv_heads == 0,
            f"text_heads={self.text_heads} is no multiple of text_kv_heads={self.text_kv_heads}",
        )
        require(self.text_head_dim >= 0, f"text_head_dim must be >= 0, got {self.text_head_dim}")
        require(
            self.image_size % (2 * self.patch_size) == 0,
            f"image_size must be a multiple of twice patch_size={self.patch_size} "
            f"(patches are joined 2x2), got {self.image_size}",
        )
        for part in ("vision", "text"):
            width, heads = getattr(self, f"{part}_width"), getattr(self, f"{part}_heads")
            require(
                width % heads == 0, f"{part}_width={width} is no multiple of {part}_heads={heads}"
            )
        require(
            2 <= self.image_token_id < self.vocab_size,
            f"image_token_id must lie in 2..vocab_size-1={self.vocab_size - 1}, "
            f"got {self.image_token_id}",
        )

    @property
    def grid(self) -> int:
        """Patches along one image side, such as 16."""
        return self.image_size // self.patch_size

    @property
    def tokens_per_view(self) -> int:
        """Tokens that one image takes in the language model, after the 2x2 pixel shuffle if any."""
        return (self.grid // 2) ** 2 if self.pixel_shuffle else self.grid**2

    @property
    def kv_heads(self) -> int:
        """Heads of the language model's keys and values."""
        return self.text_kv_heads or self.text_heads

    @property
    def head_dim(self) -> int:
        """Width of one of the language model's attention heads."""
        return self.text_head_dim or self.text_width // self.text_heads

    @property
    def world_tokens(self) -> int:
        """Tokens of the world model's target: the tower's patches, averaged 2x2."""
        return (self.grid // 2) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """Sizes and open choices of the diffusion head.

    Attributes:
        architecture: what the head is made of. Switching from DUST to a baseline or an ablation
            takes this one field.
        heads: attention heads; the width of both streams is heads * head_dim.
        head_dim: width of one attention head.
        dual_blocks: MM-DiT blocks, in which the two streams meet.
        stream_blocks: DiT blocks per modality after them; even cross-attention, odd self-attention.
            An architecture with one stream has dual_blocks + stream_blocks of these in all.
        feedforward: width of the feed-forward layers, as a multiple of the width.
        output_width: width between a stream's last projection and its decoder.
        state_dim: columns of the state encoder; a robot with fewer is padded with zeros.
        action_dim: columns of the action encoder and decoder, padded likewise.
        embodiments: slots of the state and action encoders and of the action decoder.
        dropout: rate in training, on attention and feed-forward outputs.
        cross_attention: where the dual blocks look at the features. The paper says "interleaved".
        action_positions: the appendix's fixed encoding; learned to load GR00T-N1.
        learned_positions: rows of the learned encoding, of which the first `horizon` are used.
        timestep_buckets: tau in [0, 1] becomes floor(tau * buckets), clamped to buckets - 1.
        target_scale: noise is N(0, I), so the target is standardised unless told otherwise.
        mask_padding: hide padded prompt tokens from the head; GR00T-N1 shows them.
        update_order: how Equation 5's "tau_A N_o mod q" is read.
        prefix: how committed actions are shown when sampling.
        alignment_depth: share of the DiT blocks after which FLARE's features are taken.
        alignment_width: width of FLARE's alignment MLP, REPA's unless told otherwise.
    """

    architecture: Architecture = Architecture.DUST
    heads: int = 32
    head_dim: int = 48
    dual_blocks: int = 12
    stream_blocks: int = 4
    feedforward: int = 4
    output_width: int = 1024
    state_dim: int = 64
    action_dim: int = 32
    embodiments: int = 1
    dropout: float = 0.2
    cross_attention: CrossAttention = CrossAttention.ALTERNATE
    action_positions: Positions = Positions.FIXED
    learned_positions: int = 1024
    timestep_buckets: int = 1000
    target_scale: TargetScale = TargetScale.STANDARDISE
    mask_padding: bool = True
    update_order: UpdateOrder = UpdateOrder.BLOCK_START
    prefix: Prefix = Prefix.CLEAN
    alignment_depth: float = 0.5
    alignment_width: int = 2048

    def __post_init__(self) -> None:
        for name, kind in (
            ("architecture", Architecture),
            ("cross_attention", CrossAttention),
            ("action_positions", Positions),
            ("target_scale", TargetScale),
            ("update_order", UpdateOrder),
            ("prefix", Prefix),
        ):
            _require_choice(self, name, kind)
        _require_positive(
            self,
            (
                *("heads", "head_dim", "dual_blocks", "feedforward", "output_width"),
                *("state_dim", "action_dim", "embodiments", "timestep_buckets"),
                *("learned_positions", "alignment_width"),
            ),
        )
        require(self.stream_blocks >= 0, f"stream_blocks must be >= 0, got {self.stream_blocks}")
        require(0 <= self.dropout < 1, f"dropout must lie in [0, 1), got {self.dropout}")
        require(
            0 < self.alignment_depth <= 1,
            f"alignment_depth must lie in (0, 1], got {self.alignment_depth}",
        )
        require(
            self.width % 4 == 0,
            f"heads * head_dim must be a multiple of 4 for the 2-D encoding, got {self.width}",
        )
        require(
            bool(self.joint_blocks) or not self.architecture.dual_stream,
            f"dual_blocks={self.dual_blocks} with cross_attention={self.cross_attention} leaves "
            "no joint attention: use at least 2",
        )

    @property
    def width(self) -> int:
        """Width of both streams."""
        return self.heads * self.head_dim

    @property
    def halves(self) -> int:
        """Dual blocks that a stream really has a half of: none where there is one stream."""
        return self.dual_blocks if self.architecture.dual_stream else 0

    @property
    def blocks(self) -> int:
        """DiT blocks that a stream really has."""
        return self.dual_blocks + self.stream_blocks - self.halves

    @property
    def alignment_block(self) -> int:
        """How many DiT blocks FLARE's features have passed, such as 8 of 16."""
        return max(1, round(self.alignment_depth * self.blocks))

    @property
    def joint_blocks(self) -> tuple[int, ...]:
        """Indices of the dual blocks in which the two streams attend to each other."""
        alternate = self.cross_attention is CrossAttention.ALTERNATE
        return tuple(i for i in range(self.halves) if i % 2 == 1 or not alternate)

    @property
    def cross_blocks(self) -> tuple[int, ...]:
        """Indices of the dual blocks in which each stream attends to the features."""
        alternate = self.cross_attention is CrossAttention.ALTERNATE
        return tuple(i for i in range(self.halves) if i % 2 == 0 or not alternate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The whole model: vision-language part and head, which must agree in width."""

    vision_language: VisionLanguageConfig = VisionLanguageConfig()
    head: HeadConfig = HeadConfig()

    def __post_init__(self) -> None:
        features, width = self.vision_language.feature_width, self.head.width
        require(
            features == width,
            f"vision_language.feature_width={features} differs from head.heads * head.head_dim"
            f"={width}",
        )

    def variant(self, architecture: Architecture) -> ModelConfig:
        """Return this configuration with another architecture of the head."""
        return replace(self, head=replace(self.head, architecture=architecture))


N1 = ModelConfig()
"""The paper's size: GR00T-N1-2B's Eagle-2 and a head of its width."""

GROOT_N1_2B = ModelConfig(
    head=HeadConfig(
        architecture=Architecture.GROOT_N1,
        embodiments=32,
        action_positions=Positions.LEARNED,
        mask_padding=False,
        prefix=Prefix.INPAINT,
    )
)
"""GR00T-N1-2B itself: what NVIDIA's weights load into."""

EAGLE2_1B = VisionLanguageConfig(
    image_size=448,
    text_family=TextFamily.QWEN2,
    text_width=896,
    text_layers=24,
    text_heads=14,
    text_kv_heads=2,
    text_mlp=4864,
    vocab_size=151674,
    image_token_id=151667,
    pad_token_id=151643,
    rope_theta=1e6,
)
"""The stand-alone Eagle2-1B, one tile per view."""

EAGLE2_2B = replace(EAGLE2_1B, text_width=1536, text_layers=28, text_heads=12, text_mlp=8960)
"""The stand-alone Eagle2-2B, one tile per view."""

GROOT_N1_5 = VisionLanguageConfig(
    pixel_shuffle=False,
    text_family=TextFamily.QWEN3,
    text_heads=16,
    text_kv_heads=8,
    text_head_dim=128,
    text_mlp=6144,
    vocab_size=151680,
    image_token_id=151669,
    pad_token_id=151643,
    rope_theta=1e6,
)
"""The vision-language part of GR00T-N1.5; its action head has parts that ours lacks."""

TINY = ModelConfig(
    vision_language=VisionLanguageConfig(
        image_size=112,
        vision_width=192,
        vision_layers=6,
        vision_heads=3,
        vision_mlp=768,
        text_width=256,
        text_layers=4,
        text_heads=4,
        text_mlp=1024,
        vocab_size=1024,
        image_token_id=1022,
        rope_theta=10000.0,
        feature_width=192,
    ),
    head=HeadConfig(
        heads=4,
        dual_blocks=4,
        stream_blocks=2,
        output_width=192,
        state_dim=8,
        action_dim=8,
        dropout=0.0,
        alignment_width=256,
    ),
)
"""The embedded default: 15 million parameters, fast enough for two CPU cores."""

SIZES = {"n1": N1, "tiny": TINY}
"""Named sizes of `dust-init`."""
