# SPDX-License-Identifier: GPL-3.0-or-later
"""Three lights about the head: key, fill and rim, sized and bright for a character of any size."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from . import stage
from .framing import Sight, look_at

_WATTS = 375.0  # of the key for a head one metre high; an area light's exposure goes with the square of the distance


@dataclass(frozen=True)
class _Lamp:
    """A light: its place in heads along the camera's axes (right, up, towards the camera), its size in heads, its
    strength to the key's."""

    role: str
    name: str
    place: tuple[float, float, float]
    size: float
    strength: float
    color: tuple[float, float, float]


_LAMPS = (
    _Lamp("key", "Understudy Key", (-1.3, 1.1, 2.0), 1.6, 1.0, (1.0, 0.96, 0.9)),
    _Lamp("fill", "Understudy Fill", (1.9, 0.2, 1.8), 2.4, 0.3, (0.9, 0.95, 1.0)),
    _Lamp("rim", "Understudy Rim", (1.1, 1.5, -1.9), 1.2, 0.9, (1.0, 1.0, 1.0)),
)


def set_up(scene: bpy.types.Scene, sight: Sight) -> list[str]:
    """The names of lights that the user has changed and that stay as they are; the others light the head."""
    kept: list[str] = []
    for lamp in _LAMPS:
        light = stage.ensure_object(scene, lamp.role, lamp.name, bpy.data.lights.new(lamp.name, "AREA"))
        if stage.is_edited(light):
            kept.append(light.name)
            continue
        light.data.size = lamp.size * sight.height
        light.data.energy = _WATTS * lamp.strength * sight.height**2
        light.data.color = lamp.color
        place = sight.centre + sight.axes @ (np.array(lamp.place) * sight.height)
        light.matrix_world = look_at(place, sight.centre)
        stage.sign(light)
    return kept


def has_own_light(scene: bpy.types.Scene) -> bool:
    """Whether the scene has a light that is the user's."""
    return any(thing.type == "LIGHT" and not stage.is_ours(scene, thing) for thing in scene.objects)
