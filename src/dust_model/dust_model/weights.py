"""Weights in safetensors files: strict loading, fingerprints. Never pickles."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

M = TypeVar("M", bound=nn.Module)


def save_weights(module: nn.Module, path: Path, dtype: torch.dtype) -> None:
    """Write the parameters of `module`, cast to `dtype`."""
    state = {
        name: value.detach().to("cpu", dtype).contiguous()
        for name, value in module.state_dict().items()
    }
    save_file(state, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors writes 0600, which another user of the robot can't read


def load_module(build: Callable[[], M], path: Path, *, device: str, dtype: torch.dtype) -> M:
    """Build a module without initialising it and give it the weights of `path`.

    Raises:
        ValueError: the file can't be read, or its names or shapes are not the module's.
    """
    with _SkipInit():
        module = build()
    state = _read(path)
    problems = _differences(module.state_dict(), state)
    if problems:
        raise ValueError(f"{path} does not fit its config.json: {'; '.join(problems)}")
    # Only weights are cast: rotary frequencies in bfloat16 would be wrong by whole radians.
    module.load_state_dict({n: v.to(device, dtype) for n, v in state.items()}, assign=True)
    return module.to(device)


class _SkipInit(TorchFunctionMode):
    """Leave weights as the memory is: random numbers for 10^9 of them take longer than loading."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs.get("tensor", args[0] if args else None)
        return func(*args, **kwargs)


def fingerprint(paths: Iterable[Path], *, salt: str) -> str:
    """Return 16 hexadecimal digits over the contents of files and a text."""
    digest = hashlib.sha256(salt.encode())
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read the weights {path}: {error}") from None


def _differences(needed: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    missing = [name for name in needed if name not in found]
    extra = [name for name in found if name not in needed]
    wrong = [
        f"{name} {list(found[name].shape)} instead of {list(value.shape)}"
        for name, value in needed.items()
        if name in found and found[name].shape != value.shape
    ]
    kinds = (("missing", missing), ("left over", extra), ("wrong shape", wrong))
    return [f"{kind}: {_some(names)}" for kind, names in kinds if names]


def _some(names: list[str], *, shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
