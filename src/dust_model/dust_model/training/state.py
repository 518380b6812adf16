"""What a run needs to go on exactly: weights, the optimizer's moments, averages, as tensors.

weight/NAME   optimizer/NAME/KIND   average/NAME
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dust_model.training.ema import MovingAverage


def collect(
    module: nn.Module, optimizer: torch.optim.Optimizer, average: MovingAverage | None
) -> dict[str, Tensor]:
    """Return copies of everything under its name, on the CPU."""
    state: dict[str, Tensor] = {
        f"weight/{name}": weight for name, weight in _trained(module).items()
    }
    for name, moments in _moments(module, optimizer).items():
        state |= {f"optimizer/{name}/{kind}": value for kind, value in moments.items()}
    if average is not None:
        state |= {f"average/{name}": value for name, value in average.averages.items()}
    return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}


def restore(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
    state: Mapping[str, Tensor],
) -> None:
    """Put back what `collect` returned."""
    with torch.no_grad():
        for name, weight in _trained(module).items():
            weight.copy_(state[f"weight/{name}"])
    _restore_moments(module, optimizer, state)
    if average is not None:
        prefix = "average/"
        average.load({n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)})


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors.

    Raises:
        OSError: the file can't be written, such as on a full disk.
    """
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise OSError(str(error)) from None


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors.

    Raises:
        ValueError: the file can't be read.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}


def _names(module: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """Return the parameters' names in the optimizer's order."""
    names = {id(weight): name for name, weight in module.named_parameters()}
    return [names[id(weight)] for group in optimizer.param_groups for weight in group["params"]]


def _moments(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, dict[str, Tensor]]:
    state = optimizer.state_dict()["state"]
    named = enumerate(_names(module, optimizer))
    return {name: state[index] for index, name in named if index in state}


def _restore_moments(
    module: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]
) -> None:
    found: dict[str, dict[str, Tensor]] = {}
    for full, value in state.items():
        kind, _, rest = full.partition("/")
        if kind == "optimizer":
            name, _, moment = rest.rpartition("/")
            found.setdefault(name, {})[moment] = value
    numbered = enumerate(_names(module, optimizer))
    moments = {index: found[name] for index, name in numbered if name in found}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
