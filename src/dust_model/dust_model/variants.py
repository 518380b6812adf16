"""DUST, its ablations and its baselines by one field of the configuration."""

from __future__ import annotations

from dust_model.config import ModelConfig
from dust_model.head import DualStreamHead, Head
from dust_model.single import SingleStreamHead


def build_head(config: ModelConfig, *, horizon: int = 16) -> Head:
    """Build the head that `config.head.architecture` names, for chunks of `horizon` actions."""
    if config.head.architecture.dual_stream:
        return DualStreamHead(config, horizon=horizon)
    return SingleStreamHead(config, horizon=horizon)
