"""What the middleware notes of each message: when it came, which number it has; no rclpy."""


class ArrivalClock:
    """Tells by the node clock when something came that the middleware stamped by the system's."""

    def __init__(self) -> None:
        self._system_ns = self._node_ns = 0
        self._factor = 1.0

    def update(self, system_ns: int, node_ns: int, *, is_simulated: bool) -> None:
        """Look at both clocks, read one right after the other.

        Args:
            system_ns: The system's time. Unit: ns.
            node_ns: The node's time. Unit: ns.
            is_simulated: Whether that is the time of /clock; else it is the system's.
        """
        elapsed_ns = system_ns - self._system_ns
        if not is_simulated:
            # Between the two readings the process may have stood still.
            self._factor, node_ns = 1.0, system_ns
        elif 0 < elapsed_ns < 1_000_000_000:
            self._factor = max(0.0, (node_ns - self._node_ns) / elapsed_ns)
        self._system_ns, self._node_ns = system_ns, node_ns

    def node_ns(self, system_ns: int) -> int:
        """Return the node's time at a time of the system's clock. Unit: ns."""
        if not system_ns:
            return self._node_ns
        return max(0, self._node_ns - round((self._system_ns - system_ns) * self._factor))


class InOrder:
    """Arrival times of a topic in the order in which its messages are handed over.

    The middleware keeps the order in which they were published. A message that had to be sent again
    came later than the one after it, and must not change places with it.
    """

    _STEP_NS = 1_000_000_000

    def __init__(self) -> None:
        self._last_ns = 0

    def at(self, time_ns: int) -> int:
        """Return when a message came, not before the one before it; after a clock's jump anew."""
        if time_ns < self._last_ns - self._STEP_NS:
            self._last_ns = 0
        self._last_ns = max(self._last_ns, time_ns)
        return self._last_ns


class Numbers:
    """Finds holes in the numbers that a publisher gives its messages.

    Attributes:
        publishers: How many publish the topic; the numbers of several are mixed and say nothing.
    """

    def __init__(self) -> None:
        self.publishers = 1
        self._last = 0

    def missed(self, number: int | None) -> int:
        """Return how many messages were lost before this one.

        Args:
            number: Its number, from 1 on; None where the middleware has none.
        """
        before, self._last = self._last, number or 0
        if not before or not number or self.publishers != 1:
            return 0
        return max(0, number - before - 1)
