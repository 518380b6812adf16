"""SIGINT and SIGTERM as a request that wakes a waiting loop, instead of an end in the middle."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts(wake: Callable[[], object]) -> Iterator[threading.Event]:
    """Turn signals into an event while the context is open.

    Python runs signal handlers between its own instructions only; while the main thread waits
    inside rcl, none would run. A thread therefore learns of the signal and calls `wake`.

    Args:
        wake: Called in another thread at each signal.

    Yields:
        Set once a signal came.
    """
    event = threading.Event()
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def listen() -> None:
        while reader.recv(1) not in (b"", b"\0"):
            event.set()
            wake()

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    # In this order no signal is lost: until its handler is replaced, it does what it did before.
    previous_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    try:
        yield event
    finally:
        signal.set_wakeup_fd(previous_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        writer.send(b"\0")
        thread.join()
        reader.close()
        writer.close()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, as SIGINT does, while the context is open."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
