"""How a task of the action `execute_task` ends: a code and words. No ROS."""

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """Error codes of dust_msgs/ExecuteTask."""

    NONE = 0
    UNKNOWN = 1
    INVALID_GOAL = 10
    BUSY = 11
    TIMEOUT = 12
    CANCELED = 13
    NO_FEATURES = 20
    NO_JOINT_STATES = 21
    EXECUTOR_UNAVAILABLE = 30
    EXECUTOR_STOPPED = 31
    MODEL_FAILED = 40
    NOT_ACTIVE = 41
    SURPRISED = 42


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a task ends.

    Attributes:
        code: What happened.
        text: In words, with the remedy; empty when all went well.
    """

    code: Code
    text: str = ""
