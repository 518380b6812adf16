r"""The order of asynchronous joint sampling (section 4.3, Equation 5, Figure 3).

With N_A = 2 action steps and N_o = 6 vision steps, q = 3, in order `block_start`:

    evaluation   0    1    2    3    4    5
    tau_o       0/6  1/6  2/6  3/6  4/6  5/6
    tau_A       0/2  1/2  1/2  1/2  2/2  2/2
    vision       +    +    +    +    +    +      each by 1/6
    actions      +    .    .    +    .    .      each by 1/2

Order `block_end` moves the action updates to evaluations 2 and 5, and tau_A with them.

Whoever wants the actions alone is done with the last of their updates: evaluations 4 and 5, and
the vision update of evaluation 3, can't change them any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dust_model.config import HeadConfig, UpdateOrder, require

MAX_STEPS = 1024
"""Largest number of denoising steps of either stream."""


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation of the network and the Euler updates that follow it.

    Attributes:
        tau_action: noise level of the actions at the evaluation, 0 = noise, 1 = data.
        tau_vision: noise level of the vision tokens at the evaluation.
        action_stride: Delta tau_A of the update, 0 = the actions are held.
        vision_stride: Delta tau_o of the update, 0 = the vision tokens are held.
    """

    tau_action: float
    tau_vision: float
    action_stride: float
    vision_stride: float


@dataclass(frozen=True, slots=True)
class Plan:
    """N_A action steps and N_o vision steps as an explicit list of evaluations.

    Attributes:
        action_steps: N_A, in 1..1024.
        vision_steps: N_o = q N_A, or 0: policy mode, vision is held at pure noise.
        order: when within a block of q evaluations the actions are updated.
        future: whether vision is wanted too; without, the plan ends with the last action update.

    Raises:
        ValueError: a count is out of range, or N_o is no multiple of N_A.
    """

    action_steps: int
    vision_steps: int
    order: UpdateOrder = UpdateOrder.BLOCK_START
    future: bool = True

    def __post_init__(self) -> None:
        require(
            1 <= self.action_steps <= MAX_STEPS,
            f"action_steps must lie in 1..{MAX_STEPS}, got {self.action_steps}",
        )
        require(
            0 <= self.vision_steps <= MAX_STEPS,
            f"vision_steps must lie in 0..{MAX_STEPS}, got {self.vision_steps}",
        )
        require(
            self.vision_steps % self.action_steps == 0,
            f"vision_steps={self.vision_steps} must be a multiple of action_steps="
            f"{self.action_steps}, or 0 for policy mode",
        )

    @property
    def q(self) -> int:
        """Vision updates per action update; 1 in policy mode."""
        return max(1, self.vision_steps // self.action_steps)

    @property
    def evaluations(self) -> int:
        """How often the network is evaluated: N_o, or N_A in policy mode; less without future."""
        whole = self.action_steps * self.q
        return whole if self.future else whole - self.q + self._due + 1

    def __iter__(self) -> Iterator[Step]:
        """Yield the evaluations in order."""
        updates = 0
        for n in range(self.evaluations):
            moves = n % self.q == self._due
            sees = self.vision_steps > 0 and (self.future or n + 1 < self.evaluations)
            yield Step(
                tau_action=updates / self.action_steps,
                tau_vision=n / self.vision_steps if self.vision_steps else 0.0,
                action_stride=1 / self.action_steps if moves else 0.0,
                vision_stride=1 / self.vision_steps if sees else 0.0,
            )
            updates += moves

    @property
    def _due(self) -> int:
        """Return which evaluation of a block updates the actions."""
        return 0 if self.order is UpdateOrder.BLOCK_START else self.q - 1


def fitting_plan(
    head: HeadConfig, action_steps: int, vision_steps: int, *, future: bool = True
) -> Plan:
    """Return the plan of a head, in the head's update order, with or without the end of vision.

    A head that predicts no vision (groot_n1, flare) has no vision steps: whatever is asked for
    is taken as 0. A head that learned with joint noise follows one noise level only.

    Raises:
        ValueError: a count is out of range, N_o is no multiple of N_A, or N_o differs from N_A
            where the head learned with joint noise.
    """
    plan = Plan(action_steps, vision_steps, head.update_order, future)
    if not head.architecture.predicts_vision:
        return replace(plan, vision_steps=0)
    require(
        vision_steps == action_steps or not head.architecture.joint_noise,
        f"architecture={head.architecture} learned with one noise level for actions and vision: "
        f"vision_steps={vision_steps} must equal action_steps={action_steps}",
    )
    return plan
