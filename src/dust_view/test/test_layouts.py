"""The layouts of Foxglove and RViz show what the graph publishes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dust_msgs.msg import ActionChunk, ControllerState, ExecutorState, Surprise

CONFIG = Path(__file__).parents[3] / "config"
pytestmark = pytest.mark.skipif(
    not CONFIG.exists(), reason="tested outside the repository: no config/ folder"
)
TYPES = {
    "/executor_state": ExecutorState,
    "/action_chunk": ActionChunk,
    "/surprise": Surprise,
    "/fr3_arm_controller/controller_state": ControllerState,
}
IMAGES = "/zed_{}/zed_node/rgb/color/rect/image/compressed"
PANELS = {
    *("3D", "Image", "Plot", "StateTransitions", "DiagnosticSummary", "DiagnosticStatusPanel"),
}


@pytest.fixture
def layout() -> dict[str, Any]:
    return json.loads((CONFIG / "foxglove_layout.json").read_text())


def leaves(node: Any) -> Iterator[str]:
    """Yield the panels of a layout's tree of splits."""
    if isinstance(node, str):
        yield node
        return
    assert node["direction"] in ("row", "column")
    assert 0 < node["splitPercentage"] < 100
    yield from leaves(node["first"])
    yield from leaves(node["second"])


def test_every_panel_has_its_place_and_its_settings(layout) -> None:
    assert set(layout) == {
        *("configById", "globalVariables", "userNodes", "playbackConfig", "layout"),
    }
    shown = list(leaves(layout["layout"]))
    assert sorted(shown) == sorted(layout["configById"])
    assert {name.partition("!")[0] for name in shown} == PANELS
    assert layout["playbackConfig"]["speed"] > 0


def test_every_curve_is_a_field_of_a_message(layout) -> None:
    paths = [path for panel in layout["configById"].values() for path in panel.get("paths", [])]
    assert len(paths) > 20
    for path in paths:
        topic, _, fields = path["value"].partition(".")
        value = TYPES[topic]()
        for name in re.sub(r"\[\d+\]", "", fields).split("."):
            value = getattr(value, name)


def test_cameras_markers_and_diagnostics_are_shown(layout) -> None:
    panels = layout["configById"]
    for view in ("wrist", "side"):
        assert panels[f"Image!{view}"]["imageMode"]["imageTopic"] == IMAGES.format(view)
    assert panels["3D!cell"]["topics"]["/dust_view/markers"]["visible"]
    assert panels["3D!cell"]["followTf"] == "fr3_link0"
    for panel in ("DiagnosticSummary!nodes", "DiagnosticStatusPanel!latency"):
        assert panels[panel]["topicToRender"] == "/diagnostics"


def test_rviz_shows_cameras_and_markers_in_the_same_frame() -> None:
    manager = yaml.safe_load((CONFIG / "cell.rviz").read_text())["Visualization Manager"]
    by_class = {display["Class"].rpartition("/")[2]: display for display in manager["Displays"]}
    assert by_class["MarkerArray"]["Topic"]["Value"] == "dust_view/markers"
    assert by_class["RobotModel"]["Description Topic"]["Durability Policy"] == "Transient Local"
    view = yaml.safe_load((CONFIG / "view.yaml").read_text())["/**/dust_view"]["ros__parameters"]
    assert manager["Global Options"]["Fixed Frame"] == view["frame"]
