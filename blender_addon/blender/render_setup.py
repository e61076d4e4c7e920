# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot: frame range, engine, output, and a camera and light where the scene has none."""

from __future__ import annotations

import math

import bpy
from mathutils import Vector

from fomm_engine.wire.errors import UserError

from . import character, compat, properties
from .placing import places

CAMERA_NAME = "Understudy Camera"
LENS_MM = 85.0  # a portrait lens: the face without the nose coming forward
FACE_MARGIN = 1.35
FRAME_STEM = "frame_"
FILM_NAME = "render.mp4"


def set_up_render(scene: bpy.types.Scene) -> str:
    """What was set up, in one sentence; everything stays editable.

    Raises UserError where there is nothing to frame.
    """
    own = properties.of(scene)
    added = [_add_camera(scene)] if scene.camera is None else []
    if not any(thing.type == "LIGHT" for thing in scene.objects):
        added.append(_add_light(scene))
    if own.baked_last > own.baked_first:
        scene.frame_start, scene.frame_end = own.baked_first, own.baked_last
    _set_picture(scene, own.render)
    _set_output(scene, own.render)
    places.add_sound(scene)
    extra = f" Added {' and '.join(added)}." if added else ""
    return f"Frames {scene.frame_start} to {scene.frame_end}, {own.render.width} x {own.render.height}.{extra}"


def _set_picture(scene: bpy.types.Scene, own: properties.UnderstudyRender) -> None:
    render = scene.render
    compat.set_render_engine(scene, own.engine)
    render.resolution_x, render.resolution_y, render.resolution_percentage = own.width, own.height, 100
    render.use_sequencer = False  # the strip is for the sound; the picture is the scene's
    if own.engine == "CYCLES":
        scene.cycles.samples = own.samples
        scene.cycles.use_denoising = compat.can_denoise(scene)
        scene.cycles.denoising_quality = "BALANCED"  # at few samples the best quality took two thirds of a frame's time
        scene.cycles.denoising_prefilter = "FAST"
        render.use_persistent_data = True  # the geometry stays between frames: only what moves is built again
    elif own.engine == "EEVEE":
        scene.eevee.taa_render_samples = own.samples


def _set_output(scene: bpy.types.Scene, own: properties.UnderstudyRender) -> None:
    if not own.output or (own.output.startswith("//") and not bpy.data.filepath):
        raise UserError("no-output", "There is no folder to render to.", "Save the .blend, or choose a folder.")
    folder = own.output.rstrip("/\\") if own.output != "//" else "/"
    if own.format == "MP4":
        if own.width % 2 or own.height % 2:
            raise UserError("odd-size", "H.264 needs an even width and height.", "Change the size by one pixel.")
        compat.set_movie_output(scene)
        scene.render.filepath = f"{folder}/{FILM_NAME}"
    else:
        compat.set_image_output(scene)
        scene.render.filepath = f"{folder}/{FRAME_STEM}####"
    scene.render.use_file_extension = own.format == "PNG"


def _add_camera(scene: bpy.types.Scene) -> str:
    centre, height = character.face_box(scene)
    camera = bpy.data.objects.new(CAMERA_NAME, bpy.data.cameras.new(CAMERA_NAME))
    camera.data.lens = LENS_MM
    scene.collection.objects.link(camera)
    # The vertical view of a landscape picture is the sensor's width over its aspect.
    aspect = min(1.0, scene.render.resolution_y / scene.render.resolution_x)
    half_angle = math.atan(camera.data.sensor_width * aspect / (2 * LENS_MM))
    distance = FACE_MARGIN * height / (2 * math.tan(half_angle))
    camera.location = centre + Vector((0.0, -distance, 0.0))
    camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.camera = camera
    return "a camera"


def _add_light(scene: bpy.types.Scene) -> str:
    centre, height = character.face_box(scene)
    light = bpy.data.objects.new("Understudy Key", bpy.data.lights.new("Understudy Key", "AREA"))
    light.data.size = 2.0 * height
    light.data.energy = 60.0 * (2.5 * height) ** 2  # the same exposure at any size of character
    light.location = centre + Vector((1.2 * height, -2.0 * height, 1.2 * height))
    light.rotation_euler = (centre - light.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(light)
    return "a key light"
