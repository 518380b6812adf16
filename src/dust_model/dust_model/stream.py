"""One modality's path through the head: its halves of the dual blocks, its DiT blocks, its output.

tokens -> [half 0 ... half n-1] -> [DiT block 0 ...] -> output
             |  joined with the other stream in the joint self-attention only
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from torch import Tensor, nn

from dust_model.attention import KeyValue, QueryKeyValue
from dust_model.blocks import AdaLN, DualHalf, StreamBlock, StreamOutput
from dust_model.config import HeadConfig
from dust_model.encodings import TimestepEmbedding


class Condition(NamedTuple):
    """What a noise level means to one stream. Made once per tau and kept by the sampler.

    Attributes:
        halves: AdaLN parameters of the sub-layers of each dual half.
        blocks: AdaLN parameters of each DiT block.
        output: AdaLN parameters of the last layer.
    """

    halves: tuple[tuple[AdaLN, ...], ...]
    blocks: tuple[AdaLN, ...]
    output: AdaLN


class Context(NamedTuple):
    """What an observation means to one stream. Made once per observation.

    Attributes:
        halves: keys and values of the features for each dual half, None where it has no
            cross-attention.
        blocks: the same for each DiT block.
        mask: True where a feature token may be seen, bool [B, 1, 1, T]; None when all may.
    """

    halves: tuple[KeyValue | None, ...]
    blocks: tuple[KeyValue | None, ...]
    mask: Tensor | None


class Entry(NamedTuple):
    """A stream on its way, stopped at the first joint attention.

    As long as its tokens and its tau stay the same, so does its entry: the sampler keeps it.

    Attributes:
        hidden: tokens so far, [B, N, D].
        projected: what the stream brings to the first joint attention.
    """

    hidden: Tensor
    projected: QueryKeyValue
    condition: Condition
    context: Context


class Stream(nn.Module):
    """Everything of one modality but its encoder and decoder.

    An architecture with a single stream has one for both modalities, without dual halves.

    Args:
        config: sizes of the head.
        owns_time: whether it embeds tau itself; otherwise another stream does it for both.
    """

    def __init__(self, config: HeadConfig, *, owns_time: bool = True) -> None:
        super().__init__()
        self._first_joint = config.joint_blocks[0] if config.joint_blocks else 0
        width, buckets = config.width, config.timestep_buckets
        self.timestep = TimestepEmbedding(width, buckets=buckets) if owns_time else None
        halves = [
            DualHalf(config, joint=i in config.joint_blocks, cross=i in config.cross_blocks)
            for i in range(config.halves)
        ]
        blocks = [StreamBlock(config, cross=i % 2 == 0) for i in range(config.blocks)]
        # The casts keep what a ModuleList holds visible to the type checker.
        self.halves = cast(Sequence[DualHalf], nn.ModuleList(halves))
        self.blocks = cast(Sequence[StreamBlock], nn.ModuleList(blocks))
        self.output = StreamOutput(config)

    def condition(self, embedding: Tensor) -> Condition:
        """Return the AdaLN parameters of embedded noise levels [B or 1, N or 1, D]."""
        return Condition(
            tuple(half.modulate(embedding) for half in self.halves),
            tuple(block.modulate(embedding) for block in self.blocks),
            self.output.modulate(embedding),
        )

    def context(self, features_BTD: Tensor, mask_BT: Tensor | None) -> Context:
        """Return the keys and values of the features for every cross-attention."""
        halves = (half.cross for half in self.halves)
        blocks = (block.attention if block.is_cross else None for block in self.blocks)
        return Context(
            tuple(cross.key_value(features_BTD) if cross else None for cross in halves),
            tuple(cross.key_value(features_BTD) if cross else None for cross in blocks),
            None if mask_BT is None else mask_BT[:, None, None, :],
        )

    def enter(self, tokens_BND: Tensor, condition: Condition, context: Context) -> Entry:
        """Run up to the first joint attention."""
        hidden = tokens_BND
        for index in range(self._first_joint):
            hidden = self.advance(index, hidden, condition, context)
        projected = self.halves[self._first_joint].project(
            hidden, condition.halves[self._first_joint]
        )
        return Entry(hidden, projected, condition, context)

    def advance(self, index: int, hidden: Tensor, condition: Condition, context: Context) -> Tensor:
        """Run the part of dual half `index` that needs no other stream."""
        modulation, seen = condition.halves[index], context.halves[index]
        return self.halves[index].advance(hidden, modulation, seen, context.mask)

    def walk(self, hidden: Tensor, condition: Condition, context: Context, blocks: range) -> Tensor:
        """Run some of the DiT blocks."""
        for index in blocks:
            modulation, seen = condition.blocks[index], context.blocks[index]
            hidden = self.blocks[index](hidden, modulation, seen, context.mask)
        return hidden

    def finish(
        self, hidden: Tensor, condition: Condition, context: Context, *, start: int = 0
    ) -> Tensor:
        """Run the DiT blocks from `start` on and the output layer: [B, N, output_width]."""
        hidden = self.walk(hidden, condition, context, range(start, len(self.blocks)))
        return self.output(hidden, condition.output)
