"""Weights in safetensors files: strict loading, fingerprints. Never pickles."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dust_model.config import require

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
    module, state = build_empty(build), _read(path)
    report = compare_names(shapes_of(module.state_dict()), shapes_of(state))
    require(report.fits, f"{path} does not fit its config.json: {report}")
    return give_weights(module, state, device=device, dtype=dtype)


def build_empty(build: Callable[[], M]) -> M:
    """Build a module whose weights are yet to be given."""
    with _SkipInit():
        return build()


def give_weights(module: M, state: dict[str, Tensor], *, device: str, dtype: torch.dtype) -> M:
    """Give a module all its weights and move it to `device`."""
    # Only weights are cast: rotary frequencies in bfloat16 would be wrong by whole radians.
    module.load_state_dict({n: v.to(device, dtype) for n, v in state.items()}, assign=True)
    return module.to(device)


Shapes = dict[str, tuple[int, ...]]
"""Shape of each tensor by its name."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What keeps weights and a module apart, by the names that the weights have.

    Attributes:
        missing: the module needs them.
        left_over: the module has no place for them.
        wrong_shape: name, shape found and shape needed, as text.
    """

    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    wrong_shape: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing keeps them apart."""
        return not (self.missing or self.left_over or self.wrong_shape)

    def __str__(self) -> str:
        """Return one line with the first names of each kind."""
        kinds = (
            ("missing", self.missing),
            ("left over", self.left_over),
            ("wrong shape", self.wrong_shape),
        )
        return "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds if names)


def compare_names(needed: Shapes, found: Shapes) -> LoadReport:
    """Compare what a module needs with what there is."""
    return LoadReport(
        missing=tuple(name for name in needed if name not in found),
        left_over=tuple(name for name in found if name not in needed),
        wrong_shape=tuple(
            f"{name} {list(found[name])} instead of {list(shape)}"
            for name, shape in needed.items()
            if name in found and found[name] != shape
        ),
    )


def shapes_of(state: Mapping[str, Tensor]) -> Shapes:
    """Return the shapes of named tensors."""
    return {name: tuple(value.shape) for name, value in state.items()}


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


def fingerprint_tensors(path: Path, *, salt: str, without: str) -> str:
    """Return 16 hexadecimal digits over the tensors of a file and a text.

    Args:
        path: A safetensors file.
        salt: The text.
        without: Tensors whose names begin so do not count.

    Raises:
        ValueError: The file can't be read.
    """
    digest = hashlib.sha256(salt.encode())
    for name, tensor in sorted(_read(path).items()):
        if not name.startswith(without):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read the weights {path}: {error}") from None


def _some(names: tuple[str, ...], *, shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
