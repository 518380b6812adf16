"""The camera feed with a renderer that draws the stamp."""

import threading

import numpy as np
import pytest

from dust_sim.camera_feed import CameraFeed, FeedHooks, Snapshot
from dust_sim.placement import place

SECOND = 1_000_000_000
PLACEMENT = place("box_to_bowl", "blue_cube", 0)


class FakeRenderer:
    def __init__(self):
        self.thread = threading.get_ident()
        self.is_closed = False
        self.gate = threading.Event()
        self.gate.set()

    def render(self, snapshot, camera):
        assert threading.get_ident() == self.thread
        assert self.gate.wait(5.0)
        return np.full((2, 2, 4), int(snapshot.qpos[0]), dtype=np.uint8)

    def close(self):
        assert threading.get_ident() == self.thread
        self.is_closed = True


class Bench:
    """A feed whose clock, faults and output the test holds in its hands."""

    def __init__(self, make_renderer=FakeRenderer, is_patient=False):
        self.now_ns = 0
        self.stopped = set()
        self.delays = {}
        self.errors = []
        self.published = []
        self.arrived = threading.Condition()
        self.renderers = []

        def make():
            self.renderers.append(make_renderer())
            return self.renderers[-1]

        hooks = FeedHooks(
            publish=self._publish,
            is_wanted=lambda camera: camera not in self.stopped,
            delay=lambda camera: self.delays.get(camera, 0.0),
            now_ns=lambda: self.now_ns,
            on_error=self.errors.append,
        )
        self.feed = CameraFeed(make, ("wrist", "side"), hooks, is_patient=is_patient)

    def _publish(self, camera, snapshot, image):
        assert snapshot.placement is PLACEMENT
        with self.arrived:
            self.published.append((camera, snapshot.stamp_ns, int(image[0, 0, 0])))
            self.arrived.notify_all()

    def submit(self, stamp_ns, mark):
        self.feed.submit(Snapshot(stamp_ns, np.array([float(mark)]), PLACEMENT))

    def wait_for(self, count):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.published) >= count, 5.0)


@pytest.fixture
def bench():
    it = Bench()
    it.feed.open()
    yield it
    it.feed.close()
    assert it.renderers[0].is_closed
    assert it.errors == []


def test_every_camera_gets_every_snapshot_with_its_stamp(bench):
    bench.now_ns = SECOND
    bench.submit(7, 1)
    bench.wait_for(2)
    bench.submit(8, 2)
    bench.wait_for(4)
    assert bench.published == [("wrist", 7, 1), ("side", 7, 1), ("wrist", 8, 2), ("side", 8, 2)]


def test_a_stopped_camera_is_silent(bench):
    bench.now_ns = SECOND
    bench.stopped = {"wrist"}
    bench.submit(7, 1)
    bench.wait_for(1)
    assert bench.published == [("side", 7, 1)]


def test_late_images_keep_their_stamp_and_order(bench):
    bench.now_ns = SECOND
    bench.delays = {"wrist": 0.5}
    bench.submit(SECOND, 1)
    bench.wait_for(1)
    bench.submit(SECOND, 2)
    bench.wait_for(2)
    assert [row[0] for row in bench.published] == ["side", "side"]
    bench.now_ns = SECOND + SECOND // 2
    bench.wait_for(4)
    assert bench.published[2:] == [("wrist", SECOND, 1), ("wrist", SECOND, 2)]


def test_physics_never_waits_for_the_renderer(bench):
    bench.now_ns = SECOND
    bench.renderers[0].gate.clear()
    for mark in range(10):
        bench.submit(mark, mark)
    assert bench.feed.left_out >= 7
    bench.renderers[0].gate.set()
    bench.wait_for(4)
    assert bench.published[-1] == ("side", 9, 9)


def test_simulated_time_waits_for_the_renderer():
    bench = Bench(is_patient=True)
    bench.feed.open()
    bench.now_ns = SECOND
    bench.renderers[0].gate.clear()
    submitted = []

    def submit_all():
        for mark in range(8):
            bench.submit(mark, mark)
            submitted.append(mark)

    physics = threading.Thread(target=submit_all)
    physics.start()
    physics.join(0.3)
    assert physics.is_alive()
    assert len(submitted) <= 3
    bench.renderers[0].gate.set()
    physics.join(5.0)
    bench.wait_for(16)
    assert [row[2] for row in bench.published if row[0] == "side"] == list(range(8))
    assert bench.feed.left_out == 0
    bench.feed.close()


def test_nobody_waits_for_a_renderer_that_has_ended():
    class Broken(FakeRenderer):
        def render(self, snapshot, camera):
            raise ValueError("context lost")

    bench = Bench(Broken, is_patient=True)
    bench.feed.open()
    physics = threading.Thread(target=lambda: [bench.submit(mark, mark) for mark in range(9)])
    physics.start()
    physics.join(5.0)
    assert not physics.is_alive()
    assert str(bench.errors[0]) == "context lost"
    bench.feed.close()


def test_forget_drops_what_waits(bench):
    bench.now_ns = SECOND
    bench.delays = {"wrist": 5.0}
    bench.submit(SECOND, 1)
    bench.wait_for(1)
    bench.feed.forget()
    bench.delays = {}
    bench.submit(SECOND, 2)
    bench.wait_for(3)
    assert [row[2] for row in bench.published] == [1, 2, 2]


def test_images_from_before_the_clock_was_set_back_hold_up_nothing(bench):
    bench.now_ns = 9 * SECOND
    bench.delays = {"wrist": 0.5}
    bench.submit(9 * SECOND, 1)
    bench.wait_for(1)
    bench.now_ns, bench.delays = SECOND, {}
    bench.submit(SECOND, 2)
    bench.wait_for(3)
    assert bench.published == [
        ("side", 9 * SECOND, 1),
        ("wrist", SECOND, 2),
        ("side", SECOND, 2),
    ]


def test_a_renderer_that_cannot_be_made_is_reported_by_open():
    def fail():
        raise RuntimeError("no EGL")

    bench = Bench(fail)
    with pytest.raises(RuntimeError, match="no EGL"):
        bench.feed.open()
    bench.feed.close()


def test_an_error_while_rendering_ends_the_thread_and_is_reported():
    class Broken(FakeRenderer):
        def render(self, snapshot, camera):
            raise ValueError("context lost")

    bench = Bench(Broken)
    bench.feed.open()
    bench.submit(1, 1)
    bench.feed._thread.join(5.0)
    assert str(bench.errors[0]) == "context lost"
    assert bench.renderers[0].is_closed
    bench.feed.close()
