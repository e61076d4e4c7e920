# SPDX-License-Identifier: GPL-3.0-or-later
"""The set Viola stands on: three area lights, a camera on head and shoulders, and a soft backdrop."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
from mathutils import Vector

from rigs.characters.viola.blender_meshes import EYE_LEVEL_M


@dataclass(frozen=True)
class Lamp:
    """An area light: name, place relative to the face (m), size (m), power (W) and colour (linear RGB)."""

    name: str
    place: tuple[float, float, float]
    size: float
    power: float
    colour: tuple[float, float, float]


LAMPS = (
    Lamp("Viola.Key", (-0.75, -0.95, 0.62), 0.5, 19.0, (1.0, 0.90, 0.80)),
    Lamp("Viola.Fill", (0.95, -0.85, 0.05), 0.9, 3.4, (0.72, 0.84, 1.0)),
    Lamp("Viola.Rim", (0.55, 0.85, 0.6), 0.5, 9.0, (1.0, 0.86, 0.72)),
)
_AIM = Vector((0.0, 0.0, EYE_LEVEL_M - 0.03))


def _aimed(made: bpy.types.Object, place: Vector, aim: Vector) -> None:
    made.location = place
    made.rotation_euler = (aim - place).to_track_quat("-Z", "Y").to_euler()


def add_lights(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """Key, fill and rim lights."""
    lights: list[bpy.types.Object] = []
    for lamp in LAMPS:
        data = bpy.data.lights.new(lamp.name, "AREA")
        data.energy, data.size, data.color = lamp.power, lamp.size, lamp.colour
        made = bpy.data.objects.new(lamp.name, data)
        _aimed(made, _AIM + Vector(lamp.place), _AIM)
        collection.objects.link(made)
        lights.append(made)
    return lights


def add_camera(collection: bpy.types.Collection) -> bpy.types.Object:
    """A portrait camera before the face; its height of view is the same in square and wide frames."""
    data = bpy.data.cameras.new("Viola.Camera")
    data.sensor_fit, data.sensor_height, data.lens, data.clip_start = "VERTICAL", 24.0, 86.0, 0.05
    made = bpy.data.objects.new("Viola.Camera", data)
    aim = Vector((0.0, 0.0, EYE_LEVEL_M - 0.006))
    _aimed(made, aim + Vector((0.0, -1.22, 0.0)), aim)
    collection.objects.link(made)
    return made


def set_world(scene: bpy.types.Scene) -> None:
    """A backdrop that runs from a warm glow behind the head to dusk at the corners; it lights only softly."""
    world = bpy.data.worlds.new("Viola.World")
    scene.world = world
    if not world.node_tree:  # already there from Blender 5.0 on
        world.use_nodes = True
    world.color = (0.11, 0.13, 0.16)
    nodes, links = world.node_tree.nodes, world.node_tree.links
    background = nodes["Background"]
    place, shift = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    shift.inputs["Location"].default_value = (-0.5, -0.56, 0.0)
    glow, ramp = nodes.new("ShaderNodeVectorMath"), nodes.new("ShaderNodeValToRGB")
    glow.operation = "LENGTH"
    ramp.color_ramp.elements[0].color = (0.21, 0.185, 0.175, 1.0)
    ramp.color_ramp.elements[1].color = (0.028, 0.05, 0.068, 1.0)
    ramp.color_ramp.elements[1].position = 0.78
    ramp.color_ramp.interpolation = "EASE"
    path, mix = nodes.new("ShaderNodeLightPath"), nodes.new("ShaderNodeMixRGB")
    mix.inputs[1].default_value = (0.13, 0.15, 0.19, 1.0)
    links.new(place.outputs["Window"], shift.inputs["Vector"])
    links.new(shift.outputs["Vector"], glow.inputs[0])
    links.new(glow.outputs["Value"], ramp.inputs["Fac"])
    links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
    links.new(ramp.outputs["Color"], mix.inputs[2])
    links.new(mix.outputs["Color"], background.inputs["Color"])


def set_scene(scene: bpy.types.Scene, camera: bpy.types.Object) -> None:
    """Camera, frame rate, view transform and quick-look shading of the scene."""
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 8
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces, scene.cycles.transparent_max_bounces = 4, 6
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.render.resolution_x, scene.render.resolution_y = 720, 720
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "MATERIAL"
    shading.background_type = "WORLD"
    shading.show_specular_highlight = True
