"""MuJoCo's window on the cell, where there is a display."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import mujoco

from dust_node.worker import LatestWorker
from dust_sim.camera_feed import Snapshot
from dust_sim.placement import Placement
from dust_sim.schedule import Schedule

_RATE = 30.0  # Hz


def wants_viewer(choice: str) -> bool:
    """Return whether to open a window: `on`, or `auto` and a display is there."""
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return choice == "on" or (choice == "auto" and has_display)


def open_display() -> None:
    """Make sure that windows can be opened; where not, MuJoCo's viewer would end the process.

    Raises:
        RuntimeError: There is no display, or no library to use it.
    """
    try:
        import glfw
    except ImportError as error:
        raise RuntimeError(f"the window library glfw does not load ({error})") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not glfw.init():
            raise RuntimeError("no display can be opened")


class Viewer:
    """Shows snapshots in a window with data of its own; what goes wrong there stops nothing else.

    The window shows the cell as designed, also where the cameras' looks vary.

    Args:
        model: Compiled model of the cell.
        warn: Called with one line when the window cannot be opened.
    """

    def __init__(self, model: mujoco.MjModel, warn: Callable[[str], None]) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._warn = warn
        self._window: Any = None
        self._is_over = False
        self._schedule = Schedule(_RATE)
        self._worker = LatestWorker(self._show, on_error=self._give_up, name="viewer")

    def publish(self, take: Callable[[], tuple[int, Any, Placement]], now_ns: int) -> None:
        """Show the scene when it is time to. Called after every block, in the physics thread.

        Args:
            take: Returns time, positions, placement, as `Simulation.snapshot` does.
            now_ns: Simulated time. Unit: ns.
        """
        if not self._is_over and self._schedule.due(now_ns):
            self._worker.submit(Snapshot(*take()))

    def close(self) -> None:
        """Close the window."""
        self._worker.close()
        if self._window is not None:
            self._window.close()

    def _show(self, snapshot: Snapshot) -> None:
        if self._is_over:
            return
        if self._window is None:
            open_display()
            from mujoco import viewer

            self._window = viewer.launch_passive(
                self._model, self._data, show_left_ui=False, show_right_ui=False
            )
        if not self._window.is_running():
            self._is_over = True
            return
        with self._window.lock():
            self._data.qpos[:] = snapshot.qpos
            mujoco.mj_forward(self._model, self._data)
        self._window.sync()

    def _give_up(self, error: Exception) -> None:
        self._is_over = True
        self._warn(f"no viewer: {error}; the cell goes on without it")
