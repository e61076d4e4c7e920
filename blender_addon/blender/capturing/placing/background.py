# SPDX-License-Identifier: GPL-3.0-or-later
"""The video behind (or in front of) what the scene's camera sees."""

from __future__ import annotations

import math
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError

from ... import properties
from . import picture
from .step import Shown, keep_in_step


def place(scene: bpy.types.Scene, part: Shown, *, depth: str, opacity: float) -> None:
    """Nothing; the scene's camera shows the video, in place of an earlier one. Raises UserError("no-camera")."""
    if scene.camera is None or scene.camera.type != "CAMERA":
        raise UserError("no-camera", "The scene has no camera.", "Add one, or press Set Up Render.")
    remove(scene)
    camera = scene.camera.data
    shown = camera.background_images.new()
    shown.source, shown.image = "IMAGE", picture.of_part(scene, part)
    shown.display_depth, shown.alpha, shown.frame_method = depth, opacity, "FIT"
    camera.show_background_images = True
    properties.of(scene).performance.camera = camera
    follow(scene, part)


def follow(scene: bpy.types.Scene, part: Shown) -> None:
    """Nothing; the background, where there is one, shows this part in step."""
    found = entry(scene)
    if found is None:
        return
    index, shown = found
    shown.image = picture.of_part(scene, part)
    if part.turn:
        shown.rotation, shown.scale = _turned(scene, part)
    camera = properties.of(scene).performance.camera
    keep_in_step(camera, f"background_images[{index}].image_user", part, scene)


def remove(scene: bpy.types.Scene) -> bool:
    """Whether there was a background of ours; it is gone, others stay."""
    found = entry(scene)
    own = properties.of(scene).performance
    if found is not None:
        index, shown = found
        camera = own.camera
        camera.driver_remove(f"background_images[{index}].image_user.frame_offset")
        shown.image = None  # Blender goes on counting a user of the image otherwise
        camera.background_images.remove(shown)
    own.camera = None
    return found is not None


def entry(scene: bpy.types.Scene) -> tuple[int, Any] | None:
    """(place in the camera's list, the background) that shows our picture, None where there is none."""
    own = properties.of(scene).performance
    if own.camera is None or own.image is None:
        return None
    for index, shown in enumerate(own.camera.background_images):
        if shown.image == own.image:
            return index, shown
    return None


def _turned(scene: bpy.types.Scene, part: Shown) -> tuple[float, float]:
    """(rotation, scale) that set a lying picture upright, as large as the frame lets it be."""
    width, height = part.size
    frame_width = scene.render.resolution_x * scene.render.pixel_aspect_x
    frame_height = scene.render.resolution_y * scene.render.pixel_aspect_y
    lying = min(frame_width / width, frame_height / height)
    upright = min(frame_width / part.upright[0], frame_height / part.upright[1])
    return math.radians(90 * part.turn), upright / lying
