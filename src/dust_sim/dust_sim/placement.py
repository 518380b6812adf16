"""Where everything stands at the start of a trial: seeded, reachable, graspable, apart.

The paper predetermines its start configurations (appendix A.4); here they are the seeds 0 to 5 of
each task and object. The same task, object and seed always give the same places; distractors are
drawn from a stream of their own, so that adding one moves nothing else, and so is the arm's start
posture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dust_sim.containers import CONTAINERS, ContainerSpec, container_spec
from dust_sim.fr3 import MAX_WIDTH
from dust_sim.objects import OBJECTS, ObjectSpec, object_spec
from dust_sim.pose import Pose2
from dust_sim.posture import HOME, Posture, start_posture
from dust_sim.streams import Stream, trial_seed
from dust_sim.tasks import Task, task_named

REACH = (0.40, 0.70)
"""Distances from the base's axis, m, at which the hand can point down to the table."""

_SOURCE_X = (0.46, 0.56)
_SOURCE_Y = (0.15, 0.21)
_TARGET_X = (0.45, 0.55)
_TARGET_Y = (0.16, 0.22)
_CONTAINER_YAW = 0.25
_TABLE_X = (0.34, 0.70)
_TABLE_Y = (-0.45, 0.45)
_GAP = 0.002
_DISTRACTOR_GAP = 0.012
# What the open hand needs around a grasp: half extents along its closing direction and across, m.
_HAND_ROOM = (0.115, 0.045)
_ROUNDS = 40
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Placement:
    """A start configuration. Bodies that ``poses`` does not name are not in the scene."""

    task: Task
    object_name: str
    seed: int
    distractors: tuple[str, ...]
    poses: Mapping[str, Pose2]
    posture: Posture = HOME
    """Of the arm [7], rad."""
    width: float = MAX_WIDTH
    """Opening of the hand, m."""

    @property
    def instruction(self) -> str:
        """The task in words."""
        return self.task.instruction(self.object_name)


def place(
    task: str,
    object_name: str,
    seed: int = 0,
    *,
    distractors: Sequence[str] = (),
    start_spread: float = 0.0,
) -> Placement:
    """Draw a start configuration.

    Args:
        task: name of the task, such as ``box_to_bowl``.
        object_name: name of the object that the instruction names, such as ``blue_cube``.
        seed: any integer >= 0; 0 to 5 are the evaluation's configurations.
        distractors: names of further objects, each at most once; they lie on or in the same source
            or on the table.
        start_spread: how often the arm starts near home instead of there, in [0, 1].

    Raises:
        ValueError: a name, the seed or the spread is wrong, or the distractors do not fit; the
            message says what is allowed.
    """
    chosen = task_named(task)
    wanted = object_spec(object_name)
    _check(object_name, seed, distractors)
    random = np.random.default_rng(trial_seed(task, object_name, seed))
    poses = _place_containers(chosen, random)
    source = container_spec(chosen.source)
    poses[object_name] = _place_on(wanted, source, poses[chosen.source], random)
    more = np.random.default_rng(trial_seed(task, object_name, seed, Stream.DISTRACTORS))
    poses |= _place_distractors(chosen, wanted, distractors, poses, more)
    posture = start_posture(trial_seed(task, object_name, seed, Stream.POSTURE), start_spread)
    return Placement(
        chosen, object_name, seed, tuple(distractors), MappingProxyType(poses), posture
    )


def _check(object_name: str, seed: int, distractors: Sequence[str]) -> None:
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; it must be at least 0")
    for name in distractors:
        object_spec(name)
    if object_name in distractors:
        raise ValueError(f"distractor {object_name!r} is the task's own object")
    if len(set(distractors)) < len(distractors):
        raise ValueError(f"distractors {list(distractors)} name an object twice")


def _place_containers(task: Task, random: np.random.Generator) -> dict[str, Pose2]:
    side = 1 if random.random() < 0.5 else -1
    places = {}
    for name, x_range, y_range, sign in (
        (task.source, _SOURCE_X, _SOURCE_Y, side),
        (task.target, _TARGET_X, _TARGET_Y, -side),
    ):
        x, y = random.uniform(*x_range), sign * random.uniform(*y_range)
        yaw = random.uniform(-_CONTAINER_YAW, _CONTAINER_YAW)
        places[name] = Pose2(x, y, _GAP / 2, yaw)
    return places


