"""How the cell looks from one trial to the next: light, colours, where the cameras sit.

Looks are for pictures only. ``apply`` writes to a copy of the model that a renderer draws from;
the model that physics steps stays as it was designed. Colours keep to limits within which every
name stays true: the golden bowl stays golden, the blue cube blue::

    seed, strength --draw--> Variation (pure data) --apply--> a copy of the designed model
"""

from __future__ import annotations

import colorsys
import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim.placement import Placement
from dust_sim.scene import BODIES, CAMERAS, SKY, TABLE
from dust_sim.shapes import VISIBLE
from dust_sim.streams import Stream, trial_seed

Array = NDArray[np.float64]
Vector = tuple[float, float, float]

TEXTURES = (TABLE, SKY)
"""Textures whose colours vary; a renderer uploads them anew after ``apply``."""

# Parts of the robot whose colour comes from a material.
_ROBOT = ("panda", "fr3_white", "fr3_hand")
_LAMP_DISTANCE = 2.2  # m, from the lamp to what it shines on

# Largest changes, at strength 1.
_AMBIENT = 0.20
_HEADLIGHT = 0.25
_LAMP = 0.35
_WARMTH = 0.08
_LEAN = 0.7  # tangent of the lamp's angle: 35 degrees
_HUE = 0.015  # turns: 5 degrees, a third of the way from gold to lemon
_SATURATION = 0.15
_VALUE = 0.15
_TABLE_SATURATION = 0.7
_TABLE_VALUE = 0.30
_ROBOT_VALUE = 0.12
_OFFSET = {"wrist": 0.003, "side": 0.015}  # m
_TURN = {"wrist": math.radians(0.8), "side": math.radians(1.2)}
_FIELD_OF_VIEW = 1.0  # degrees


@dataclass(frozen=True, slots=True)
class Lighting:
    """Change of the light. Factors are 1 and shifts 0 in the designed cell."""

    ambient: float = 1.0
    """Factor of the light from everywhere."""
    headlight: float = 1.0
    """Factor of the light from where a camera sits."""
    lamp: float = 1.0
    """Factor of the lamp above the table."""
    warmth: float = 0.0
    """Share by which red grows and blue shrinks; negative: colder."""
    lean: tuple[float, float] = (0.0, 0.0)
    """Tangents of the angles by which the lamp's direction leans towards x and y."""

    @property
    def tint(self) -> Array:
        """Factors of red, green, blue [3]."""
        return np.array([1.0 + self.warmth, 1.0, 1.0 - self.warmth])


@dataclass(frozen=True, slots=True)
class Tint:
    """Change of a colour in hue, saturation, value."""

    hue: float = 0.0
    """Added, turns (1: all the way round)."""
    saturation: float = 1.0
    """Factor."""
    value: float = 1.0
    """Factor."""

    def __call__(self, rgb: Sequence[float] | Array) -> Array:
        """Answer the changed colour [3]; colours are in [0, 1]."""
        if self == Tint():
            return np.array(rgb, dtype=float)
        hue, saturation, value = colorsys.rgb_to_hsv(*(float(part) for part in rgb))
        changed = (hue + self.hue) % 1.0, saturation * self.saturation, value * self.value
        return np.array(colorsys.hsv_to_rgb(*np.clip(changed, 0.0, 1.0)))


@dataclass(frozen=True, slots=True)
class CameraShift:
    """Where a camera sits and what it sees, against the design."""

    offset: Vector = (0.0, 0.0, 0.0)
    """In the frame of what carries the camera, m."""
    turn: Vector = (0.0, 0.0, 0.0)
    """Rotation vector in the camera's frame, rad."""
    field_of_view: float = 0.0
    """Added to the vertical field of view, degrees."""


def _each(names: Sequence[str], value: Any) -> Mapping[str, Any]:
    return MappingProxyType(dict.fromkeys(names, value))


@dataclass(frozen=True, slots=True)
class Variation:
    """One look of the cell. Without arguments: as designed."""

    lighting: Lighting = Lighting()
    table: Tint = Tint()
    sky: Tint = Tint()
    """Of everything around the table."""
    robot: Tint = Tint()
    bodies: Mapping[str, Tint] = field(default_factory=lambda: _each(BODIES, Tint()))
    """By container and object."""
    cameras: Mapping[str, CameraShift] = field(
        default_factory=lambda: _each(CAMERAS, CameraShift())
    )
    """By camera."""

    @staticmethod
    def draw(seed: int | Sequence[int], strength: float = 1.0) -> Variation:
        """Draw a look.

        Args:
            seed: one or more integers >= 0; the same ones always give the same look.
            strength: share of the largest changes, in [0, 1]; at 0 the look is the designed one.

        Raises:
            ValueError: the strength is out of range.
        """
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"variation is {strength:g}; allowed: 0 to 1")
        if strength == 0.0:
            return Variation()
        dice = _Dice(seed, strength)
        return Variation(
            lighting=_draw_lighting(dice),
            table=Tint(dice.shift(0.5), dice.factor(_TABLE_SATURATION), dice.factor(_TABLE_VALUE)),
            sky=Tint(dice.shift(0.5), dice.factor(_TABLE_SATURATION), dice.factor(_TABLE_VALUE)),
            robot=Tint(value=dice.factor(_ROBOT_VALUE)),
            bodies=MappingProxyType({name: _draw_tint(dice) for name in BODIES}),
            cameras=MappingProxyType({name: _draw_camera(dice, name) for name in CAMERAS}),
        )

    @staticmethod
    def of(placement: Placement, strength: float) -> Variation:
        """Draw the look of a trial: it follows from task, object, seed and strength.

        Raises:
            ValueError: the strength is out of range.
        """
        names = placement.task.name, placement.object_name
        return Variation.draw(trial_seed(*names, placement.seed, Stream.LOOK), strength)


