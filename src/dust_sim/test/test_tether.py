"""The tether: waits for who is near, never for who is not there."""

import threading
import time

import pytest

from dust_sim.tether import Tether

LENGTH = 100
START = 1_000_000


@pytest.fixture
def tether():
    return Tether(LENGTH, patience_sec=5.0)


def seconds(call, *arguments):
    began = time.monotonic()
    call(*arguments)
    return time.monotonic() - began


def in_thread(tether, now):
    thread = threading.Thread(target=tether.wait, args=(now,))
    thread.start()
    return thread


def test_nobody_waits_before_the_first_stamp(tether):
    assert seconds(tether.wait, START) < 1.0


def test_a_clock_that_is_near_goes_on(tether):
    tether.wait(START)
    tether.note(START)
    assert seconds(tether.wait, START + LENGTH) < 1.0


def test_a_clock_that_is_too_far_waits_for_the_next_stamp(tether):
    tether.wait(START)
    tether.note(START)
    thread = in_thread(tether, START + LENGTH + 1)
    thread.join(0.2)
    assert thread.is_alive()
    tether.note(START + 1)
    thread.join(5.0)
    assert not thread.is_alive()


def test_who_falls_silent_is_waited_for_once():
    tether = Tether(LENGTH, patience_sec=0.2)
    tether.wait(START)
    tether.note(START)
    assert seconds(tether.wait, START + 1000) > 0.15
    assert seconds(tether.wait, START + 1010) < 0.15
    tether.note(START + 1000)
    thread = in_thread(tether, START + 1000 + LENGTH + 1)
    thread.join(0.05)
    assert thread.is_alive()
    thread.join(5.0)


def test_who_is_let_go_is_not_waited_for_until_he_comes_back(tether):
    tether.wait(START)
    tether.note(START)
    thread = in_thread(tether, START + LENGTH + 1)
    thread.join(0.2)
    assert thread.is_alive()
    tether.let_go()
    thread.join(1.0)
    assert not thread.is_alive()
    assert seconds(tether.wait, START + 3 * LENGTH) < 1.0
    tether.note(START + LENGTH)
    thread = in_thread(tether, START + 3 * LENGTH)
    thread.join(0.2)
    assert thread.is_alive()
    tether.note(START + 2 * LENGTH)
    thread.join(5.0)
    assert not thread.is_alive()


def test_who_comes_back_a_little_behind_is_waited_for(tether):
    tether.wait(START + 5 * LENGTH)
    tether.note(START)
    thread = in_thread(tether, START + 5 * LENGTH)
    thread.join(0.2)
    assert thread.is_alive()
    tether.note(START + 4 * LENGTH)
    thread.join(5.0)
    assert not thread.is_alive()


def test_stamps_of_another_clock_do_not_hold_it_up():
    tether = Tether(LENGTH, patience_sec=0.2)
    tether.wait(START)
    for stamp in range(0, 1000, 100):
        tether.note(stamp)
    assert seconds(tether.wait, START + 10) < 0.15
