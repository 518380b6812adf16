"""What belongs to an episode besides its messages: cameras, scene, software."""

import os
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from dust_demos.recording.arrivals import Arrival
from dust_demos.recording.definitions import full_definition

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
CELL_STATE = "dust_msgs/msg/CellState"

_PACKAGES = (
    "dust_demos",
    "dust_eval",
    "dust_executor",
    "dust_model",
    "dust_msgs",
    "dust_node",
    "dust_perception",
    "dust_policy",
    "dust_sim",
    "dust_start",
)
_DISTROS = {"3.3": "humble", "7.1": "jazzy", "9.1": "kilted"}
_LIBRARIES = ("mcap", "mujoco", "numpy", "rosbags", "torch")


def calibration(arrivals: Iterable[Arrival]) -> dict[str, dict[str, Any]]:
    """Return the intrinsics of each camera by topic, out of their newest CameraInfo."""
    found = {}
    for arrival in arrivals:
        message = _decoded(arrival, CAMERA_INFO)
        if message is not None:
            found[arrival.name] = {
                "frame_id": str(message.header.frame_id),
                "width": int(message.width),
                "height": int(message.height),
                "distortion_model": str(message.distortion_model),
                **{name: [float(x) for x in getattr(message, name)] for name in "dkrp"},
            }
    return found


def scene(arrivals: Iterable[Arrival]) -> dict[str, Any]:
    """Return what the newest CellState says: task, object, source, target, seed; else nothing."""
    for arrival in arrivals:
        message = _decoded(arrival, CELL_STATE)
        if message is not None:
            return {
                "task": str(message.task),
                "object": str(message.object_name),
                "source": str(message.source),
                "target": str(message.target),
                "seed": int(message.seed),
                "bodies": [str(name) for name in message.names],
            }
    return {}


def ros_distro() -> str:
    """Return the name of the ROS distribution, such as jazzy; empty if nothing tells it."""
    # The wheels of ROS set no ROS_DISTRO.
    series = _version("rclpy").rpartition(".")[0]
    return os.environ.get("ROS_DISTRO", "") or _DISTROS.get(series, "")


@cache
def software_versions() -> Mapping[str, str]:
    """Return the versions of our packages and of what they stand on, as far as installed."""
    names = (*_PACKAGES, "rclpy", *_LIBRARIES)
    found = {name: version for name in names if (version := _version(name))}
    return {**found, "python": platform.python_version()}


@cache
def _version(name: str) -> str:
    for known in (name, f"ros-{name}"):
        try:
            return metadata.version(known)
        except metadata.PackageNotFoundError:
            continue
    return _manifest_version(name)


def _manifest_version(name: str) -> str:
    """Return the version in an installed package.xml; empty if there is none."""
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        file = Path(prefix) / "share" / name / "package.xml"
        if file.is_file():
            return str(ElementTree.parse(file).findtext("version", ""))
    return ""


def _decoded(arrival: Arrival, type_name: str) -> Any:
    """Return the message if it is of this type and can be decoded, else None."""
    if arrival.source.topic.type_name != type_name:
        return None
    try:
        return _store(type_name).deserialize_cdr(arrival.data, type_name)
    except (SerdeError, TypesysError, ValueError, KeyError):
        return None


@cache
def _store(type_name: str) -> Typestore:
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(full_definition(type_name), type_name))
    return store
