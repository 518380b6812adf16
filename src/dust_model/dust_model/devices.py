"""Which device a network runs on."""

import torch

AUTO = "auto"
"""CUDA's where torch sees one, else the CPU."""


def chosen(name: str) -> str:
    """Return the device that a name stands for; other names than `auto` stay as they are."""
    if name != AUTO:
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def usable(name: str) -> str:
    """Return the name of a device that torch can use here.

    Raises:
        ValueError: It can't; one line says why.
    """
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:  # the latter where torch has no CUDA at all
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} can't be used: {reason}") from None
    return name
