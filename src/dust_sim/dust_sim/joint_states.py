"""Joint states on their way out, whole or damaged as the faults of the moment want it, without ROS.

arrives                  leaves
0  1  2  3  4  5         0  1  2  3  4  5      no fault
0  1  2  3  4  5            1 0   3 2   5 4    joint_states_reorder, joints in reverse order too
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dust_sim.faults import JointStateFaults
from dust_sim.trajectory import Array


@dataclass(frozen=True, slots=True)
class JointRow:
    """What one message tells.

    Attributes:
        stamp_ns: When it was measured. Unit: ns.
        names: Joints.
        positions: One per joint. Unit: rad, fingers m.
        velocities: One per joint. Unit: rad/s, fingers m/s.
        efforts: One per joint, or None. Unit: N m, fingers N.
    """

    stamp_ns: int
    names: tuple[str, ...]
    positions: Array
    velocities: Array
    efforts: Array | None = None

    def only(self, columns: Sequence[int]) -> "JointRow":
        """Return the row with these joints, in this order."""
        return replace(
            self,
            names=tuple(self.names[column] for column in columns),
            positions=self.positions[columns],
            velocities=self.velocities[columns],
            efforts=None if self.efforts is None else self.efforts[columns],
        )


class JointStateFeed:
    """One topic's joint states.

    Args:
        send: Publishes a row.
    """

    def __init__(self, send: Callable[[JointRow], None]) -> None:
        self._send = send
        self._held_back: JointRow | None = None

    def publish(self, row: JointRow, faults: JointStateFaults) -> None:
        """Send a row, or what the faults leave of it."""
        held_back, self._held_back = self._held_back, None
        if faults.is_silent:
            return
        row = _damaged(row, faults)
        if not faults.is_shuffled:
            self._send(row)
        elif held_back is None:
            self._held_back = row
        else:
            self._send(row)
            self._send(held_back)


def _damaged(row: JointRow, faults: JointStateFaults) -> JointRow:
    columns = [i for i, name in enumerate(row.names) if name not in faults.missing]
    if faults.is_shuffled:
        columns.reverse()
    aged = replace(row, stamp_ns=row.stamp_ns - faults.age_ns)
    return aged if columns == list(range(len(row.names))) else aged.only(columns)


def joined(arm: JointRow, fingers: JointRow) -> JointRow:
    """Return arm and fingers in one row; fingers have no efforts, zeros stand for them."""
    efforts = None
    if arm.efforts is not None:
        efforts = np.concatenate((arm.efforts, np.zeros(len(fingers.names))))
    return JointRow(
        arm.stamp_ns,
        (*arm.names, *fingers.names),
        np.concatenate((arm.positions, fingers.positions)),
        np.concatenate((arm.velocities, fingers.velocities)),
        efforts,
    )
