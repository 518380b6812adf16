"""The imagined policy again, but drawn by the real sampler: flow matching in a few Euler steps.

The network alone is imagined: for a Gaussian process its velocity field is known exactly,

    E[x1 | x] = mu + tau S (tau^2 S + (1 - tau)^2)^-1 (x - tau mu)
    v = (E[x1 | x] - x) / (1 - tau)

What is done with it, the steps, the guidance by gradients (RTC) and the blended start (GR00T), is
dust_model's own code. So the comparison of the ways to go on needs no trained checkpoint, and what
an approximation costs is seen beside the exact conditional distribution.
"""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dust_eval.imagined_policy import GaussianPolicy
from dust_eval.joining import Continuation, Request
from dust_model.continuation import blend_strengths, guidance_weights
from dust_model.fields import VelocityField
from dust_model.guided import Guide, guided_field
from dust_model.head import Velocity
from dust_model.sampler import Noise, integrate, with_known, with_strength
from dust_model.schedule import Plan, Step

Array = NDArray[np.float64]

_UNIT = 0.3
"""One unit of the network's scale: half of the range that a joint has in demonstrations, rad."""


class FlowPolicy(GaussianPolicy):
    """Samples chunks of the same process with N_A Euler steps instead of exactly.

    Args:
        seed: Of the goal's moves and of the noise.
        seconds: How long the goal moves about, s.
        period: Time between two actions, s.
        horizon: Actions in a chunk.
        steps: Denoising steps, N_A.
        guidance: Largest weight of the guidance.
    """

    def __init__(
        self,
        seed: int,
        *,
        seconds: float,
        period: float = 1.0 / 15.0,
        horizon: int = 16,
        steps: int = 4,
        guidance: float = 5.0,
    ) -> None:
        super().__init__(seed, seconds=seconds, period=period, horizon=horizon)
        self._plan = Plan(steps, 0)
        self._limit = min(guidance, steps)
        spread = torch.from_numpy(self._covariance / _UNIT**2).float()
        # One field per level: what it multiplies is the same for every chunk.
        self._gains = {step.tau_action: _gain(spread, step.tau_action) for step in self._plan}

    def chunk(self, request: Request) -> Array:
        """Sample a chunk [horizon, 7], rad."""
        times: Array = request.time + self._period * np.arange(self._horizon, dtype=np.float64)
        centre = self.truth(times, seen=request.time)
        if request.continuation is Continuation.PREFIX:
            return super().chunk(request)  # what a network trained with prefixes would learn
        rng = np.random.default_rng((self._seed, request.number))
        noise = torch.from_numpy(rng.normal(size=(1, *centre.shape))).float()
        sampled = self._sample(request, centre, noise)[0].numpy().astype(np.float64)
        actions = self.home + _UNIT * sampled
        actions[: request.frozen] = request.committed[: request.frozen]
        return np.asarray(actions)

    def _sample(self, request: Request, centre: Array, noise: Tensor) -> Tensor:
        field = self._field(_scaled(centre - self.home))
        known = _scaled(request.committed[: self._horizon] - self.home)
        reach, frozen = len(known), min(request.frozen, self._horizon)
        if not reach or request.continuation is Continuation.NONE:
            return integrate(self._plan, Noise(noise, noise), field).action
        index = torch.arange(self._horizon)[:, None]
        target = torch.zeros_like(noise)
        target[:, :reach] = known
        if request.continuation is Continuation.BLENDED:
            start = torch.where(index < reach, target, noise)
            strength = torch.from_numpy(blend_strengths(frozen, reach, self._horizon))
            return integrate(self._plan, Noise(start, noise), with_strength(field, strength)).action
        weights = torch.from_numpy(guidance_weights(frozen, reach, self._horizon))
        guided = guided_field(field, Guide(target, weights, index < frozen, self._limit))
        held = with_known(guided, target - noise, index < frozen)
        return integrate(self._plan, Noise(noise, noise), held).action

    def _field(self, centre: Tensor) -> VelocityField:
        def field(step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
            tau = step.tau_action
            expected = centre + self._gains[tau] @ (actions - tau * centre)
            return Velocity((expected - actions) / (1 - tau), None)

        return field


def _gain(spread: Tensor, tau: float) -> Tensor:
    """Return what the deviation from the path is multiplied with to give the expected data."""
    mixed = tau**2 * spread + (1 - tau) ** 2 * torch.eye(len(spread))
    return cast(Tensor, tau * torch.linalg.solve(mixed, spread).T)


def _scaled(positions: Array) -> Tensor:
    return torch.from_numpy(positions / _UNIT).float()
