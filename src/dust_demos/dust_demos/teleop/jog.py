"""Cartesian jog: the hand's velocity in, joint positions out.

The hand's target pose is carried along with the wanted velocity, and damped least squares (Wampler
1986) bring the joints to it. As a seventh equation the angle of joint 3 is led to `elbow`, so that
a posture depends on the pose more than on the way there; joints near their limits weigh more, so
that others take over (weighted least norm: Chan, Dubey 1995). Whatever is asked for: joints keep to
their ranges and speeds, and the hand stays in its box.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dust_demos.teleop import fr3
from dust_demos.teleop.rotation import to_matrix, to_vector
from dust_node.fr3_kinematics import HandPose, hand_pose

Array = NDArray[np.float64]

_REST = 1e-6
"""Velocities below it (m/s, rad/s) are none."""

_LEASH = (0.005, 0.03)
"""How far the target may run ahead of the hand (m, rad) where joints or box hold it back."""

_DAMPING = np.array([2e-4] * 6 + [0.05])
"""Of the hand's six equations, and of the elbow's, which gives way to them."""

_ELBOW_GAIN = 1.0  # 1/s
_HIGHEST_WEIGHT = 50.0


def _array(*values: float) -> Array:
    return np.array(values, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Box:
    """Where the hand may be, in the base frame.

    Attributes:
        lower: Smallest x, y, z [3], m.
        upper: Largest x, y, z [3], m.

    Raises:
        ValueError: It is empty.
    """

    lower: Array = field(default_factory=lambda: _array(0.2, -0.55, 0.01))
    upper: Array = field(default_factory=lambda: _array(0.8, 0.55, 0.8))

    def __post_init__(self) -> None:
        if self.lower.shape != (3,) or self.upper.shape != (3,) or np.any(self.lower >= self.upper):
            raise ValueError(
                f"the box from {self.lower.tolist()} to {self.upper.tolist()} m is empty or has "
                "not 3 sides: each lower side must be below the upper one"
            )

    def widened_to(self, position: Array) -> "Box":
        """Return the smallest box around it in which a hand that is outside may come back."""
        return Box(np.minimum(self.lower, position), np.maximum(self.upper, position))

    def holds(self, position: Array) -> bool:
        """Return whether a position [3] is inside."""
        return bool(np.all(position >= self.lower) and np.all(position <= self.upper))


@dataclass(frozen=True, slots=True)
class JogSettings:
    """How the hand is jogged.

    Attributes:
        in_hand_frame: Whether directions are the hand's instead of the base's.
        linear_speed: At full deflection, m/s.
        angular_speed: At full deflection, rad/s.
        linear_acceleration: With which the hand's velocity changes, m/s^2.
        angular_acceleration: With which its angular velocity changes, rad/s^2.
        box: Where the hand may be.
        elbow: Angle that joint 3 is led to while the hand moves, rad.
        lower: Lower end of the joints' ranges [7], rad.
        upper: Upper end of the joints' ranges [7], rad.
        joint_speed: Highest joint speeds [7], rad/s.
        joint_deceleration: With which joints come to rest before their ends, rad/s^2.
    """

    in_hand_frame: bool = False
    linear_speed: float = 0.15
    angular_speed: float = 0.6
    linear_acceleration: float = 0.6
    angular_acceleration: float = 2.4
    box: Box = field(default_factory=Box)
    elbow: float = 0.0
    lower: Array = field(default_factory=lambda: fr3.LOWER + 0.02)
    upper: Array = field(default_factory=lambda: fr3.UPPER - 0.02)
    joint_speed: Array = field(default_factory=lambda: 0.5 * fr3.SPEED)
    joint_deceleration: float = 3.0


@dataclass(frozen=True, slots=True)
class JogState:
    """A jogged arm at one moment.

    Attributes:
        joints: Positions [7], rad.
        rates: Velocity of the hand [6]: linear (m/s) above angular (rad/s), in the base frame.
        pose: Where the hand is.
        position: Where the hand should be [3], m.
        rotation: How it should be turned [3, 3].
    """

    joints: Array
    rates: Array
    pose: HandPose
    position: Array
    rotation: Array


class Jog:
    """Moves the hand with the velocity that `motion` asks for.

    Args:
        settings: How the hand is jogged.

    Attributes:
        motion: Shares of full speed [6] in -1 to 1; x, y, z, roll, pitch, yaw.
    """

    def __init__(self, settings: JogSettings | None = None) -> None:
        self.settings = settings or JogSettings()
        self.motion: Array = np.zeros(6)

    def begin(self, joints: Array) -> JogState:
        """Return the arm at rest at joint positions [7] (rad)."""
        pose = hand_pose(joints)
        return JogState(joints, np.zeros(6), pose, pose.position, pose.rotation)

    def step(self, state: JogState, seconds: float, rates: Array | None = None) -> JogState:
        """Return the arm a moment later.

        Args:
            state: The arm now.
            seconds: Time until then, s.
            rates: Velocity of the hand [6] to keep to instead of `motion` (braking).
        """
        wanted = self._accelerated(state, seconds) if rates is None else rates
        wanted = self._before_walls(wanted, state.pose.position, seconds) * _slack(state, wanted)
        if float(np.max(np.abs(wanted))) < _REST:
            return self.begin(state.joints)
        position = state.position + wanted[:3] * seconds
        rotation = to_matrix(wanted[3:] * seconds) @ state.rotation
        step = self._joint_step(state, position, rotation, wanted, seconds)
        joints, pose = self._inside(state, step)
        return _leashed(joints, pose, wanted, position, rotation)

    def _accelerated(self, state: JogState, seconds: float) -> Array:
        """Return the velocity [6] a moment later: towards the one that is asked for."""
        settings = self.settings
        asked = np.clip(self.motion, -1.0, 1.0).reshape(2, 3)
        if settings.in_hand_frame:
            asked = asked @ state.pose.rotation.T
        result = state.rates.copy().reshape(2, 3)
        for row, speed, acceleration in (
            (0, settings.linear_speed, settings.linear_acceleration),
            (1, settings.angular_speed, settings.angular_acceleration),
        ):
            change = _shortened(asked[row], 1.0) * speed - result[row]
            result[row] += _shortened(change, acceleration * seconds)
        return result.ravel()

    def _before_walls(self, rates: Array, position: Array, seconds: float) -> Array:
        """Slow the hand down before the box's sides, and hold it at them."""
        box, braking = self.settings.box, self.settings.linear_acceleration
        up = _stoppable(box.upper - position, braking, seconds)
        down = _stoppable(position - box.lower, braking, seconds)
        return np.concatenate([np.clip(rates[:3], -down, up), rates[3:]])

    def _joint_step(
        self, state: JogState, position: Array, rotation: Array, rates: Array, seconds: float
    ) -> Array:
        """Return the change of the joints [7] that brings the hand closest to its target."""
        settings, pose = self.settings, state.pose
        speeds = settings.linear_speed, settings.angular_speed
        share = min(1.0, _norm(rates[:3]) / speeds[0] + _norm(rates[3:]) / speeds[1])
        error = np.empty(7)
        error[:3] = position - pose.position
        error[3:6] = to_vector(rotation @ pose.rotation.T)
        error[6] = _ELBOW_GAIN * share * seconds * (settings.elbow - state.joints[2])
        matrix = np.zeros((7, 7))
        matrix[:6] = pose.jacobian
        matrix[6, 2] = 1.0
        step = _least_squares(matrix, error, np.ones(7))
        # Once more, with joints that go towards their ends less willing.
        step = _least_squares(matrix, error, self._weights(state.joints, step))
        return self._within_speed(step, state.joints, seconds)

    def _weights(self, joints: Array, step: Array) -> Array:
        """Return how unwillingly each joint moves: 1, and more where a step nears its end."""
        settings = self.settings
        span = settings.upper - settings.lower
        below = np.maximum(joints - settings.lower, 1e-3)
        above = np.maximum(settings.upper - joints, 1e-3)
        slope = (span / (below * above)) ** 2 * (below - above) / 4
        return np.minimum(1.0 + np.maximum(0.0, slope * np.sign(step)), _HIGHEST_WEIGHT)

    def _within_speed(self, step: Array, joints: Array, seconds: float) -> Array:
        """Shorten a change of the joints until each keeps to its speed, also before its ends."""
        settings = self.settings
        room = np.where(step > 0, settings.upper - joints, joints - settings.lower)
        bound = _stoppable(room, settings.joint_deceleration, seconds)
        most = np.minimum(settings.joint_speed, bound) * seconds
        excess = float(np.max(np.abs(step) / np.maximum(most, 1e-9)))
        return step / max(1.0, excess)

    def _inside(self, state: JogState, step: Array) -> tuple[Array, HandPose]:
        """Take a step, or as much of it as leaves joints and hand where they may be."""
        settings, box = self.settings, self.settings.box.widened_to(state.pose.position)
        # Joints that start outside may come back, not go further.
        lower = np.minimum(settings.lower, state.joints)
        upper = np.maximum(settings.upper, state.joints)
        for share in (1.0, 0.5, 0.25):
            joints = np.clip(state.joints + share * step, lower, upper)
            pose = hand_pose(joints)
            if box.holds(pose.position):
                return joints, pose
        return state.joints, state.pose


