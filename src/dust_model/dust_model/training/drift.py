"""Committed actions that err, and the way back to what was demonstrated.

    0 ---> rises over the prefix ---> 1 at its last action ---> falls over `back` actions ---> 0

A small policy that is always shown what the demonstrator did next learns to go on from that and
stops looking; what it goes on from when it runs is its own. Shown prefixes that err, it has to look
where to go back to. Not in the paper.

Shape suffixes: B batch, K horizon, A action columns.
"""

import torch
from torch import Tensor


def drift_shape(prefix_B: Tensor, *, horizon: int, back: int) -> Tensor:
    """Return the share of the whole drift that each action has, float32 [B, K] in [0, 1].

    It rises in a line over the prefix and falls as a cosine over the `back` actions behind it.

    Args:
        prefix_B: how many first actions are given, int64 [B]; where it is 0 nothing drifts.
        horizon: actions in a chunk, K.
        back: actions that the way back takes, >= 1; at the last of them the drift is 0.
    """
    action_K = torch.arange(1, horizon + 1, device=prefix_B.device)
    prefix_B1 = prefix_B[:, None]
    rise = action_K / prefix_B1.clamp(min=1)
    fall = ((action_K - prefix_B1) / back).clamp(0, 1)
    shape = torch.where(action_K <= prefix_B1, rise, (1 + torch.cos(torch.pi * fall)) / 2)
    return torch.where(prefix_B1 > 0, shape, 0.0)


def drifted(actions_BKA: Tensor, drift_BA: Tensor, prefix_B: Tensor, *, back: int) -> Tensor:
    """Return actions [B, K, A] that err by `drift_BA` at the end of their prefix.

    Args:
        actions_BKA: demonstrated actions in the network's scale.
        drift_BA: how far each column errs at most, in the same scale.
        prefix_B: how many first actions are given, int64 [B].
        back: actions that the way back takes, >= 1.
    """
    shape_BK = drift_shape(prefix_B, horizon=actions_BKA.shape[1], back=back)
    return actions_BKA + shape_BK[..., None] * drift_BA[:, None]
