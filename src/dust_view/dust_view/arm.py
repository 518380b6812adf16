"""An arm that follows every command exactly, as the controller would have it."""

from dataclasses import dataclass

import numpy as np

from dust_view.trajectory import Array, Times, Trajectory, milliseconds


@dataclass(frozen=True, slots=True)
class TakeOver:
    """One trajectory replaced another.

    Attributes:
        time_ns: When.
        jump: Largest step of a joint's position, velocity, acceleration [3]; rad, rad/s, rad/s^2.
    """

    time_ns: int
    jump: Array


class FollowingArm:
    """Follows trajectories as the controller does, without lag; remembers each millisecond.

    Attributes:
        take_overs: What happened at each new trajectory.
    """

    def __init__(self, position: Array, *, now_ns: int) -> None:
        """Rest at a position [J], rad."""
        self._trajectory = Trajectory.at_rest(position, since_ns=now_ns)
        self._now_ns = now_ns
        self._times: list[Times] = []
        self._positions: list[Array] = []
        self.take_overs: list[TakeOver] = []

    @property
    def end_ns(self) -> int:
        """When the arm comes to rest."""
        return self._trajectory.end_ns

    def state(self) -> Array:
        """Return what is commanded now [3, J]; rad, rad/s, rad/s^2."""
        return self._at(self._now_ns)

    def planned(self, times_ns: Times) -> Array:
        """Return the positions [N, J] that the newest trajectory has at times [N]."""
        return self._trajectory.sample(times_ns)[:, 0]

    def take(self, trajectory: Trajectory) -> None:
        """Follow another trajectory from now on."""
        before = self.state()
        self._trajectory = trajectory.taken_up(self._now_ns, before)
        jump = np.abs(self.state() - before).max(axis=1)
        self.take_overs.append(TakeOver(self._now_ns, jump))

    def advance(self, now_ns: int) -> None:
        """Move on to a time; ns."""
        times = milliseconds(self._now_ns, now_ns)
        self._times.append(times)
        self._positions.append(self._trajectory.sample(times)[:, 0])
        self._now_ns = now_ns

    def commands(self) -> tuple[Times, Array]:
        """Return all that was commanded so far: times [N], 1 ms apart, and positions [N, J]."""
        joints = self._trajectory.states.shape[2]
        return (
            np.concatenate([np.empty(0, np.int64), *self._times]),
            np.concatenate([np.empty((0, joints)), *self._positions]),
        )

    def _at(self, time_ns: int) -> Array:
        return self._trajectory.sample(np.array([time_ns], dtype=np.int64))[0]
