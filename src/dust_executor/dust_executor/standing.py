"""Where the arm stands when no plan moves it, and whether a motion may begin there."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dust_executor.plan import Plan
from dust_executor.planner import Planner
from dust_executor.quintic import States
from dust_executor.watchdog import JointState


def start_defect(state: JointState, planner: Planner, names: Sequence[str]) -> str:
    """Return why no motion may begin where the arm stands; empty when one may.

    Args:
        state: The arm as measured.
        planner: Knows the limits and the workspace.
        names: Arm joints [J], for the message.
    """
    outside = planner.outside(state.position)
    if np.any(outside):
        joint = int(np.argmax(outside))
        low, high = planner.limits.lower[joint], planner.limits.upper[joint]
        return (
            f"{names[joint]} is at {state.position[joint]:.4f} rad, outside [{low:g}, {high:g}]; "
            "move the arm inside or choose another limits.set"
        )
    return planner.workspace.defect(state.position) if planner.workspace else ""


def is_near(plan: Plan, state: JointState, tolerance: float) -> bool:
    """Return whether the measured arm is where the plan rests, to a tolerance in rad."""
    return bool(np.max(np.abs(plan.states[-1, 0] - state.position)) <= tolerance)


def rest_position(plan: Plan | None, state: JointState, tolerance: float) -> NDArray[np.float64]:
    """Return the positions [J] that a motion from rest begins at, rad.

    Args:
        plan: The last plan, which has ended; None before the first.
        state: The arm as measured.
        tolerance: A plan that rests this close to it is gone on with, rad.
    """
    # The controller still commands where the last plan ended; the measured arm sags a little.
    if plan is not None and is_near(plan, state, tolerance):
        return plan.states[-1, 0]
    return state.position


def is_rest(knots: States) -> bool:
    """Return whether nothing moves between two knots [2, 3, J], or after one [1, 3, J]."""
    return not np.any(knots[:, 1:]) and bool(np.all(knots[0, 0] == knots[-1, 0]))


def rest_grip(plan: Plan | None, state: JointState) -> float:
    """Return the command to the hand that holds at rest: the last one, else as measured."""
    last = math.nan if plan is None else float(plan.grips[-1])
    return state.opening if math.isnan(last) else last
