"""Tests of dust_node.worker: newest item wins, errors do not end it, close ends it."""

import queue
import threading

import pytest

from dust_node.worker import LatestWorker


def test_newest_item_wins_while_busy():
    release, started, done = threading.Event(), threading.Event(), queue.Queue()

    def work(item):
        started.set()
        release.wait(5)
        done.put(item)

    worker = LatestWorker(work, on_error=pytest.fail, name="probe")
    worker.submit(1)
    assert started.wait(5)
    worker.submit(2)
    worker.submit(3)
    assert not worker.idle
    release.set()
    assert [done.get(timeout=5), done.get(timeout=5)] == [1, 3]
    assert worker.replaced == 1
    assert worker.close()
    assert done.empty()


def test_an_error_is_told_and_the_worker_goes_on():
    errors, done = queue.Queue(), queue.Queue()

    def work(item):
        done.put(1 // item)

    worker = LatestWorker(work, on_error=errors.put, name="probe")
    worker.submit(0)
    assert isinstance(errors.get(timeout=5), ZeroDivisionError)
    worker.submit(1)
    assert done.get(timeout=5) == 1
    assert worker.close()


def test_after_close_nothing_is_taken():
    worker = LatestWorker(lambda item: None, on_error=pytest.fail, name="probe")
    assert worker.close()
    with pytest.raises(RuntimeError, match="closed"):
        worker.submit(1)
