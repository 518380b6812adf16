"""Simulated time against wall time: which steps are due, what stamps say, without ROS."""

from collections import deque
from collections.abc import Callable

STEP_NS = 1_000_000
"""Length of one simulation step. Unit: ns."""

_WINDOW_NS = 1_000_000_000  # over which the real-time factor is measured
_SHORTEST_NS = 200_000_000  # window that says something about it
_AHEAD_NS = 20_000_000  # simulated time never runs further ahead: then the wall clock was set back


class SimulationClock:
    """Counts simulation steps against a wall clock.

        wall      ----o=========================================>
                      start          stall of the machine
        simulated ----o=============|          /================>   catches up as fast as it can
                                               a stall beyond max_lag_ns is not made up for:
                      follows_wall: stamps skip ahead; else simulated time stays behind

    Where the wall clock is set back, simulation goes on; with follows_wall `settle` sets the stamps
    back as well.

    Args:
        wall_ns: Returns wall time; also the stamp of step 0. Unit: ns.
        factor: Simulated time per wall time that is wanted. Unit: 1.
        follows_wall: Stamps are those of the wall clock (other nodes use it), so that lost time has
            to be skipped; otherwise stamps count steps only (other nodes use /clock).
        max_lag_ns: Longest delay that is made up for. Unit: ns.

    Raises:
        ValueError: Stamps cannot follow the wall clock at another factor than 1.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int],
        *,
        factor: float = 1.0,
        follows_wall: bool = True,
        max_lag_ns: int = 1_000_000_000,
    ) -> None:
        if follows_wall and factor != 1.0:
            raise ValueError(f"a real-time factor of {factor:g} needs simulated time on /clock")
        self._wall_ns = wall_ns
        self._wanted = factor
        self._follows_wall = follows_wall
        self._max_lag_ns = max_lag_ns
        self._ticks: deque[tuple[int, int]] = deque()
        self._set_back_ns = 0
        self.skipped_ns = 0
        self.now_ns = wall_ns()
        self.restart()

    def restart(self) -> None:
        """Begin anew at the present wall time; what passed meanwhile is not made up for."""
        self._wall_origin_ns = self._wall_ns()
        if self._follows_wall:
            ahead_ns = self.now_ns - self._wall_origin_ns
            self._set_back_ns = ahead_ns if ahead_ns > _AHEAD_NS else 0
            self.now_ns = max(self.now_ns, self._wall_origin_ns)
        self._origin_ns = self.now_ns
        self._measure_anew()

    def due(self) -> int:
        """Return how many steps are due now; negative: simulated time is ahead."""
        lag_ns = self._lag_ns()
        if lag_ns > self._max_lag_ns:
            self._skip(lag_ns)
        elif lag_ns < -_AHEAD_NS:
            self._note_set_back(-lag_ns)
        return self._lag_ns() // STEP_NS

    def settle(self) -> int:
        """Set the stamps back as far as the wall clock was since the last call. Unit: ns.

        Apart from `due`, because all that goes by the stamps has to be moved with them at once.

        Returns:
            By how much; mostly 0.
        """
        back_ns, self._set_back_ns = self._set_back_ns, 0
        if back_ns:
            self.now_ns -= back_ns
            self._origin_ns -= back_ns
            self._measure_anew()
        return back_ns

    def advance(self, steps: int) -> None:
        """Note that steps were simulated."""
        self.now_ns += steps * STEP_NS
        wall_ns = self._wall_ns()
        self._ticks.append((wall_ns, self.now_ns))
        while len(self._ticks) > 2 and self._ticks[1][0] < wall_ns - _WINDOW_NS:
            self._ticks.popleft()

    def wait_sec(self, steps: int) -> float:
        """Return the wall time until that many steps are due; 0 when they are. Unit: s."""
        return max(0.0, (steps * STEP_NS - self._lag_ns()) / self._wanted * 1e-9)

    @property
    def outside_ns(self) -> int:
        """Time that other nodes read now; ahead of `now_ns` during a catch-up. Unit: ns."""
        return max(self.now_ns, self._wall_ns()) if self._follows_wall else self.now_ns

    @property
    def real_time_factor(self) -> float:
        """Simulated time per wall time over the last second, skipped time not counted. Unit: 1.

        As wanted, until enough time has passed to tell.
        """
        (wall_begin, begin), (wall_end, end) = self._ticks[0], self._ticks[-1]
        if wall_end - wall_begin < _SHORTEST_NS:
            return self._wanted
        return (end - begin) / (wall_end - wall_begin)

    def _lag_ns(self) -> int:
        passed_ns = round((self._wall_ns() - self._wall_origin_ns) * self._wanted)
        return self._origin_ns + passed_ns - self.now_ns

    def _skip(self, lag_ns: int) -> None:
        self.skipped_ns += lag_ns
        if self._follows_wall:
            self.now_ns += lag_ns
            # The skip was not simulated, so it must not count in the measured factor.
            self._ticks = deque((wall, stamp + lag_ns) for wall, stamp in self._ticks)
        else:
            self._origin_ns -= lag_ns

    def _note_set_back(self, back_ns: int) -> None:
        # Else the simulation would stand still until the wall clock has come round again.
        self._origin_ns += back_ns
        if self._follows_wall:
            self._set_back_ns += back_ns

    def _measure_anew(self) -> None:
        """Forget the window of the real-time factor: its wall times are another clock's."""
        self._ticks = deque([(self._wall_ns(), self.now_ns)])
