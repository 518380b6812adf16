"""Notices that a device fell silent, and that it came back."""

from dataclasses import dataclass

_NS = 1_000_000_000
_RECENT = 0.2  # s


@dataclass(slots=True)
class Stream:
    """Messages of one device.

    Attributes:
        topic: Where they come from.
        timeout: Longest silence, s.
        silent_when_still: Whether the device sends only while it is deflected.
    """

    topic: str
    timeout: float
    silent_when_still: bool = False
    _last_ns: int | None = None
    _still: bool = True
    _said_lost: bool = False

    def take(self, now_ns: int, *, still: bool = False) -> bool:
        """Note a message; return whether it is the first one, or the first after a loss.

        Args:
            now_ns: Time by a clock that never jumps, ns.
            still: Whether the message asks for no motion.
        """
        is_back = self._last_ns is None or self._said_lost
        self._last_ns, self._still, self._said_lost = now_ns, still, False
        return is_back

    def forget(self) -> None:
        """Start anew: nothing was heard yet, so nothing is missed either."""
        self._last_ns, self._said_lost = None, False

    def is_fresh(self, now_ns: int) -> bool:
        """Return whether the last message still holds."""
        if self._last_ns is None:
            return False
        if self.silent_when_still and self._still:
            return True
        return now_ns - self._last_ns <= self.timeout * _NS

    def is_recent(self, now_ns: int) -> bool:
        """Return whether the last message is so new that its motion may go on."""
        return self.is_fresh(now_ns) and (
            self._still or now_ns - (self._last_ns or 0) <= min(_RECENT, self.timeout) * _NS
        )

    def lost(self, now_ns: int) -> bool:
        """Return whether it fell silent since the last call; true once per silence."""
        if self._last_ns is None or self._said_lost or self.is_fresh(now_ns):
            return False
        self._said_lost = True
        return True
