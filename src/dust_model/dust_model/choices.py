"""What a configuration may choose between; each choice is its own name in JSON and YAML."""

from __future__ import annotations

from enum import StrEnum


class Architecture(StrEnum):
    """What the diffusion head is made of, and with it what it learns.

    The names of the ablations are those of Table 6: block, then noise.
    """

    DUST = "dust"
    """Dual-stream MM-DiT blocks, then DiT blocks per modality (section 4.1); decoupled noise."""
    MMDIT_JOINT = "mmdit_joint"
    """The same blocks with one noise level and one timestep embedding for both modalities."""
    DIT_DECOUPLED = "dit_decoupled"
    """One DiT over the tokens of both modalities; a noise level and AdaLN for each modality."""
    DIT_JOINT = "dit_joint"
    """One DiT over the tokens of both modalities with one noise level for all."""
    GROOT_N1 = "groot_n1"
    """GR00T-N1's head: one DiT over state and actions, no world model."""
    FLARE = "flare"
    """GR00T-N1's head with learned tokens, whose features halfway are aligned with the future."""

    @property
    def dual_stream(self) -> bool:
        """Whether each modality has a stream of its own."""
        return self in (Architecture.DUST, Architecture.MMDIT_JOINT)

    @property
    def predicts_vision(self) -> bool:
        """Whether the future embedding is noised and denoised along with the actions."""
        return self not in (Architecture.GROOT_N1, Architecture.FLARE)

    @property
    def joint_noise(self) -> bool:
        """Whether both modalities always have the same noise level: tau_A = tau_o."""
        return self in (Architecture.MMDIT_JOINT, Architecture.DIT_JOINT)

    @property
    def needs_future(self) -> bool:
        """Whether training needs the future embedding, as data or as target of the alignment."""
        return self is not Architecture.GROOT_N1


class TextFamily(StrEnum):
    """Which language model the vision-language part has, under the names of transformers."""

    LLAMA = "llama"
    """No biases, RMSNorm eps 1e-5: SmolLM2 in GR00T-N1."""
    QWEN2 = "qwen2"
    """Biases on queries, keys and values, eps 1e-6: Eagle2-1B and Eagle2-2B."""
    QWEN3 = "qwen3"
    """Norms on queries and keys, eps 1e-6: GR00T-N1.5."""


class CrossAttention(StrEnum):
    """Where the dual-stream blocks look at the vision-language features."""

    ALTERNATE = "alternate"
    """Even blocks: cross-attention of each stream. Odd blocks: joint self-attention."""
    EVERY = "every"
    """Every block: joint self-attention, then cross-attention of each stream."""


class Positions(StrEnum):
    """Position encoding of the action tokens."""

    FIXED = "fixed"
    """1-D sines and cosines over the index (appendix A.2)."""
    LEARNED = "learned"
    """One learned vector per index, as GR00T-N1 has."""


class TargetScale(StrEnum):
    """Scale in which the world model's target is noised and predicted."""

    STANDARDISE = "standardise"
    """Zero mean and unit deviation per channel, by the statistics of the data."""
    RAW = "raw"
    """The vision tower's output as it is."""


class UpdateOrder(StrEnum):
    """When, within a block of q vision updates, the actions are updated (Equation 5)."""

    BLOCK_START = "block_start"
    """With the first of the q evaluations, as Equation 5 reads."""
    BLOCK_END = "block_end"
    """With the last of them, as Algorithm 2 reads."""


class Prefix(StrEnum):
    """How actions that are committed already are shown to the network while the rest is made."""

    CLEAN = "clean"
    """As data with their own tau_A = 1; for a head that was trained with such prefixes."""
    INPAINT = "inpaint"
    """Noised to the tau_A of the rest, for a head that never saw another."""
