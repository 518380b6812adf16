"""Which device a network runs on."""

import torch

AUTO = "auto"
"""CUDA's where torch sees one, else the CPU."""


def chosen(name: str) -> str:
    """Return the device that a name stands for; other names than `auto` stay as they are."""
    if name != AUTO:
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
