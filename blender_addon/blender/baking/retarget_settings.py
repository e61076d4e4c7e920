# SPDX-License-Identifier: GPL-3.0-or-later
"""From the panel's properties to the retargeting's settings, and to the JSON that is kept with an Action."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from fractions import Fraction
from typing import Any

import bpy

from ...core.settings import RegionSettings, RetargetSettings
from .. import properties
from ..capturing import calibrations
from ..characters import channel_settings
from ..properties import UnderstudyRetarget

# Blender splits a rate into whole frames and a base ("30 / 1.001"); float32 keeps seven digits of the base.
_MAX_BASE_DENOMINATOR = 1001


def scene_rate(scene: bpy.types.Scene) -> tuple[int, int]:
    """The scene's frame rate as (num, den): 30 fps with a base of 1.001 is (30000, 1001)."""
    base = Fraction(scene.render.fps_base).limit_denominator(_MAX_BASE_DENOMINATOR)
    rate = Fraction(scene.render.fps) / base
    return rate.numerator, rate.denominator


def set_scene_rate(scene: bpy.types.Scene, rate: tuple[int, int]) -> None:
    """Nothing; the scene runs at num / den frames a second."""
    num, den = rate
    whole = max(1, round(num / den))
    scene.render.fps, scene.render.fps_base = whole, whole * den / num


def settings_of(own: UnderstudyRetarget, scene: bpy.types.Scene) -> RetargetSettings:
    """The retargeting's settings as the panel shows them, at the scene's frame rate.

    Raises ValueError for a value out of its range.
    """
    names = {field.name for field in fields(RetargetSettings)}
    made_here = ("neutral_frame", "channels", "calibration")
    shown = [name for name in names if name in own.bl_rna.properties and name not in made_here]
    values = {name: _exact(getattr(own, name)) for name in shown}
    regions: dict[str, Any] = {
        entry.name: RegionSettings(
            gain=_exact(entry.gain), smoothing=_exact(entry.smoothing), curve=channel_settings.curve_of(own, entry)
        )
        for entry in own.regions
        if entry.name in names
    }
    neutral = None if own.auto_neutral else own.neutral_frame
    return RetargetSettings(
        neutral_frame=neutral,
        frame_rate=scene_rate(scene),
        channels=channel_settings.of(own),
        calibration=calibrations.of_take(scene, properties.chosen_take(scene)) if own.use_calibration else None,
        **values,
        **regions,
    )


def _exact(value: Any) -> Any:
    """Blender keeps float32: 0.35 comes back as 0.3499999940; six digits are what the user set."""
    return round(value, 6) if isinstance(value, float) else value


def settings_json(settings: RetargetSettings) -> str:
    """The settings as ASCII JSON with sorted keys."""
    return json.dumps(asdict(settings), ensure_ascii=True, allow_nan=False, sort_keys=True)
