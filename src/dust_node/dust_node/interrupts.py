"""SIGINT and SIGTERM as a request that wakes a waiting loop, instead of an end in the middle."""

import atexit
import ctypes
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_libc = ctypes.CDLL(None)
_libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
_libc.signal.restype = ctypes.c_void_p


@contextmanager
def interrupts(wake: Callable[[], object]) -> Iterator[threading.Event]:
    """Turn signals into an event while the context is open.

    Python runs signal handlers between its own instructions only; while the main thread waits
    inside rcl, none would run. A thread therefore learns of the signal and calls `wake`. Once a
    signal came, the process is deaf to more of them; see `deafen`.

    Args:
        wake: Called in another thread at the first signal.

    Yields:
        Set once a signal came.
    """
    event = threading.Event()
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def listen() -> None:
        if reader.recv(1):
            _ignore()
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
        writer.close()
        thread.join()
        if event.is_set():
            deafen()
        else:
            _restore(before)
        reader.close()


@contextmanager
def interruptible(*, once: bool = False) -> Iterator[threading.Event]:
    """Let SIGTERM raise KeyboardInterrupt, as SIGINT does, while the context is open.

    Args:
        once: Be deaf to signals after the first, also behind the context; see `deafen`.

    Yields:
        Set once a signal came: what then fails may have failed of it.
    """
    event = threading.Event()

    def interrupt(*_: object) -> None:
        if once and event.is_set():
            return
        event.set()
        if once:
            deafen()
        raise KeyboardInterrupt

    with _handled(interrupt):
        yield event


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals wait until the end of the context, which then raises KeyboardInterrupt.

    For what must not be left half-way, such as rclpy's constructors.
    """
    came: list[int] = []
    with _handled(lambda number, _: came.append(number)):
        yield
    if came:
        # Whoever handles signals outside is told, too.
        signal.raise_signal(came[0])


def deafen() -> None:
    """Ignore SIGINT and SIGTERM from now on: what is ending already must not be cut short.

    A node that is cut short leaves its shared memory behind, or hangs in the middleware.
    Signals do come in twos: Linux tells a child of its parent's death once for each thread.
    """
    for number in SIGNALS:
        signal.signal(number, _pass_over)
    _ignore()


def _ignore() -> None:
    """Let no signal come from now on, from any thread; those that came still find their handler.

    Python itself ignores signals in the main thread only, and makes a trace ("ignored due to race
    condition") of those that came before, but were not handled yet.
    """
    for number in SIGNALS:
        _libc.signal(number, signal.SIG_IGN)


def _pass_over(*_: object) -> None:
    pass


@atexit.register
def _stay_deaf() -> None:
    # While it ends, Python takes its own handlers back: a signal would kill the process again.
    for number in SIGNALS:
        if signal.getsignal(number) is _pass_over:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _handled(handler: Callable[[int, Any], object]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        if signal.getsignal(SIGNALS[0]) is not _pass_over:
            _restore(before)


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
