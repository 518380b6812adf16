"""What a policy could read from the frozen features of a checkpoint, measured from the outside.

The checkpoint is used as a robot uses it: JPEG files, the model's own image transform, one prompt
per observation, stored weights. A linear map and a small network then learn to tell from the
features where the named object is, and are tried on pictures of other trials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from dust_model.backbone import Backbone
from dust_model.checkpoint import Checkpoint
from dust_model.pretraining.crops import decode
from dust_model.pretraining.folder import PictureFolder
from dust_model.pretraining.packing import TAIL

_BATCH = 32
_RIDGE = 1e-3
_HIDDEN = 128
_STEPS = 400


class Observed(NamedTuple):
    """Features of n observations and the truth about the object that each one's instruction names.

    Attributes:
        features: the last token's and the mean of the last `TAIL`, float32 [n, 2 * width].
        positions: in the hand's and in the base frame, m, float32 [n, 6].
    """

    features: Tensor
    positions: Tensor


def probe(
    checkpoint: Checkpoint,
    folder: PictureFolder,
    learned: NDArray[np.int64],
    held_out: NDArray[np.int64],
    *,
    count: int,
    seed: int,
    device: str = "cpu",
) -> dict[str, float]:
    """Measure what the features of a checkpoint carry.

    Args:
        checkpoint: what is measured.
        folder: pictures.
        learned: numbers of the pictures to learn from.
        held_out: numbers of the pictures to try on.
        count: pictures to learn from; a quarter as many are tried on.
        seed: of what is drawn.
        device: to encode on.

    Returns:
        Median and 90 % error in cm in the hand's and in the base frame, of both readers.
    """
    random = np.random.default_rng(seed)
    backbone = checkpoint.backbone(device)
    parts = [
        observe(backbone, folder, _some(numbers, most, random), random)
        for numbers, most in ((learned, count), (held_out, count // 4))
    ]
    known, tried = parts
    mean, scale = known.features.mean(0), known.features.std(0).clamp(min=1e-4)
    inputs = [(part.features - mean) / scale for part in parts]
    found: dict[str, float] = {}
    readers = {"linear": _linear, "mlp": lambda x, y: _network(x, y, seed)}
    for name, learn in readers.items():
        error = learn(inputs[0], known.positions)(inputs[1]) - tried.positions
        for frame, columns in (("hand", slice(0, 3)), ("base", slice(3, 6))):
            distance = 100 * error[:, columns].norm(dim=1).double().numpy()
            found[f"probe/{name}/{frame}_cm/median"] = float(np.median(distance))
            found[f"probe/{name}/{frame}_cm/p90"] = float(np.quantile(distance, 0.9))
    return found


def observe(
    backbone: Backbone,
    folder: PictureFolder,
    numbers: NDArray[np.int64],
    random: np.random.Generator,
) -> Observed:
    """Encode pictures with one of their instructions each; a progress bar shows it."""
    chosen = [_instruction(folder, number, random) for number in numbers]
    features, positions = [], []
    cache: dict[int, list[list[bytes]]] = {}
    for begin in tqdm(range(0, len(numbers), _BATCH), desc="probing", dynamic_ncols=True):
        rows = numbers[begin : begin + _BATCH]
        texts = [text for text, _ in chosen[begin : begin + _BATCH]]
        pixels = torch.stack([_pixels(backbone, folder, number, cache) for number in rows])
        encoded = backbone.encode_batch(pixels, texts)
        features.append(_pooled(encoded.features.float().cpu()))
    for number, (_, body) in zip(numbers, chosen, strict=True):
        labels = folder.labels
        both = (labels["in_hand"][number, body], labels["position"][number, body])
        positions.append(np.concatenate(both))
    return Observed(torch.cat(features), torch.from_numpy(np.array(positions, np.float32)))


def _some(numbers: NDArray[np.int64], most: int, random: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(random.permutation(numbers)[: max(1, most)])


def _instruction(
    folder: PictureFolder, number: int, random: np.random.Generator
) -> tuple[str, int]:
    bodies, labels = folder.facts.bodies, folder.labels
    things = [i for i, b in enumerate(bodies) if b.graspable and labels["present"][number, i]]
    index = int(random.integers(len(things)))
    return str(labels["instructions"][number]).split("\n")[index], things[index]


def _pixels(
    backbone: Backbone, folder: PictureFolder, number: int, cache: dict[int, list[list[bytes]]]
) -> Tensor:
    shard, place = divmod(int(number), folder.facts.per_shard)
    if shard not in cache:
        cache.clear()
        cache[shard] = folder.files(shard)
    transform = backbone.transform
    views = [transform.normalise(transform.resize(decode(f))) for f in cache[shard][place]]
    return torch.stack(views)


def _pooled(features: Tensor) -> Tensor:
    return torch.cat([features[:, -1], features[:, -TAIL:].mean(1)], dim=1)


def _linear(inputs: Tensor, wanted: Tensor) -> Callable[[Tensor], Tensor]:
    x = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1).double()
    damping = _RIDGE * len(x) * torch.eye(x.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(x.T @ x + damping, x.T @ wanted.double())
    return lambda new: (torch.cat([new, torch.ones(len(new), 1)], dim=1).double() @ weights).float()


def _network(inputs: Tensor, wanted: Tensor, seed: int) -> Callable[[Tensor], Tensor]:
    mean, scale = wanted.mean(0), wanted.std(0).clamp(min=1e-4)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(inputs.shape[1], _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, wanted.shape[1])
        )
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        optimizer.zero_grad()
        nn.functional.smooth_l1_loss(network(inputs), (wanted - mean) / scale, beta=0.05).backward()
        optimizer.step()
        schedule.step()

    @torch.no_grad()
    def read(new: Tensor) -> Tensor:
        return network(new) * scale + mean

    return read
