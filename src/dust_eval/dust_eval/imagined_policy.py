"""A policy that is only imagined: what it samples is known exactly, noise and conditioning too.

Its chunks lie around the truth like draws from a Gaussian process; what it does after a prefix, or
guided by the rest of a plan, is the exact conditional distribution of the same process. That is
what training with prefixes and guided inpainting approximate, without a network in between.
"""

import numpy as np
from numpy.typing import NDArray

from dust_eval.joining import Continuation, Request

Array = NDArray[np.float64]

_HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
_SPREAD = 0.02
_LENGTH = 0.5
_EXACT = 1e-4


class GaussianPolicy:
    """Follows a wave; now and then the goal moves, which only later observations show.

    Args:
        seed: Of the goal's moves and of the noise.
        seconds: How long the goal moves about, s.
        period: Time between two actions, s.
        horizon: Actions in a chunk.

    Attributes:
        home: Where everything begins [7], rad.
    """

    def __init__(
        self, seed: int, *, seconds: float, period: float = 1.0 / 15.0, horizon: int = 16
    ) -> None:
        rng = np.random.default_rng(seed)
        self.home = _HOME
        self._seed, self._period, self._horizon = seed, period, horizon
        count = max(1, int(seconds / 2.0))
        self._moves_at = np.sort(rng.uniform(1.0, max(seconds, 1.5), count))
        self._moves = rng.normal(0.0, 0.03, (count, len(_HOME)))
        times = period * np.arange(horizon)
        self._covariance = _matern(times[:, None] - times)

    def truth(self, times: Array, *, seen: float | None = None) -> Array:
        """Return where the arm should be at times [N] (s); [N, 7], rad.

        Args:
            times: From the start, s.
            seen: Moves of the goal that begin later than this are not known; None: all are, s.
        """
        grown = (1.0 - np.exp(-times))[:, None] ** 3
        path = _HOME + 0.15 * grown * np.sin(1.2 * times[:, None] + np.arange(7) / 3)
        for begin, move in zip(self._moves_at, self._moves, strict=True):
            if seen is None or begin <= seen:
                u = np.clip((times - begin) / 0.6, 0.0, 1.0)[:, None]
                path = path + move * (10 * u**3 - 15 * u**4 + 6 * u**5)
        return path

    def chunk(self, request: Request) -> Array:
        """Sample a chunk [horizon, 7], rad."""
        times: Array = request.time + self._period * np.arange(self._horizon, dtype=float)
        path = self.truth(times, seen=request.time)
        rng = np.random.default_rng((self._seed, request.number))
        draw = rng.normal(size=(self._horizon, path.shape[1]))
        rows, variance = self._conditions(request)
        if not len(rows):
            return np.asarray(path + _root(self._covariance) @ draw)
        wanted = request.committed[rows] - path[rows]
        between = self._covariance[:, rows]
        gain = between @ np.linalg.inv(self._covariance[np.ix_(rows, rows)] + np.diag(variance))
        left = self._covariance - gain @ between.T
        sampled = path + gain @ wanted + _root(left) @ draw
        sampled[: request.frozen] = request.committed[: request.frozen]
        return np.asarray(sampled)

    def _conditions(self, request: Request) -> tuple[NDArray[np.int64], Array]:
        """Return which actions are conditioned on, and how loosely: variance, rad^2."""
        if request.continuation is Continuation.NONE:
            return np.empty(0, dtype=np.int64), np.empty(0)
        count = min(request.frozen, self._horizon)
        if request.continuation is Continuation.PREFIX:
            return np.arange(count), np.full(count, _EXACT**2)
        weights = guidance_weights(count, min(len(request.committed), self._horizon), self._horizon)
        rows = np.flatnonzero(weights > 1e-3)
        return rows, _EXACT**2 + _SPREAD**2 * (1.0 / weights[rows] - 1.0)


def guidance_weights(frozen: int, known: int, horizon: int) -> Array:
    """Return the soft mask of real-time chunking [horizon] (RTC, eq. 5): 1, then falling to 0.

    Args:
        frozen: Actions that cannot be changed any more.
        known: Actions that the old plan still tells.
        horizon: Actions in a chunk.
    """
    index = np.arange(horizon)
    falling = np.clip((frozen - 1 - index) / (known - frozen + 1) + 1.0, 0.0, 1.0)
    weights = falling * np.expm1(falling) / (np.e - 1.0)
    weights[index >= known] = 0.0
    return np.asarray(weights)


def _matern(distance: Array) -> Array:
    # Matern 5/2: twice differentiable, as a trained policy's chunks look.
    scaled = np.sqrt(5.0) * np.abs(distance) / _LENGTH
    return np.asarray(_SPREAD**2 * (1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled))


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
