"""The viewer never fails where there is no display."""

import threading
from unittest.mock import MagicMock

import mujoco
import numpy as np
import pytest

from dust_sim.placement import place
from dust_sim.viewer import Viewer, wants_viewer

PLACEMENT = place("box_to_bowl", "blue_cube", 0)
MODEL = """<mujoco><worldbody><body><freejoint/><geom size="0.1"/></body></worldbody></mujoco>"""


@pytest.mark.parametrize(
    ("choice", "display", "wanted"),
    [("off", ":0", False), ("auto", ":0", True), ("auto", "", False), ("on", "", True)],
)
def test_auto_follows_the_display(monkeypatch, choice, display, wanted):
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert wants_viewer(choice) is wanted


class Bench:
    """A viewer whose complaints are kept."""

    def __init__(self):
        self.said = []
        self.told = threading.Event()
        self.viewer = Viewer(mujoco.MjModel.from_xml_string(MODEL), self.warn)

    def warn(self, text):
        self.said.append(text)
        self.told.set()

    def show(self, step):
        self.viewer.publish(lambda: (0, np.zeros(7), PLACEMENT), step * 100_000_000)


def test_without_a_display_it_is_said_once_and_stops_nothing(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    bench = Bench()
    bench.show(0)
    assert bench.told.wait(20.0)
    for step in range(1, 10):
        bench.show(step)
    bench.viewer.close()
    assert len(bench.said) == 1
    assert "goes on without it" in bench.said[0]


def test_snapshots_are_shown_until_the_window_is_closed(monkeypatch):
    window = MagicMock()
    shown = threading.Semaphore(0)
    window.sync.side_effect = shown.release
    monkeypatch.setattr("dust_sim.viewer.open_display", lambda: None)
    monkeypatch.setattr("mujoco.viewer.launch_passive", lambda *_, **__: window)
    bench = Bench()
    for step in range(3):
        bench.show(step)
        assert shown.acquire(timeout=20.0)
    asked = threading.Event()
    window.is_running.side_effect = lambda: asked.set()  # None: closed by its user
    bench.show(3)
    assert asked.wait(20.0)
    bench.viewer.close()
    assert window.sync.call_count == 3
    assert window.close.call_count == 1
    assert bench.said == []
