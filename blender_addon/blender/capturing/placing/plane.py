# SPDX-License-Identifier: GPL-3.0-or-later
"""The video on a plane beside, behind or in front of the character, lit by itself."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector

from ... import compat, properties
from ...characters import character
from . import picture
from .step import Shown, keep_in_step

NAME = "Understudy Video"
TEXTURE = "Video"
FACES_HIGH = 1.6  # how much higher than the head the plane is, where nothing is known of the actor's place in it
NO_CHARACTER = (Vector((0.0, 0.0, 1.6)), 0.25)  # a head about where people have theirs, in metres
_CORNERS = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))


def place(scene: bpy.types.Scene, part: Shown, *, side: str) -> None:
    """Nothing; a plane shows the video, in place of an earlier one."""
    remove(scene)
    mesh = bpy.data.meshes.new(NAME)
    plane = bpy.data.objects.new(NAME, mesh)
    _shape(mesh, part)
    mesh.materials.append(_material(scene, part))
    scene.collection.objects.link(plane)
    plane.visible_shadow = False
    properties.of(scene).performance.plane = plane
    plane.location, plane.scale = _stand(scene, part, side)
    plane.rotation_euler = (np.pi / 2, 0.0, 0.0)  # upright, seen from the front
    follow(scene, part)


def follow(scene: bpy.types.Scene, part: Shown) -> None:
    """Nothing; the plane, where there is one, shows this part in step and in its shape."""
    plane = of(scene)
    tree = _tree(plane) if plane is not None else None
    if plane is None or tree is None:
        return
    _shape(plane.data, part)
    node = tree.nodes[TEXTURE]
    node.image = picture.of_part(scene, part)
    keep_in_step(tree, f'nodes["{TEXTURE}"].image_user', part, scene)


def remove(scene: bpy.types.Scene) -> bool:
    """Whether there was a plane of ours; it is gone with its mesh and material."""
    plane, own = of(scene), properties.of(scene).performance
    own.plane = None
    if plane is None:
        return False
    mesh = plane.data
    material = mesh.materials[0] if mesh.materials else None
    bpy.data.objects.remove(plane)
    if mesh.users == 0:
        bpy.data.meshes.remove(mesh)
    if material is not None and material.users == 0:
        bpy.data.materials.remove(material)
    return True


def of(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The plane, None where there is none or the user has deleted it."""
    plane = properties.of(scene).performance.plane
    return plane if plane is not None and plane.name in scene.objects else None


def image_user(plane: bpy.types.Object) -> bpy.types.ImageUser | None:
    """Which picture of the video the plane shows and when; None where the user has taken its material away."""
    tree = _tree(plane)
    return tree.nodes[TEXTURE].image_user if tree is not None else None


def _shape(mesh: bpy.types.Mesh, part: Shown) -> None:
    """Nothing; the mesh is one rectangle, one unit high, with the picture upright on it."""
    width, height = part.upright
    mesh.clear_geometry()
    mesh.from_pydata([(x * width / height, y, 0.0) for x, y in _CORNERS], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for corner, loop in enumerate(layer.data):
        x, y = _CORNERS[(corner + part.turn) % 4]
        loop.uv = (x + 0.5, y + 0.5)
    mesh.update()


def _material(scene: bpy.types.Scene, part: Shown) -> bpy.types.Material:
    """A material that shows the picture as it is, whatever the light."""
    material = bpy.data.materials.new(NAME)
    compat.use_nodes(material)
    tree = material.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    shine = tree.nodes.new("ShaderNodeEmission")
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.name, texture.image, texture.extension = TEXTURE, picture.of_part(scene, part), "CLIP"
    for place_x, node in ((200, output), (0, shine), (-300, texture)):
        node.location = (place_x, 0)
    tree.links.new(texture.outputs["Color"], shine.inputs["Color"])
    tree.links.new(shine.outputs["Emission"], output.inputs["Surface"])
    tree.nodes.active = texture  # what the viewport's texture colours show
    return material


def _tree(plane: bpy.types.Object) -> bpy.types.NodeTree | None:
    material = plane.active_material
    tree = material.node_tree if material is not None else None
    return tree if tree is not None and TEXTURE in tree.nodes else None


def _stand(scene: bpy.types.Scene, part: Shown, side: str) -> tuple[Vector, Vector]:
    """(place, scale) of the plane: as high as the head and a little more, its middle at the head's."""
    centre, head = character.face_box(scene) if character.is_chosen(scene) else NO_CHARACTER
    height = FACES_HIGH * head
    width = height * part.upright[0] / part.upright[1]
    apart = {
        "BESIDE": Vector((-(width / 2 + 0.75 * head), 0.0, 0.0)),
        "BEHIND": Vector((0.0, 1.2 * head, 0.0)),
        "FRONT": Vector((0.0, -1.0 * head, 0.0)),
    }
    return centre + apart[side], Vector((height, height, height))
