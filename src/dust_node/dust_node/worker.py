"""A thread that works on the newest item only."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LatestWorker(Generic[Item]):
    """Run a function in a thread of its own, on the newest submitted item.

    Inference must not run in the ROS executor's thread: while it runs, no image, state or cancel
    request would be handled. An item that is submitted while another waits replaces it.

    Args:
        work: Called with each item in the worker's thread.
        on_error: Called in the worker's thread with what `work` raised; the worker goes on.
        name: Name of the thread.
    """

    def __init__(
        self,
        work: Callable[[Item], None],
        *,
        on_error: Callable[[Exception], None],
        name: str,
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._condition = threading.Condition()
        self._pending: list[Item] = []
        self._busy = False
        self._closed = False
        self.replaced = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether nothing is being worked on and nothing waits."""
        with self._condition:
            return not self._busy and not self._pending

    def submit(self, item: Item) -> None:
        """Hand in an item; it replaces one that still waits (counted in `replaced`).

        Raises:
            RuntimeError: The worker was closed.
        """
        with self._condition:
            if self._closed:
                raise RuntimeError("worker is closed")
            self.replaced += len(self._pending)
            self._pending = [item]
            self._condition.notify_all()

    def close(self, *, timeout_sec: float = 10.0) -> bool:
        """Drop what waits, let the current item finish, end the thread.

        Returns:
            False when the thread was still busy after the timeout.
        """
        with self._condition:
            self._closed = True
            self._pending.clear()
            self._condition.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.wait_for(lambda: self._pending or self._closed)
                if self._closed:
                    return
                item = self._pending.pop()
                self._busy = True
            try:
                self._work(item)
            except Exception as error:
                self._on_error(error)
