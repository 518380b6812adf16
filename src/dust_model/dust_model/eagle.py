"""Eagle-2 as GR00T-N1-2B has it, composed of transformers' own modules.

SigLIP vision tower -> 2x2 pixel shuffle -> LayerNorm, Linear, GELU, Linear -> Llama (first layers
kept, final norm applied) -> Linear to the width of the diffusion head. InternVLModel of
transformers is this composition up to the last Linear; no remote code is involved. The stand-alone
Eagle2-1B and 2B have Qwen2 in Llama's place; GR00T-N1.5 has Qwen3, no shuffle and one Linear.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    InternVLConfig,
    InternVLModel,
    LlamaConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
    SiglipVisionConfig,
)
from transformers.initialization import no_init_weights

from dust_model.config import TextFamily, VisionLanguageConfig


class EagleOutput(NamedTuple):
    """What Eagle makes of a batch of B prompts with V views each.

    Attributes:
        features: projected last hidden state of the language model, [B, T, feature_width].
        patches: the vision tower's tokens before the pixel shuffle, [B, V, grid**2, vision_width].
    """

    features: Tensor
    patches: Tensor


class Eagle(nn.Module):
    """The vision-language model and its projection into the head."""

    def __init__(self, config: VisionLanguageConfig) -> None:
        super().__init__()
        self.config = config
        self.model = InternVLModel(_internvl_config(config))
        if not config.pixel_shuffle:
            single = nn.Linear(config.vision_width, config.text_width)
            self.model.set_submodule("multi_modal_projector", single)
        self.projection = nn.Linear(config.text_width, config.feature_width)

    def forward(self, ids: Tensor, pixels: Tensor, mask: Tensor | None = None) -> EagleOutput:
        """Encode prompts and their images.

        Args:
            ids: token ids with an image token for every image feature, int64 [B, T].
            pixels: float [B, V, 3, S, S] in [-1, 1], views in prompt order.
            mask: True where a token is real, bool [B, T]; None when all are.
        """
        hidden, patches = self.hidden(ids, pixels, mask)
        return EagleOutput(self.projection(hidden), patches)

    def hidden(
        self, ids: Tensor, pixels: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what `forward` projects, [B, T, text_width], and the patches."""
        images = self.model.get_image_features(
            pixel_values=pixels.flatten(0, 1),
            vision_feature_layer=-1,
            vision_feature_select_strategy="full",
            return_dict=True,
        )
        hidden = self.model(
            input_ids=ids,
            attention_mask=mask,
            mm_encoder_outputs={"image": images},
            use_cache=False,
        ).last_hidden_state
        return hidden, images.last_hidden_state.unflatten(0, pixels.shape[:2])

    def embed(self, pixels: Tensor) -> Tensor:
        """Return the world model's target of images [B, 3, S, S]: [B, world_tokens, width]."""
        return pool_patches(self.model.vision_tower(pixel_values=pixels).last_hidden_state)


def empty_eagle(config: VisionLanguageConfig) -> Eagle:
    """Build an Eagle whose weights are yet to be loaded."""
    with no_init_weights():
        return Eagle(config)


def pool_patches(patches: Tensor) -> Tensor:
    """Average square patch grids [..., grid**2, width] 2x2 to [..., grid**2 / 4, width]."""
    leading, (tokens, width) = patches.shape[:-2], patches.shape[-2:]
    grid = round(tokens**0.5)
    planes = patches.reshape(-1, grid, grid, width).permute(0, 3, 1, 2)
    return F.avg_pool2d(planes, 2).flatten(2).transpose(1, 2).reshape(*leading, -1, width)


def _internvl_config(config: VisionLanguageConfig) -> InternVLConfig:
    """Return the composition's configuration: all tower tokens are kept, no pooling head."""
    return InternVLConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=config.vision_width,
            num_hidden_layers=config.vision_layers,
            num_attention_heads=config.vision_heads,
            intermediate_size=config.vision_mlp,
            image_size=config.image_size,
            patch_size=config.patch_size,
            layer_norm_eps=1e-6,
            vision_use_head=False,
        ),
        text_config=_text_config(config),
        image_token_id=config.image_token_id,
        image_seq_length=config.tokens_per_view,
        downsample_ratio=0.5 if config.pixel_shuffle else 1.0,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )


def _text_config(config: VisionLanguageConfig) -> PreTrainedConfig:
    kind = {
        TextFamily.LLAMA: LlamaConfig,
        TextFamily.QWEN2: Qwen2Config,
        TextFamily.QWEN3: Qwen3Config,
    }[config.text_family]
    return kind(
        vocab_size=config.vocab_size,
        hidden_size=config.text_width,
        num_hidden_layers=config.text_layers,
        num_attention_heads=config.text_heads,
        num_key_value_heads=config.kv_heads,
        head_dim=config.head_dim,
        intermediate_size=config.text_mlp,
        rms_norm_eps=1e-5 if config.text_family is TextFamily.LLAMA else 1e-6,
        pad_token_id=config.pad_token_id,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
    )
