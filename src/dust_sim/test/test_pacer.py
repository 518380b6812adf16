"""The pacer's thread: real time, catching up, ending, failing."""

import threading
import time

import pytest

from dust_sim.clock import SimulationClock
from dust_sim.pacer import Pacer


def make(advance, *, block=5, on_error=None):
    clock = SimulationClock(time.monotonic_ns)

    def step(steps):
        advance(steps)
        clock.advance(steps)

    return Pacer(clock, step, block=block, on_error=on_error or pytest.fail), clock


def test_simulated_time_keeps_up_with_wall_time_in_small_blocks():
    sizes = []
    enough = threading.Event()

    def advance(steps):
        sizes.append(steps)
        if sum(sizes) >= 300:
            enough.set()

    pacer, clock = make(advance)
    begin = time.monotonic_ns()
    pacer.start()
    assert enough.wait(5.0)
    pacer.stop()
    passed_ms = (time.monotonic_ns() - begin) / 1e6
    assert 300 <= sum(sizes) <= passed_ms
    assert max(sizes) <= 5
    assert clock.real_time_factor == pytest.approx(1.0, abs=0.2)


def test_a_stall_is_caught_up_with():
    lag = []
    enough = threading.Event()

    def advance(steps):
        if not lag:
            enough.wait(0.2)  # the stall
        lag.append(clock.due())
        if len(lag) > 10 and lag[-1] <= 10:
            enough.set()

    pacer, clock = make(advance)
    pacer.start()
    assert enough.wait(5.0)
    pacer.stop()
    assert max(lag) >= 150
    assert clock.skipped_ns == 0


def test_an_error_ends_the_thread_and_is_reported():
    errors = []
    reported = threading.Event()

    def on_error(error):
        errors.append(error)
        reported.set()

    def advance(steps):
        raise ArithmeticError("physics diverged")

    pacer, _ = make(advance, on_error=on_error)
    pacer.start()
    assert reported.wait(5.0)
    pacer.stop()
    assert isinstance(errors[0], ArithmeticError)