def _place_on(
    item: ObjectSpec, container: ContainerSpec, pose: Pose2, random: np.random.Generator
) -> Pose2:
    x = random.uniform(-container.spread_x, container.spread_x)
    y = random.uniform(-container.spread_y, container.spread_y)
    yaw = random.uniform(-math.pi, math.pi)
    return Pose2(*pose.to_base(x, y), pose.z + container.floor + item.rest_height + _GAP, yaw)


def _place_distractors(
    task: Task,
    wanted: ObjectSpec,
    distractors: Sequence[str],
    poses: Mapping[str, Pose2],
    random: np.random.Generator,
) -> dict[str, Pose2]:
    """Draw places for the distractors until all of them fit."""
    for _ in range(_ROUNDS):
        found: dict[str, Pose2] = {}
        for name in sorted(distractors, key=lambda name: -OBJECTS[name].radius):
            everything = {**poses, **found}
            pose = _place_distractor(object_spec(name), task, wanted, everything, random)
            if pose is None:
                break
            found[name] = pose
        else:
            return found
    raise ValueError(
        f"no room for the distractors {', '.join(distractors)} beside {', '.join(poses)}; "
        "take fewer distractors or another seed"
    )


def _place_distractor(
    item: ObjectSpec,
    task: Task,
    wanted: ObjectSpec,
    poses: Mapping[str, Pose2],
    random: np.random.Generator,
) -> Pose2 | None:
    for pose in _candidates(item, task, poses, random):
        if _fits(item, pose, poses) and _leaves_room(item, pose, wanted, poses[wanted.name]):
            return pose
    return None


def _candidates(
    item: ObjectSpec, task: Task, poses: Mapping[str, Pose2], random: np.random.Generator
) -> Iterator[Pose2]:
    """Draw places for a distractor: in the source, where it confuses most, or on the table."""
    source = container_spec(task.source)
    x_room = source.half_x - item.radius - 0.01
    y_room = source.half_y - item.radius - 0.01
    shared = random.random() < 0.6 and not source.round and min(x_room, y_room) > 0
    for attempt in range(_TRIES):
        yaw = random.uniform(-math.pi, math.pi)
        if shared and attempt < _TRIES // 4:
            base = poses[task.source]
            place = base.to_base(random.uniform(-x_room, x_room), random.uniform(-y_room, y_room))
            yield Pose2(*place, base.z + source.floor + item.rest_height + _GAP, yaw)
        else:
            yield Pose2(
                random.uniform(*_TABLE_X), random.uniform(*_TABLE_Y), item.rest_height + _GAP, yaw
            )


def _fits(item: ObjectSpec, pose: Pose2, poses: Mapping[str, Pose2]) -> bool:
    if not REACH[0] <= math.hypot(pose.x, pose.y) <= REACH[1]:
        return False
    on_table = pose.z < item.rest_height + 2 * _GAP
    for name, other in poses.items():
        if name in OBJECTS:
            apart = item.radius + OBJECTS[name].radius + _DISTRACTOR_GAP
            if math.hypot(pose.x - other.x, pose.y - other.y) < apart:
                return False
        elif on_table:
            # The hand opens above a target's rim: distractors beside it keep a finger's breadth
            # more.
            margin = item.radius + 2 * _DISTRACTOR_GAP
            if CONTAINERS[name].covers(*other.to_local(pose.x, pose.y), margin):
                return False
    return True


def _leaves_room(item: ObjectSpec, pose: Pose2, wanted: ObjectSpec, taken: Pose2) -> bool:
    """Say whether the open hand can take the wanted object without touching the item."""
    dx, dy = pose.x - taken.x, pose.y - taken.y
    closing = wanted.hand_yaw(taken.x, taken.y, taken.yaw) - math.pi / 2
    along = abs(math.cos(closing) * dx + math.sin(closing) * dy)
    across = abs(-math.sin(closing) * dx + math.cos(closing) * dy)
    outside = math.hypot(max(along - _HAND_ROOM[0], 0.0), max(across - _HAND_ROOM[1], 0.0))
    return outside >= item.radius
