"""Waiting for a condition in a coroutine while the node is spun."""

import time

from dust_node.waiting import until


def settle(probe, coroutine):
    task = probe.executor.create_task(coroutine)
    probe.wait(task.done)
    return task.result()


def test_what_holds_already_is_not_waited_for(probe):
    asked = []

    def condition():
        asked.append(True)
        return True

    assert settle(probe, until(probe.node, condition, timeout_sec=0.0))
    assert len(asked) == 1


def test_what_comes_later_is_seen(probe):
    answers = iter([False, False, True])
    assert settle(probe, until(probe.node, lambda: next(answers), timeout_sec=20.0))


def test_what_never_comes_ends_the_wait_and_leaves_no_timer(probe):
    begun = time.monotonic()
    assert not settle(probe, until(probe.node, lambda: False, timeout_sec=0.3))
    assert time.monotonic() - begun >= 0.3
    assert not list(probe.node.timers)
