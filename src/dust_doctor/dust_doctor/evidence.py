"""What was heard from a running graph: pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class Stream:
    """The messages of one topic.

    Attributes:
        topic: Its full name.
        stamps: Stamp of each message. Unit: s.
        ages: Time from stamp to arrival of each message. Unit: s; negative: from the future.
        size: Mean size of a message's data. Unit: bytes.
        form: What an image is: encoding or compression; empty for others.
        width: Of an image. Unit: px; 0: not known.
        height: Of an image. Unit: px; 0: not known.
        silence: From the last message to the end of listening. Unit: s, as the stamps count.
    """

    topic: str
    stamps: tuple[float, ...] = ()
    ages: tuple[float, ...] = ()
    size: float = 0.0
    form: str = ""
    width: int = 0
    height: int = 0
    silence: float = 0.0

    @property
    def rate(self) -> float:
        """Messages per second, by their stamps. Unit: Hz; 0 for fewer than two."""
        span = max(self.stamps) - min(self.stamps) if self.stamps else 0.0
        return (len(self.stamps) - 1) / span if span > 0 else 0.0

    @property
    def gap(self) -> float:
        """Longest time between two stamps, or the silence at the end. Unit: s."""
        between = (after - before for before, after in pairwise(sorted(self.stamps)))
        return max(self.silence, *between, 0.0)

    @property
    def age(self) -> float:
        """Median time from stamp to arrival. Unit: s; 0 for none."""
        return median(self.ages) if self.ages else 0.0

    @property
    def bandwidth(self) -> float:
        """Data per second. Unit: bytes/s."""
        return self.rate * self.size


@dataclass(frozen=True, slots=True)
class RobotReport:
    """What the arm said of itself.

    Attributes:
        topic: Where it said so.
        modes: Values of robot_mode that were heard, in order, repetitions left out.
        errors: Names of the errors that were current at the end.
        success_rates: Share of control commands that arrived, each Range: 0 to 1.
    """

    topic: str
    modes: tuple[int, ...] = ()
    errors: tuple[str, ...] = ()
    success_rates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutorReport:
    """What the executor said last.

    Attributes:
        mode: Value of ExecutorState.mode.
        reason: Why it is in this mode.
        task_id: Task that is running; empty: none.
    """

    mode: int
    reason: str = ""
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller of ros2_control.

    Attributes:
        name: Its name.
        state: Such as active or inactive.
        interfaces: Command interfaces that it has claimed, such as fr3_joint1/effort.
    """

    name: str
    state: str
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphEvidence:
    """What was heard.

    Attributes:
        seconds: How long was listened. Unit: s.
        simulated_time: Whether /clock was followed.
        nodes: Full names of the nodes, one entry for each node.
        publishers: Names of the nodes that publish a topic; topics relative, as in Wishes.
        hashes: For a topic, which node takes its type for which hash.
        cameras: What each view sent, by name; absent: nothing.
        joint_states: Joint states, None: nothing.
        joint_names: Joints in joint_states.
        robot: What the arm said; None: nothing.
        executor: What the executor said; None: nothing.
        controllers: Controllers of ros2_control; None: not asked, or no answer.
        stamped: Other streams whose stamps were compared with the time here.
        parameters: Parameters of running nodes that were asked for, such as dust_policy.checkpoint.
    """

    seconds: float
    simulated_time: bool = False
    nodes: tuple[str, ...] = ()
    publishers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hashes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cameras: Mapping[str, Stream] = field(default_factory=dict)
    joint_states: Stream | None = None
    joint_names: tuple[str, ...] = ()
    robot: RobotReport | None = None
    executor: ExecutorReport | None = None
    controllers: tuple[Controller, ...] | None = None
    stamped: tuple[Stream, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_simulated_cell(self) -> bool:
        """Whether the simulated cell runs in it."""
        return any(name.rsplit("/", 1)[-1] == "dust_sim" for name in self.nodes)
