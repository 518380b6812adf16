"""The thread that turns snapshots of the scene into camera images, without ROS.

    physics thread            render thread                              publish
    submit(stamp, qpos) --->  render wrist, side --->  wait out delays  --->  (camera, stamp, image)

In real time physics never waits: when rendering falls behind, the oldest snapshot is left out and
counted. Where time is simulated it may wait: then every picture is taken, and time goes slower.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dust_sim.placement import Placement

Image = NDArray[np.uint8]

_BACKLOG = 2  # snapshots that may wait for the renderer
_POLL_SEC = 0.01  # how often late images are looked at


class Renderer(Protocol):
    """What draws images; a GL context belongs to one thread, so it is made and closed in it."""

    def render(self, snapshot: "Snapshot", camera: str) -> Image:
        """Return a bgra8 image [height, width, 4] of the scene at this moment."""

    def close(self) -> None:
        """Release the graphics context."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The scene at one instant.

    Attributes:
        stamp_ns: When. Unit: ns.
        qpos: Generalised positions; not changed any more.
        placement: Start configuration of the trial that it belongs to.
    """

    stamp_ns: int
    qpos: NDArray[np.float64]
    placement: Placement


@dataclass(frozen=True, slots=True)
class FeedHooks:
    """What the feed asks and tells.

    Attributes:
        publish: Called with camera, snapshot and the image of it.
        is_wanted: Says whether a camera works and somebody looks.
        delay: Returns how late a camera's images are to come. Unit: s.
        now_ns: Returns simulated time. Unit: ns.
        on_error: Called with what ended the thread.
    """

    publish: Callable[[str, Snapshot, Image], None]
    is_wanted: Callable[[str], bool]
    delay: Callable[[str], float]
    now_ns: Callable[[], int]
    on_error: Callable[[Exception], None]


class CameraFeed:
    """Renders every submitted snapshot for every camera, in a thread of its own.

    Args:
        make_renderer: Makes the renderer; called in the thread.
        cameras: Names of the cameras.
        hooks: See `FeedHooks`; all are called in the thread.
        is_patient: Whether `submit` waits for the renderer instead of leaving snapshots out.
    """

    def __init__(
        self,
        make_renderer: Callable[[], Renderer],
        cameras: Sequence[str],
        hooks: FeedHooks,
        *,
        is_patient: bool = False,
    ) -> None:
        self._make_renderer = make_renderer
        self._cameras = tuple(cameras)
        self._hooks = hooks
        self._is_patient = is_patient
        self._condition = threading.Condition()
        self._snapshots: deque[Snapshot] = deque()
        self._late: dict[str, deque[tuple[Snapshot, Image]]] = {name: deque() for name in cameras}
        self._failure: Exception | None = None
        self._is_ready = threading.Event()
        self._is_closed = False
        self._is_over = False  # nobody takes snapshots any more
        self.left_out = 0
        self._thread = threading.Thread(target=self._run, name="render", daemon=True)

    def open(self, *, timeout_sec: float = 60.0) -> None:
        """Start the thread and wait until the renderer is there.

        Raises:
            Exception: What making the renderer raised.
            TimeoutError: It took too long.
        """
        self._thread.start()
        if not self._is_ready.wait(timeout_sec):
            raise TimeoutError(f"the camera renderer was not ready after {timeout_sec:g} s")
        if self._failure is not None:
            raise self._failure

    def submit(self, snapshot: Snapshot) -> None:
        """Hand in a snapshot. Returns at once, unless the feed is patient and there is no room."""
        with self._condition:
            if self._is_patient:
                self._condition.wait_for(lambda: self._has_room() or self._is_over)
            elif not self._has_room():
                self._snapshots.popleft()
                self.left_out += 1
            self._snapshots.append(snapshot)
            self._condition.notify_all()

    def _has_room(self) -> bool:
        return len(self._snapshots) < _BACKLOG

    def forget(self) -> None:
        """Drop what has not been published yet."""
        with self._condition:
            self._snapshots.clear()
            self._condition.notify_all()
            for images in self._late.values():
                images.clear()

    def close(self) -> None:
        """End the thread and release the renderer."""
        with self._condition:
            self._is_closed = self._is_over = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            renderer = self._make_renderer()
        except Exception as error:
            self._failure = error
            return
        finally:
            self._is_ready.set()
        try:
            self._serve(renderer)
        except Exception as error:
            self._hooks.on_error(error)
        finally:
            with self._condition:
                self._is_over = True
                self._condition.notify_all()
            renderer.close()

    def _serve(self, renderer: Renderer) -> None:
        while True:
            with self._condition:
                timeout = _POLL_SEC if any(self._late.values()) else None
                self._condition.wait_for(lambda: self._snapshots or self._is_closed, timeout)
                if self._is_closed:
                    return
                snapshot = self._snapshots.popleft() if self._snapshots else None
                self._condition.notify_all()
            if snapshot is not None:
                self._render(renderer, snapshot)
            else:
                self._release()

    def _render(self, renderer: Renderer, snapshot: Snapshot) -> None:
        for camera in self._cameras:
            if not self._hooks.is_wanted(camera):
                continue
            image = renderer.render(snapshot, camera)
            with self._condition:
                self._late[camera].append((snapshot, image))
            self._release()

    def _release(self) -> None:
        """Publish what is no longer late, oldest first."""
        now_ns = self._hooks.now_ns()
        for camera, images in self._late.items():
            self._drop_ahead(images, now_ns)
            delay_ns = self._hooks.delay(camera) * 1e9
            while (item := self._take(images, now_ns - delay_ns)) is not None:
                self._hooks.publish(camera, *item)

    def _drop_ahead(self, images: deque[tuple[Snapshot, Image]], now_ns: int) -> None:
        """Drop images that are stamped ahead of now: the clock was set back since."""
        with self._condition:
            while images and images[0][0].stamp_ns > now_ns:
                images.popleft()

    def _take(
        self, images: deque[tuple[Snapshot, Image]], until_ns: float
    ) -> tuple[Snapshot, Image] | None:
        with self._condition:
            if images and images[0][0].stamp_ns <= until_ns:
                return images.popleft()
        return None
