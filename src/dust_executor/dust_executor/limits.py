"""Joint limits of the arms, and the shares of them that are planned with.

Sources: Franka's FR3 and Panda limit tables (robot specifications of the FCI documentation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

JOINTS = 7

ROUNDING = 1e-9
"""How far outside a limit counts as inside, relative to 1 + the limit."""

# The robot's own position-dependent speed limits; they also cut the corners of the rectangular set.
_FR3_SPEED: Mapping[str, Sequence[float]] = {
    "velocity_offset": (0.6599, 0.2517, 0.2000, 0.3533, 0.5757, 0.4878, 0.4628),
    "deceleration": (6.0, 2.585, 3.5, 4.0, 17.0, 5.5, 17.0),
    "reach_lower": (-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159),
    "reach_upper": (2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159),
}

_TABLES: Mapping[str, Mapping[str, Sequence[float]]] = {
    "fr3_rectangular": {
        "lower": (-2.3476, -1.5454, -2.4937, -2.7714, -2.5100, 0.7773, -2.7045),
        "upper": (2.3476, 1.5454, 2.4937, -0.4226, 2.5100, 4.2841, 2.7045),
        "velocity": (2.0, 1.0, 1.5, 1.25, 3.0, 1.5, 3.0),
        "acceleration": (10.0,) * 7,
        "jerk": (5000.0,) * 7,
        **_FR3_SPEED,
    },
    "fr3_position_dependent": {
        "lower": _FR3_SPEED["reach_lower"],
        "upper": _FR3_SPEED["reach_upper"],
        "velocity": (2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26),
        "acceleration": (10.0,) * 7,
        "jerk": (5000.0,) * 7,
        **_FR3_SPEED,
    },
    "panda": {
        "lower": (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
        "upper": (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
        "velocity": (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
        "acceleration": (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0),
        "jerk": (7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0),
    },
}

SETS = tuple(_TABLES)
"""Names of the limit sets that are built in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the arm must never exceed; every field is [J].

    Attributes:
        lower: Smallest position, rad.
        upper: Largest position, rad.
        velocity: Largest speed, rad/s.
        acceleration: Largest acceleration, rad/s^2.
        jerk: Largest jerk, rad/s^3.
        velocity_offset: Offset of the position-dependent speed limit, rad/s.
        deceleration: Deceleration of the position-dependent speed limit, rad/s^2; 0: the speed
            limit does not depend on position.
        reach_lower: Lower position that the position-dependent speed limit counts from, rad.
        reach_upper: Upper position that it counts from, rad.
        depends_on_position: Whether any joint's speed limit depends on its position.

    Raises:
        ValueError: Sizes differ, a range is empty, or a limit is not positive and finite.
    """

    lower: Vector
    upper: Vector
    velocity: Vector
    acceleration: Vector
    jerk: Vector
    velocity_offset: Vector
    deceleration: Vector
    reach_lower: Vector
    reach_upper: Vector
    depends_on_position: bool = field(init=False)
    _grown: Vector = field(init=False, repr=False)
    _least: Vector = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in (given.name for given in fields(self) if given.init):
            value = np.array(getattr(self, name), dtype=float)
            if value.shape != np.shape(self.lower) or not np.all(np.isfinite(value)):
                raise ValueError(f"limit '{name}' needs {np.size(self.lower)} finite numbers")
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        if not np.all(self.lower < self.upper):
            raise ValueError("every lower position limit must be below the upper one")
        for name in ("velocity", "acceleration", "jerk"):
            if not np.all(getattr(self, name) > 0):
                raise ValueError(f"limit '{name}' must be positive for every joint")
        if np.any(self.velocity_offset < 0) or np.any(self.deceleration < 0):
            raise ValueError("limits 'velocity_offset' and 'deceleration' must not be negative")
        depends = self.deceleration > 0
        object.__setattr__(self, "depends_on_position", bool(depends.any()))
        object.__setattr__(self, "_grown", 2.0 * self.deceleration)
        object.__setattr__(self, "_least", np.where(depends, 0.0, self.velocity))

    def velocity_bounds(self, position: Vector) -> tuple[Vector, Vector]:
        """Return smallest and largest velocity at a position, both of its shape [..., J]; rad/s."""
        if not self.depends_on_position:
            return -self.velocity, self.velocity
        return self.slowest(position), self.fastest(position)

    def slowest(self, position: Vector) -> Vector:
        """Return the smallest velocity at a position [..., J]; rad/s, at most 0."""
        return -self._reach(position - self.reach_lower)

    def fastest(self, position: Vector) -> Vector:
        """Return the largest velocity at a position [..., J]; rad/s, at least 0."""
        return self._reach(self.reach_upper - position)

    def dead_zone(self) -> Vector:
        """Return how close to its position limits each joint [J] must not move outwards; rad."""
        braking = np.where(self.deceleration > 0, self.deceleration, 1.0)
        zone = np.where(self.deceleration > 0, self.velocity_offset**2 / (2.0 * braking), 0.0)
        spare = np.minimum(self.lower - self.reach_lower, self.reach_upper - self.upper)
        return np.maximum(0.0, zone - spare)

    def _reach(self, room: Vector) -> Vector:
        root = np.sqrt(np.maximum(0.0, self._grown * room)) - self.velocity_offset
        return np.minimum(self.velocity, np.maximum(self._least, root))


def named(name: str) -> Limits:
    """Return a built-in set: one of `SETS`.

    Raises:
        ValueError: No such set.
    """
    if name not in _TABLES:
        raise ValueError(f"limit set '{name}' is unknown; choose one of {', '.join(SETS)}")
    table = _TABLES[name]
    constant = {
        "velocity_offset": (0.0,) * JOINTS,
        "deceleration": (0.0,) * JOINTS,
        "reach_lower": table["lower"],
        "reach_upper": table["upper"],
    }
    return Limits(**{field: np.array(row) for field, row in {**constant, **table}.items()})


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of each limit is planned with. Unit: 1.

    Attributes:
        velocity: Of the speed limits. Range: > 0 to 1.
        acceleration: Of the acceleration limits. Range: > 0 to 1.
        jerk: Of the jerk limits. Range: > 0 to 1.
    """

    velocity: float = 0.9
    acceleration: float = 0.8
    jerk: float = 0.2

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not 0.0 < value <= 1.0:
                raise ValueError(f"share of {name} is {value}; it must be above 0 and at most 1")

    def at_most(self, other: "Shares") -> "Shares":
        """Return the smaller one of each share."""
        return Shares(
            **{name: min(getattr(self, name), getattr(other, name)) for name in self.__slots__}
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """Limits that a piece of plan is checked against, all [J]: scaled bounds over hard limits.

    Attributes:
        hard: The arm's limits; positions are checked against them.
        velocity_share: Share of the position-dependent speed limits. Unit: 1.
        velocity: Largest speed, rad/s.
        acceleration: Largest acceleration, rad/s^2.
        jerk: Largest jerk, rad/s^3.
        least: Smallest position, velocity, acceleration, jerk [4, J], rounding included.
        most: The largest ones [4, J].
    """

    hard: Limits
    velocity_share: float
    velocity: Vector
    acceleration: Vector
    jerk: Vector
    least: Vector = field(init=False)
    most: Vector = field(init=False)

    def __post_init__(self) -> None:
        rates = [self.velocity, self.acceleration, self.jerk]
        most = np.stack([self.hard.upper, *rates])
        slack = ROUNDING * (1.0 + np.abs(most))
        least = np.stack([self.hard.lower, *(-rate for rate in rates)])
        object.__setattr__(self, "least", least - slack)
        object.__setattr__(self, "most", most + slack)


def envelope(limits: Limits, shares: Shares, *, stop_time: float | None = None) -> Envelope:
    """Scale limits by shares.

    Args:
        limits: Hard limits.
        shares: Share of each.
        stop_time: When given, speeds are also bounded so that the arm can come to rest in this time
            (s) with the scaled acceleration and jerk.
    """
    acceleration = limits.acceleration * shares.acceleration
    jerk = limits.jerk * shares.jerk
    velocity = limits.velocity * shares.velocity
    if stop_time is not None:
        # Ramp-in from full acceleration the other way, then the trapezoid: 3 ramps in all.
        braking = np.maximum(stop_time - 3.0 * acceleration / jerk, 0.25 * stop_time)
        velocity = np.minimum(velocity, acceleration * braking)
    return Envelope(limits, shares.velocity, velocity, acceleration, jerk)
