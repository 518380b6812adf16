"""The thread that keeps the simulation going in real time."""

import threading
from collections.abc import Callable

from dust_sim.clock import SimulationClock

# Also when behind: whoever waits for the simulation's lock gets a turn between two blocks.
_BREATH_SEC = 0.0003


class Pacer:
    """Calls `advance` with small blocks of steps at the pace of a clock, in a thread of its own.

    Args:
        clock: Says how many steps are due; advanced by the pacer.
        advance: Simulates that many steps of 1 ms.
        block: Steps per call. Range: >= 1.
        on_error: Called in the thread with what `advance` raised; the thread has ended then.
    """

    def __init__(
        self,
        clock: SimulationClock,
        advance: Callable[[int], None],
        *,
        block: int,
        on_error: Callable[[Exception], None],
    ) -> None:
        self._clock = clock
        self._advance = advance
        self._block = block
        self._on_error = on_error
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run, from the present wall time on."""
        self._stop.clear()
        self._clock.restart()
        self._thread = threading.Thread(target=self._run, name="physics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the block that it works on."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        try:
            while not self._stop.wait(max(self._clock.wait_sec(self._block), _BREATH_SEC)):
                self._run_block()
        except Exception as error:
            self._on_error(error)

    def _run_block(self) -> None:
        steps = min(self._clock.due(), self._block)
        if steps > 0:
            self._advance(steps)
