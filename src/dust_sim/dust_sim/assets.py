"""Robot model files: from the installed wheel ``dm-robotics-panda``, made light and cached.

The wheel's meshes have 134,000 faces; rendering them costs four times what the reduced ones (about
14,000) cost. Nothing of the wheel is copied into this repository: the reduced files live below
``$XDG_CACHE_HOME/dust`` (default ``~/.cache/dust``).
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

DISTRIBUTION = "dm-robotics-panda"
RECIPE = "r1"
"""Raised whenever this module writes different files from the same wheel."""

MODEL_FILE = "fr3.xml"
_SOURCE = "dm_robotics/panda/assets/panda"
_FACES = 1500
_FINGER_FACES = 500
_REMEDY = "python3 -m pip install --no-deps dm-robotics-panda==0.4.8 fast-simplification"

Progress = Callable[[str], None]


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def robot_files(progress: Progress = _to_stderr) -> Path:
    """Answer the folder with the robot's model files; prepare it on the first call.

    Safe when several processes call it at once: each prepares a folder of its own and the first
    rename wins.

    Args:
        progress: receives one line per step while the files are prepared; not called when they are
            cached.

    Returns:
        Folder with ``fr3.xml`` (arm with hand) and its meshes. The joints are named ``fr3_joint1``
        to ``fr3_joint7``, ``fr3_finger_joint1`` and ``fr3_finger_joint2``.

    Raises:
        ValueError: the wheel or the mesh reducer is not installed, or the cache cannot be
            written; the message names the remedy.
    """
    version, source = _installed()
    folder = cache_folder() / f"fr3-{version}-{RECIPE}"
    if not folder.is_dir():
        _prepare_atomically(source, folder, progress)
    return folder


def cache_folder() -> Path:
    """Answer the folder below which this project caches files; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dust"


def _installed() -> tuple[str, Path]:
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(
            f"robot model: the Python package {DISTRIBUTION} is not installed; "
            f"install it with: {_REMEDY}"
        ) from None
    source = Path(str(distribution.locate_file(_SOURCE)))
    if not (source / "panda.xml").is_file():
        raise ValueError(f"robot model: no panda.xml in {source}; reinstall it with: {_REMEDY}")
    return distribution.version, source


def _prepare_atomically(source: Path, folder: Path, progress: Progress) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ValueError(
            f"robot model: cannot write to {folder.parent} ({error.strerror}); "
            "set XDG_CACHE_HOME to a folder that you may write to"
        ) from error
    try:
        _prepare(source, work, progress)
        work.chmod(0o755)
        try:
            work.rename(folder)
        except OSError:
            # Another process was faster, and its files are as good as ours.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prepare(source: Path, work: Path, progress: Progress) -> None:
    meshes = sorted(source.glob("*.obj"))
    for number, mesh in enumerate(meshes, start=1):
        vertices, faces = read_obj(mesh)
        target = _FINGER_FACES if mesh.stem == "finger" else _FACES
        reduced = _reduce(vertices, faces, target)
        write_stl(work / f"{mesh.stem}.stl", *reduced)
        progress(
            f"robot model: {number}/{len(meshes)} {mesh.stem}: "
            f"{len(faces)} -> {len(reduced[1])} faces"
        )
    model = _merge(_adapt(source / "panda.xml"), _adapt(source / "panda_hand.xml", "_hand"))
    (work / MODEL_FILE).write_bytes(ElementTree.tostring(model))
    shutil.copy(source / "NOTICE", work / "NOTICE")


def _adapt(path: Path, suffix: str = "") -> ElementTree.Element:
    xml = re.sub(r"<texture [^>]*/>", "", path.read_text())
    xml = xml.replace(' texture="panda"', ' rgba="0.92 0.93 0.95 1"').replace('.obj"', '.stl"')
    # The robot's own torque control compensates the motors' friction; what is left is viscous (one
    # value was negative).
    xml = re.sub(r' frictionloss="[^"]*"', "", xml).replace('"-0.0132"', '"0.05"')
    xml = re.sub(r'"(panda|panda_white|wrist_site)"', rf'"\1{suffix}"', xml)
    return ElementTree.fromstring(xml.replace("panda_", "fr3_"))


def _merge(arm: ElementTree.Element, hand: ElementTree.Element) -> ElementTree.Element:
    """Mount the hand on the flange and move the sections that it needs into the arm's model."""
    # Joint torque sensors cost an inverse dynamics pass per step and nobody reads them.
    arm.remove(_child(arm, "sensor"))
    body = _child(_child(hand, "worldbody"), "body")
    body.set("quat", f"{math.cos(math.pi / 8)} 0 0 {-math.sin(math.pi / 8)}")
    _child(arm, ".//body[@name='fr3_link8']").append(body)
    _child(arm, "asset").extend(_child(hand, "asset"))
    for section in ("equality", "tendon", "actuator"):
        arm.append(_child(hand, section))
    return arm


def _child(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise ValueError(f"robot model: no {path!r} in the wheel; reinstall it with: {_REMEDY}")
    return found


def _reduce(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], target: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    try:
        import fast_simplification  # needed once, when the cache is empty
    except ImportError:
        raise ValueError(
            f"robot model: fast-simplification is not installed; install it with: {_REMEDY}"
        ) from None
    if len(faces) <= target:
        return vertices, faces
    vertices, faces = fast_simplification.simplify(vertices, faces, target_count=target)
    return vertices, faces


def read_obj(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Read the triangles of a Wavefront OBJ file, with equal vertices merged.

    Returns:
        Vertices [n, 3] in m and faces [m, 3] as indices into them. Polygons are split into fans;
        texture coordinates, normals and materials are left out.
    """
    points: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    for line in path.read_text().splitlines():
        fields = line.split()
        if not fields:
            continue
        if fields[0] == "v":
            points.append([float(value) for value in fields[1:4]])
        elif fields[0] == "f":
            corners = [int(field.split("/")[0]) - 1 for field in fields[1:]]
            triangles += [(corners[0], b, c) for b, c in pairwise(corners[1:])]
    merged, index = np.unique(np.array(points, dtype=np.float32), axis=0, return_inverse=True)
    faces = index.reshape(-1)[np.array(triangles)].astype(np.int32)
    proper = (
        (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    )
    return np.ascontiguousarray(merged), np.ascontiguousarray(faces[proper])


def write_stl(path: Path, vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> None:
    """Write triangles as a binary STL file; normals are left zero, readers compute them."""
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    triangles = np.zeros(len(faces), dtype=record)
    triangles["corners"] = vertices[faces]
    with path.open("wb") as file:
        file.write(bytes(80))
        file.write(np.uint32(len(faces)).tobytes())
        file.write(triangles.tobytes())
