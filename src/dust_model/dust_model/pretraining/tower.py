"""What the vision tower's tokens must tell by themselves: heads that are thrown away afterwards.

From each patch: the share of each class. From each view and body: where the body is, how far and
how turned, as the mean of what the patches say, weighted by attention that should lie on the body.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dust_model.pretraining.targets import Targets

PLACE_SCALE = 0.02
"""Error of a place, as a share of the view's side, that counts as 1."""

_DEPTH_SCALE = 0.05
_GRASP_SCALE = 0.3
_KNEE = 4.0
_VALUES = 5  # offset x, y; logarithm of depth; grasp cosine, sine


class TowerHeads(nn.Module):
    """Linear readings of patch tokens.

    Args:
        width: of a token.
        grid: patches along a side.
        views: V.
        classes: C.
        bodies: N; their classes are the last ones.
    """

    centres: Tensor
    """Middles of the patches, x and y from 0 to 1, [P, 2]."""

    def __init__(self, width: int, *, grid: int, views: int, classes: int, bodies: int) -> None:
        super().__init__()
        self._bodies, self._views = bodies, views
        self.classes = nn.Linear(width, classes)
        self.attention = nn.Linear(width, views * bodies)
        self.values = nn.Linear(width, views * bodies * _VALUES)
        line = (torch.arange(grid) + 0.5) / grid
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        centres = torch.stack([columns, rows], dim=-1).flatten(0, 1)
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, patches: Tensor) -> dict[str, Tensor]:
        """Read tokens [B, V, P, width], float32.

        Returns:
            `classes` [B, V, P, C] logits; `attention` [B, V, P, N] logits; `place` [B, N, V, 2],
            `depth` [B, N, V], `grasp` [B, N, V, 2].
        """
        scores = self._of_view(self.attention(patches), 1)[..., 0]
        values = self._of_view(self.values(patches), _VALUES)
        weights = scores.softmax(dim=2)
        places = self.centres[None, None, :, None] + 0.1 * values[..., :2]
        read = torch.cat([places, values[..., 2:]], dim=-1)
        pooled = (weights[..., None] * read).sum(2).transpose(1, 2)
        return {
            "classes": self.classes(patches),
            "attention": scores,
            "place": pooled[..., :2],
            "depth": pooled[..., 2],
            "grasp": pooled[..., 3:],
        }

    def _of_view(self, values: Tensor, count: int) -> Tensor:
        """Pick what is meant for each token's own view: [B, V, P, V * N * count] -> [.., N, count].

        Views look at the world in different ways, and the tower cannot know which one it sees.
        """
        parts = values.unflatten(-1, (self._views, self._bodies, count))
        return torch.stack([parts[:, view, :, view] for view in range(self._views)], dim=1)


def tower_losses(read: dict[str, Tensor], targets: Targets) -> dict[str, Tensor]:
    """Return the parts of the loss of what `TowerHeads` read, each a mean of about 1 at first."""
    logs = read["classes"].log_softmax(-1)
    visible = targets.visible
    bodies = targets.present.shape[1]
    shares = targets.fractions[..., -bodies:]
    wanted = shares / shares.sum(2, keepdim=True).clamp(min=1e-6)
    found = -(wanted * read["attention"].log_softmax(2)).sum(2).transpose(1, 2)
    grasp = targets.grasp[:, :, : visible.shape[2]]
    turned = (read["grasp"] - grasp).abs().mean(-1) / _GRASP_SCALE
    return {
        "classes": -(targets.fractions * logs).sum(-1).mean(),
        "attention": 0.2 * mean_where(found, visible),
        "place": mean_where(soft_l1(read["place"] - targets.place, PLACE_SCALE).mean(-1), visible),
        "depth": 0.5 * mean_where(soft_l1(read["depth"] - targets.depth, _DEPTH_SCALE), visible),
        "grasp": mean_where(turned, visible & targets.graspable[:, :, None]),
    }


def soft_l1(error: Tensor, scale: float | Tensor) -> Tensor:
    """Return |error| / scale, rounded off within a fifth of the scale, the far end dampened.

    The logarithm keeps a few hopeless cases from ruling the gradient: it halves at 4 scales.
    """
    size = F.smooth_l1_loss(error / scale, torch.zeros_like(error), reduction="none", beta=0.2)
    return _KNEE * torch.log1p(size / _KNEE)


def mean_where(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the values where the mask is True; 0 when it nowhere is."""
    return (values * mask).sum() / mask.sum().clamp(min=1)
