# SPDX-License-Identifier: GPL-3.0-or-later
"""A face whose vertices are the standard face's 70 points, and whose shape keys do exactly what they are told to."""

from dataclasses import dataclass

import bpy
import numpy as np
from anchored import anchor, family_in
from mathutils.geometry import delaunay_2d_cdt

from blender_addon.blender.rig_measure.family import Family
from fomm_engine.wire.names import ARKIT_CHANNELS
from fomm_engine.wire.standard_face import standard_face

BLENDER_FROM_HEAD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
FACE = standard_face()


@dataclass
class LandmarkFace:
    """The mesh, and its family."""

    mesh: bpy.types.Object
    family: Family


def make_landmark_face(keys, unit=0.01, name="Face", armature=None):
    """A face of size `unit` metres per cm with shape keys {name: displacement (70, 3) cm in the head frame}."""
    data = bpy.data.meshes.new(name)
    flat = [tuple(point) for point in FACE.neutral_cm[:68, :2]]
    faces = [tuple(face) for face in delaunay_2d_cdt(flat, [], [], 0, 1e-7)[2]]
    data.from_pydata(in_blender(FACE.neutral_cm, unit).tolist(), [], faces)
    mesh = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(mesh)
    mesh.shape_key_add(name="Basis")
    for key_name, moved in keys.items():
        key = mesh.shape_key_add(name=key_name, from_mix=False)
        key.value = 0.0  # from Blender 5.0 on a new key is on
        key.data.foreach_set("co", in_blender(FACE.neutral_cm + moved, unit).astype(np.float32).ravel())
    if armature is not None:
        mesh.parent = armature
        mesh.modifiers.new("Rig", "ARMATURE").object = armature
    bpy.context.view_layer.update()
    family = family_in(bpy.context.scene, mesh)
    anchor(family, mesh, range(68), [(mesh, 68), (mesh, 69)])
    bpy.ops.object.select_all(action="DESELECT")
    return LandmarkFace(mesh, family)


def in_blender(points_cm, unit=0.01):
    """(N, 3) places in Blender's axes, metres."""
    return points_cm @ BLENDER_FROM_HEAD.T * unit


def arkit_moves():
    """{channel: displacement (70, 3) cm} of the channels that move anything."""
    return {
        name: moved
        for name, moved in zip(ARKIT_CHANNELS, FACE.expression_cm, strict=True)
        if np.abs(moved).max() > 0.05
    }
