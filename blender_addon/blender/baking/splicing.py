# SPDX-License-Identifier: GPL-3.0-or-later
"""The second take of a splice: which controls it leads, from when to when, and how the Action tells of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import ARKIT_CHANNELS

from ...core.curves import Curves
from ...core.regions import region_of
from ...core.rig import Rig
from ...core.settings import RetargetSettings
from ...core.splice import Span
from .. import properties
from ..capturing import calibrations
from ..properties import UnderstudySplice, UnderstudyTake
from . import bake_choice


def second_take(scene: bpy.types.Scene) -> UnderstudyTake:
    """The take that leads some regions.

    Raises UserError("no-second-take", "no-regions") where the panel's choices make no splice.
    """
    own = properties.of(scene)
    if not own.splice.regions:
        raise UserError("no-regions", "The splice has no region.", "Choose what the other take leads.")
    found = own.takes.get(own.splice.take)
    if found is None:
        raise UserError("no-second-take", "The splice has no other take.", "Choose a take of the list.")
    if found == properties.chosen_take(scene):
        raise UserError("no-second-take", f"{found.name} is the take that is baked.", "Choose another one.")
    return found


def second_settings(scene: bpy.types.Scene, settings: RetargetSettings, take: UnderstudyTake) -> RetargetSettings:
    """The settings for the second take: the same, with its own neutral frame and actor and the shift in time."""
    own = properties.of(scene)
    shifted = settings.time_offset_s + round(own.splice.offset_s, 6)
    actor = calibrations.of_take(scene, take) if own.retarget.use_calibration else None
    return replace(settings, neutral_frame=None, time_offset_s=shifted, calibration=actor)


def led(curves: Curves, rig: Rig, regions: Collection[str]) -> Curves:
    """The part of the second take's curves that it leads."""
    channels = {name for name in ARKIT_CHANNELS if region_of(name) in regions}
    return bake_choice.restricted(
        curves,
        rig,
        shapes=bake_choice.driven_shapes(rig, channels),
        bones=bake_choice.driven_bones(rig, channels, head="head" in regions),
        regions=regions,
    )


def span_of(own: UnderstudySplice, rate: tuple[int, int]) -> Span | None:
    """The scene frames over which the second take leads, None for all of them."""
    return Span(own.first, own.last, round(own.blend_s * rate[0] / rate[1], 3)) if own.use_range else None


def told(take: UnderstudyTake, own: UnderstudySplice) -> str:
    """What the Action keeps about the splice, as JSON."""
    facts = {
        "take": take.filepath,
        "take_sha256": take.sha256,
        "regions": sorted(own.regions),
        "frames": [own.first, own.last] if own.use_range else None,
        "blend_s": round(own.blend_s, 6),
        "offset_s": round(own.offset_s, 6),
    }
    return json.dumps(facts, ensure_ascii=True, allow_nan=False, sort_keys=True)