def _least_squares(matrix: Array, error: Array, weights: Array) -> Array:
    """Return the smallest weighted change of the joints [7] that mends an error [7], damped."""
    eased = matrix.T / weights[:, None]
    return np.asarray(eased @ np.linalg.solve(matrix @ eased + np.diag(_DAMPING), error))


def _leashed(
    joints: Array, pose: HandPose, rates: Array, position: Array, rotation: Array
) -> JogState:
    """Return a state whose target is no further from the hand than a leash."""
    position = pose.position + _shortened(position - pose.position, _LEASH[0])
    turn = _shortened(to_vector(rotation @ pose.rotation.T), _LEASH[1])
    return JogState(joints, rates, pose, position, to_matrix(turn) @ pose.rotation)


def _slack(state: JogState, rates: Array) -> float:
    """Return the share of a velocity at which the hand keeps up with its target.

    A hand that is held back by a joint's end stops there, instead of giving way to the side.
    """
    share = 1.0
    behind = (
        state.position - state.pose.position,
        to_vector(state.rotation @ state.pose.rotation.T),
    )
    for error, rate, leash in zip(behind, (rates[:3], rates[3:]), _LEASH, strict=True):
        if error @ rate > 0:
            share = min(share, max(0.0, 1.0 - _norm(error) / leash))
    return share


def _stoppable(room: Array, deceleration: float, seconds: float) -> Array:
    """Return the speed at which something still stops within its room, sampled every `seconds`."""
    room = np.maximum(0.0, room)
    return np.minimum(np.sqrt(2.0 * deceleration * room), room / seconds)


def _norm(vector: Array) -> float:
    return math.sqrt(float(vector @ vector))


def _shortened(vector: Array, length: float) -> Array:
    """Return a vector cut to a length."""
    size = _norm(vector)
    return vector if size <= length else vector * (length / size)
