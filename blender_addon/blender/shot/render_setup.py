# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot in one press: camera, lights, sound, range and output. A second press brings it up to date."""

from __future__ import annotations

import bpy

from .. import properties
from ..capturing.placing import places
from . import framing, lighting, output, stage

CAMERA_NAME = "Understudy Camera"
LENS_MM = 85.0  # a portrait lens: the face without the nose coming forward


def set_up_render(scene: bpy.types.Scene) -> str:
    """What was set up and what of the user's was kept, in a sentence each; everything stays editable.

    Raises UserError where there is nothing to frame or nowhere to render to, before anything is changed.
    """
    own = properties.of(scene).render
    output.require_usable(own)
    wants_camera, wants_light = _wants_camera(scene), _wants_light(scene)
    sight = framing.sight_of(scene) if wants_camera or wants_light else None
    kept = output.set_up(scene)
    if sight is not None and wants_camera and not _place_camera(scene, sight):
        kept.append(CAMERA_NAME)
    if sight is not None and wants_light:
        kept += lighting.set_up(scene, sight)
    places.add_sound(scene)
    render = scene.render
    said = f"Frames {scene.frame_start} to {scene.frame_end}, {render.resolution_x} x {render.resolution_y}."
    return f"{said} Kept as you set them: {', '.join(kept)}." if kept else said


def remove_shot(scene: bpy.types.Scene) -> str:
    """What is gone; the scene's own camera and output stand again."""
    own = properties.of(scene).render
    ours = scene.camera is not None and stage.is_ours(scene, scene.camera)
    count = stage.remove(scene)
    if ours:
        scene.camera = own.camera_before
    own.camera_before = own.shot = None
    output.give_back(scene)
    return f"{count} objects of the shot are gone; camera and output are your own again."


def _wants_camera(scene: bpy.types.Scene) -> bool:
    own = properties.of(scene).render
    if own.use_camera == "NONE":
        return False
    return own.use_camera == "OWN" or scene.camera is None or stage.is_ours(scene, scene.camera)


def _wants_light(scene: bpy.types.Scene) -> bool:
    own = properties.of(scene).render
    return own.use_light == "OWN" or (own.use_light == "AUTO" and not lighting.has_own_light(scene))


def _place_camera(scene: bpy.types.Scene, sight: framing.Sight) -> bool:
    """Whether the shot's camera frames the head now; one that the user has moved stays where it is."""
    stage.ensure_collection(scene)
    camera = stage.ensure_object(scene, "camera", CAMERA_NAME, bpy.data.cameras.new(CAMERA_NAME))
    if scene.camera != camera:
        properties.of(scene).render.camera_before = scene.camera
        scene.camera = camera
    if stage.is_edited(camera):
        return False
    camera.data.lens = LENS_MM
    camera.data.clip_start, camera.data.clip_end = 0.05 * sight.height, 1000.0 * sight.height
    half_x, half_y = framing.half_angles(camera.data, scene.render.resolution_x, scene.render.resolution_y)
    camera.matrix_world = framing.placed(sight, half_x=half_x, half_y=half_y)
    stage.sign(camera)
    return True