class _Dice:
    """Draws evenly between limits that grow with the strength."""

    def __init__(self, seed: int | Sequence[int], strength: float) -> None:
        self._random = np.random.default_rng(seed)
        self._strength = strength

    def shift(self, most: float) -> float:
        return self._strength * most * float(self._random.uniform(-1.0, 1.0))

    def factor(self, most: float) -> float:
        return 1.0 + self.shift(most)

    def vector(self, most: float) -> Vector:
        return self.shift(most), self.shift(most), self.shift(most)


def _draw_lighting(dice: _Dice) -> Lighting:
    return Lighting(
        ambient=dice.factor(_AMBIENT),
        headlight=dice.factor(_HEADLIGHT),
        lamp=dice.factor(_LAMP),
        warmth=dice.shift(_WARMTH),
        lean=(dice.shift(_LEAN), dice.shift(_LEAN)),
    )


def _draw_tint(dice: _Dice) -> Tint:
    return Tint(dice.shift(_HUE), dice.factor(_SATURATION), dice.factor(_VALUE))


def _draw_camera(dice: _Dice, name: str) -> CameraShift:
    turn, offset = dice.vector(_TURN[name]), dice.vector(_OFFSET[name])
    return CameraShift(offset, turn, dice.shift(_FIELD_OF_VIEW))


def varied(designed: mujoco.MjModel, variation: Variation) -> mujoco.MjModel:
    """Answer a copy of a cell's model that looks as the variation says. For drawing only."""
    model = copy.copy(designed)
    apply(model, variation, designed=designed)
    return model


def apply(model: mujoco.MjModel, variation: Variation, *, designed: mujoco.MjModel) -> None:
    """Give a model for drawing another look, whatever it looked like before.

    A renderer that has drawn from the model before uploads ``TEXTURES`` anew.

    Args:
        model: copy of the designed model; only fields that drawing uses are changed.
        variation: the look.
        designed: model of ``scene.build_model``; not changed.
    """
    _apply_lighting(model, variation.lighting, designed)
    _tint_texture(model, TABLE, variation.table, designed)
    _tint_texture(model, SKY, variation.sky, designed)
    for name in _ROBOT:
        number = designed.mat(name).id
        model.mat_rgba[number, :3] = variation.robot(designed.mat_rgba[number, :3])
    for name, tint in variation.bodies.items():
        _tint_body(model, name, tint, designed)
    for name, shift in variation.cameras.items():
        _shift_camera(model, name, shift, designed)


def _apply_lighting(model: mujoco.MjModel, light: Lighting, designed: mujoco.MjModel) -> None:
    own, given = model.vis.headlight, designed.vis.headlight
    own.ambient[:] = given.ambient * light.ambient * light.tint
    own.diffuse[:] = given.diffuse * light.headlight * light.tint
    model.light_diffuse[0] = designed.light_diffuse[0] * light.lamp * light.tint
    lean = np.array([*light.lean, 0.0])
    direction = designed.light_dir[0] + lean
    model.light_dir[0] = direction / np.linalg.norm(direction)
    # It still shines on the middle of the table.
    model.light_pos[0] = designed.light_pos[0] - _LAMP_DISTANCE * lean


def _tint_texture(model: mujoco.MjModel, name: str, tint: Tint, designed: mujoco.MjModel) -> None:
    texture = designed.tex(name)
    begin = int(texture.adr[0])
    end = begin + int(texture.width[0] * texture.height[0] * texture.nchannel[0])
    pixels = designed.tex_data[begin:end].reshape(-1, 3)
    mean = pixels.mean(axis=0) / 255.0
    levels = np.rint(np.arange(256)[:, None] * (tint(mean) / mean))
    table = np.clip(levels, 0, 255).astype(np.uint8)
    changed = model.tex_data[begin:end].reshape(-1, 3)
    for channel in range(3):
        changed[:, channel] = table[pixels[:, channel], channel]


def _tint_body(model: mujoco.MjModel, name: str, tint: Tint, designed: mujoco.MjModel) -> None:
    own = designed.geom_bodyid == designed.body(name).id
    for number in np.flatnonzero(own & (designed.geom_group == VISIBLE)):
        model.geom_rgba[number, :3] = tint(designed.geom_rgba[number, :3])


def _shift_camera(
    model: mujoco.MjModel, name: str, shift: CameraShift, designed: mujoco.MjModel
) -> None:
    number = designed.camera(name).id
    model.cam_pos[number] = designed.cam_pos[number] + shift.offset
    model.cam_quat[number] = designed.cam_quat[number]
    mujoco.mju_quatIntegrate(model.cam_quat[number], np.array(shift.turn), 1.0)
    model.cam_fovy[number] = designed.cam_fovy[number] + shift.field_of_view
