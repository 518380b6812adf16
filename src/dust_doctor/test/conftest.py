"""A machine that is made of files, and a graph where all is well."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from dust_doctor.evidence import Controller, ExecutorReport, GraphEvidence, RobotReport, Stream
from dust_doctor.system import System

START = 1000.0


def make_stream(topic: str, *, rate: float = 15.0, seconds: float = 5.0, **changes) -> Stream:
    """Return what a topic of a steady rate gives."""
    count = int(rate * seconds)
    stamps = tuple(START + index / rate for index in range(count))
    fields = {"stamps": stamps, "ages": (0.01,) * count, "size": 100.0}
    return Stream(topic, **{**fields, **changes})


def make_camera(view: str, **changes) -> Stream:
    """Return what a camera at 640x360 bgra8 gives."""
    fields = {"size": 640 * 360 * 4.0, "form": "bgra8", "width": 640, "height": 360}
    return make_stream(f"zed_{view}", **{**fields, **changes})


def make_graph(**changes) -> GraphEvidence:
    """Return a graph where all is well."""
    joints = [f"fr3_joint{index}" for index in range(1, 8)]
    fields = {
        "seconds": 5.0,
        "nodes": ("/dust_executor", "/dust_policy"),
        "publishers": {"action_chunk": ("/dust_policy",), "executor_state": ("/dust_executor",)},
        "hashes": {"action_chunk": {"/dust_policy": "RIHS01_a", "/dust_executor": "RIHS01_a"}},
        "cameras": {view: make_camera(view) for view in ("wrist", "side")},
        "joint_states": make_stream("joint_states", rate=30.0),
        "joint_names": (*joints, "fr3_finger_joint1", "fr3_finger_joint2"),
        "robot": RobotReport("robot_state", (2,), (), (1.0,) * 50),
        "executor": ExecutorReport(0),
        "controllers": (
            Controller("fr3_arm_controller", "active", tuple(f"{name}/effort" for name in joints)),
        ),
    }
    return GraphEvidence(**{**fields, **changes})


@pytest.fixture
def graph() -> Callable[..., GraphEvidence]:
    return make_graph


@pytest.fixture
def camera() -> Callable[..., Stream]:
    return make_camera


@pytest.fixture
def stream() -> Callable[..., Stream]:
    return make_stream


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., System]:
    """Return a function that makes a machine of files and of what its commands print."""

    def make(
        files: Mapping[str, str] | None = None,
        commands: Mapping[str, str] | None = None,
        **environment: str,
    ) -> System:
        for name, text in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        def run(command: Sequence[str]) -> str | None:
            return (commands or {}).get(command[0])

        return System(tmp_path, environment=environment, run=run)

    return make
