"""Real-time chunking: steer the actions towards a plan by the gradient through the head.

RTC (Black et al. 2025, "Real-Time Execution of Action Chunking Flow Policies", algorithm 1), with
x_hat = x + (1 - tau) v the chunk that the network expects, Y the plan and W its weights:

    v <- v + min(beta, (tau^2 + (1 - tau)^2) / (tau (1 - tau))) J^T [W (Y - x_hat)]

J is the derivative of x_hat by x, through both streams. With n steps a beta above n would
overshoot, so it is limited to that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dust_model.fields import Observation, VelocityField, build_field
from dust_model.head import Head, Velocity
from dust_model.levels import NoiseLevels
from dust_model.sampler import Inputs, Noise, integrate, with_known
from dust_model.schedule import Plan, Step


class Guide(NamedTuple):
    """Where to, in the network's scale.

    Attributes:
        target: the plan, [B or 1, K, A]; without meaning where the weight is 0.
        weights: how much each action is held to it, [K, 1] in [0, 1].
        frozen: True where an action is the plan's, bool [K, 1]: it stays on the straight path.
        limit: largest weight of the guidance, beta.
    """

    target: Tensor
    weights: Tensor
    frozen: Tensor
    limit: float


class GuidedSampler:
    """Samples with guidance, from no recording: gradients need the network itself.

    Args:
        head: the network, in eval mode; its weights must not change any more.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        # Its own: what the other sampler keeps was made without any thought of gradients.
        self._levels = NoiseLevels(head)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def sample(self, inputs: Inputs, plan: Plan, guide: Guide, *, slot: int = 0) -> Noise:
        """Sample a batch of candidates; the result is as that of `Sampler.sample`."""
        # What comes out of inference mode takes no part in gradients, a copy of it does.
        inputs = Inputs._make(part if part is None else part.clone() for part in inputs)
        observation = Observation(inputs.features, inputs.mask, inputs.state, None, slot)
        device = self._head.weight.device
        guide = Guide(
            guide.target.to(device, copy=True),
            guide.weights.to(device, copy=True),
            guide.frozen.to(device),
            min(guide.limit, plan.action_steps),
        )
        field = guided_field(build_field(self._head, self._levels, observation), guide)
        field = with_known(field, guide.target - inputs.actions, guide.frozen)
        end = integrate(plan, Noise(inputs.actions, inputs.embedding), field)
        return Noise(torch.where(guide.frozen, guide.target, end.action), end.vision)


def guided_field(field: VelocityField, guide: Guide) -> VelocityField:
    """Return `field` with guidance added to the velocity of the actions."""

    def guided(step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        if not step.action_stride:
            return field(step, actions, embedding)
        with torch.enable_grad():
            start = actions.detach().requires_grad_()
            velocity = field(step, start, embedding)
            assert velocity.action is not None
            expected = start + (1 - step.tau_action) * velocity.action
            error = guide.weights * (guide.target - expected.detach())
            (pull,) = torch.autograd.grad(expected, start, error)
        vision = None if velocity.vision is None else velocity.vision.detach()
        weight = guidance(step.tau_action, limit=guide.limit)
        return Velocity(velocity.action.detach() + weight * pull, vision)

    return guided


def guidance(tau: float, *, limit: float) -> float:
    """Return the weight of the guidance at a noise level (0 = noise, 1 = data)."""
    rest = 1 - tau
    if tau * rest == 0:
        return limit
    return min(limit, (tau**2 + rest**2) / (tau * rest))
