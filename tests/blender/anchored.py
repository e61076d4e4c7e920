# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmark points for test characters whose landmark vertices are known by construction."""

import numpy as np

from blender_addon.blender.characters import character
from blender_addon.blender.rig_measure import anchors, family


def family_in(scene, thing):
    """The whole family of the character that an object belongs to."""
    armature = character.armature_of(thing) if thing.type == "MESH" else thing
    for candidate in character.find_candidates(scene.objects):
        if candidate.parts.armature == armature and (armature is not None or thing in candidate.parts.meshes):
            return family.family_of(candidate.parts, scene.objects)
    raise LookupError(thing.name)


def anchor(own, skin, landmarks, irises):
    """The kept anchors: landmark vertices (68,) of the skin, irises [(object, vertex) right, left]."""
    objects = list(dict.fromkeys([skin, *(thing for thing, _ in irises)]))
    meshes = tuple((thing.name, len(thing.data.vertices)) for thing in objects)
    vertices = np.array([*landmarks, *(vertex for _, vertex in irises)])
    owner = np.array([0] * 68 + [objects.index(thing) for thing, _ in irises])
    shares = np.tile([1.0, 0.0, 0.0], (70, 1))
    made = anchors.Anchors(meshes, owner, np.repeat(vertices[:, None], 3, axis=1), shares, np.ones(70))
    anchors.keep(own, made)
    return made
