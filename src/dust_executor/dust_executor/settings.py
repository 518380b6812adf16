"""Everything about the executor that can be chosen, as one value."""

from dataclasses import dataclass, field

from dust_executor.chunk import ChunkRules
from dust_executor.gripper import GripperSettings
from dust_executor.lead import LeadSettings
from dust_executor.limits import Limits, Shares
from dust_executor.merge import MergeSettings
from dust_executor.planner import PlanSettings
from dust_executor.watchdog import WatchdogSettings
from dust_executor.workspace import WorkspaceSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be chosen.

    Attributes:
        limits: The arm's hard limits.
        rules: What chunks have to keep to.
        shares: Share of the limits that is planned with.
        plan: How chunks are spliced.
        lead: How far ahead of now.
        merge: What the arm is to follow where chunks overlap.
        workspace: Where the hand may be.
        watchdog: When to stop.
        gripper: When gripper commands become goals.
        overlap: How far before now a published trajectory begins, s.
        settle: Time in which the controller moves from its own command to the first plan, s.
        start_tolerance: A plan at rest this close to the measured arm is taken up again, rad.
    """

    limits: Limits
    rules: ChunkRules
    shares: Shares = field(default_factory=Shares)
    plan: PlanSettings = field(default_factory=PlanSettings)
    lead: LeadSettings = field(default_factory=LeadSettings)
    merge: MergeSettings = field(default_factory=MergeSettings)
    workspace: WorkspaceSettings = field(default_factory=WorkspaceSettings)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    gripper: GripperSettings = field(default_factory=GripperSettings)
    overlap: float = 0.04
    settle: float = 0.2
    start_tolerance: float = 0.02
