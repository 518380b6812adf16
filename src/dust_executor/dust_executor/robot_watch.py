"""What the robot says of itself, judged without ROS: success rate of its commands, silence.

Mode and errors are the watchdog's affair; here is what only a real arm tells.
"""

from dataclasses import dataclass

from dust_executor.quintic import NS

_MOVE = 2


@dataclass(frozen=True, slots=True)
class RobotWatchSettings:
    """When to warn and when to stop.

    Attributes:
        min_success_rate: Share of control commands that must reach the arm. Range: 0 to 1; 0: any.
        warn_success_rate: Share below which to warn. Range: 0 to 1.
        success_time: How long it may stay below `min_success_rate`, s.
        state_timeout: Longest silence of a robot that has spoken at its own rate, s.
    """

    min_success_rate: float = 0.9
    warn_success_rate: float = 0.95
    success_time: float = 0.5
    state_timeout: float = 1.0


class RobotWatch:
    """Remembers what the robot said.

    Args:
        settings: When to warn and when to stop.

    Attributes:
        success_rate: Newest share of control commands that reached the arm; NaN: none was told.
    """

    def __init__(self, settings: RobotWatchSettings | None = None) -> None:
        self.settings = settings or RobotWatchSettings()
        self.success_rate = float("nan")
        self._below_since: int | None = None
        self._newest = 0
        self._speaks_at: int | None = None

    def hear(self, mode: int, success_rate: float, now: int, *, steady: bool = False) -> None:
        """Take in a state.

        Args:
            mode: Value of robot_mode.
            success_rate: control_command_success_rate. libfranka says 0 while no loop runs: then
                it says nothing.
            now: When it arrived, ns.
            steady: Whether the robot speaks all the time, so that its silence means something.
        """
        if steady:
            self._speaks_at = now
        if now < self._newest:
            self._below_since = None
        self._newest = now
        runs = mode == _MOVE and success_rate > 0.0
        self.success_rate = success_rate if runs else float("nan")
        if not runs or success_rate >= self.settings.min_success_rate:
            self._below_since = None
        elif self._below_since is None:
            self._below_since = now

    def fault(self, now: int) -> str:
        """Return why the arm must stop; empty when it may go on."""
        settings = self.settings
        if self._speaks_at is not None:
            silence = (now - self._speaks_at) / NS
            if silence > settings.state_timeout:
                return f"the robot has said nothing of its state for {silence:.1f} s"
        since = self._below_since
        if since is not None and self._newest - since >= settings.success_time * NS:
            return (
                f"only {self.success_rate:.0%} of the control commands reach the arm, "
                f"at least {settings.min_success_rate:.0%} must"
            )
        return ""

    def warning(self) -> str:
        """Return what gets worse, before it is a fault; empty when nothing does."""
        if self.success_rate < self.settings.warn_success_rate:
            return f"{self.success_rate:.0%} of the control commands reach the arm"
        return ""
