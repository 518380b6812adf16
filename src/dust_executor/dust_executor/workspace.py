"""A box that the hand stays in, and a speed that it keeps to; optional."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_executor.quintic import States, Times, sample_pieces
from dust_node.fr3_kinematics import JOINTS, hand_motion, hand_position

_STEP = 2e-3
# Between two samples the hand gets no further than this beyond them: the path bends by at most
# a dt^2 / 8, the speed by at most j dt^2 / 8, with a < 50 m/s^2 and j < 20000 m/s^3.
_BETWEEN = 5e-5
_BETWEEN_SPEED = 0.01
_AXES = "xyz"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """Where the point between the finger tips may be, in the base frame.

    Attributes:
        enabled: Whether it is looked at.
        lower: Smallest x, y, z, m.
        upper: Largest x, y, z, m.
        speed: Largest speed, m/s.

    Raises:
        ValueError: The box is empty or not a box.
    """

    enabled: bool = False
    lower: tuple[float, ...] = (0.1, -0.6, 0.01)
    upper: tuple[float, ...] = (0.8, 0.6, 0.9)
    speed: float = 1.0

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            value = tuple(float(number) for number in getattr(self, name))
            if len(value) != 3:
                raise ValueError(f"workspace.{name} needs 3 numbers (x, y, z), not {len(value)}")
            object.__setattr__(self, name, value)
        for axis, low, high in zip(_AXES, self.lower, self.upper, strict=True):
            if not high - low > 2.0 * _BETWEEN:
                raise ValueError(
                    f"workspace.lower ({axis} {low:g} m) must be below "
                    f"workspace.upper ({axis} {high:g} m)"
                )
        if not self.speed > _BETWEEN_SPEED:
            raise ValueError(f"workspace.speed ({self.speed:g} m/s) is too small to move at all")


class Workspace:
    """Checks postures and motions against the box and the speed.

    Args:
        settings: Where the hand may be.
    """

    def __init__(self, settings: WorkspaceSettings) -> None:
        self.settings = settings
        self._lower = np.array(settings.lower) + _BETWEEN
        self._upper = np.array(settings.upper) - _BETWEEN

    def violation(self, times: Times, states: States) -> str:
        """Tell how the pieces between the knots [K, 3, J] at times [K] (ns) break the limits.

        Returns:
            The first excess in words; empty when every sample is inside.
        """
        samples = sample_pieces(times, states, step=_STEP)
        position, velocity = hand_motion(samples[0], samples[1])
        outside = self._outside(position.reshape(-1, 3))
        if outside:
            return outside
        fastest = float(np.sqrt(np.max(np.sum(velocity**2, axis=-1))))
        if not fastest <= self.settings.speed - _BETWEEN_SPEED:
            return (
                f"the hand would move at {fastest:.2f} m/s; "
                f"workspace.speed is {self.settings.speed:g} m/s"
            )
        return ""

    def leading(self, positions: NDArray[np.float64], first: int) -> int:
        """Return how many leading postures may be kept so that all from `first` on are inside.

        Args:
            positions: Postures [k, 7], rad.
            first: Postures before it are past.
        """
        hand = hand_position(positions[first:])
        inside = np.all((hand >= self._lower) & (hand <= self._upper), axis=1)
        return len(positions) if inside.all() else first + int(np.argmin(inside))

    def defect(self, position: NDArray[np.float64]) -> str:
        """Return how a posture [7] is outside the box; empty when it is inside."""
        return self._outside(hand_position(position)[None])

    def _outside(self, hand: NDArray[np.float64]) -> str:
        # Written so that NaN counts as outside.
        inside = (hand >= self._lower) & (hand <= self._upper)
        if inside.all():
            return ""
        sample, axis = np.unravel_index(int(np.argmin(inside)), inside.shape)
        low, high = self.settings.lower[axis], self.settings.upper[axis]
        return (
            f"the hand would be at {_AXES[axis]} = {hand[sample, axis]:.3f} m, outside the "
            f"workspace's [{low:g}, {high:g}] m"
        )


def make_workspace(settings: WorkspaceSettings, joints: int) -> Workspace | None:
    """Return the workspace; None when it is not enabled.

    Raises:
        ValueError: It is enabled for an arm whose kinematics are not known.
    """
    if not settings.enabled:
        return None
    if joints != JOINTS:
        raise ValueError(
            f"workspace.enabled needs the {JOINTS} joints of the FR3 or Panda; "
            f"joint_names has {joints}"
        )
    return Workspace(settings)
