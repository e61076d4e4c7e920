# SPDX-License-Identifier: GPL-3.0-or-later
"""Viola's materials: principled shaders that read the meshes' tint, with plain colours for Workbench."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from rigs.characters.viola import palette

TINT = "tint"


@dataclass(frozen=True)
class Finish:
    """How one material answers light.

    Workbench shows `colour` (linear RGB), a little lifted; `glow` stands in for light scattered inside the mouth.
    """

    colour: palette.Colour
    roughness: float = 0.5
    subsurface: float = 0.0
    coat: float = 0.0
    specular: float = 0.5
    sheen: float = 0.0
    glow: float = 0.0


FINISHES: dict[str, Finish] = {
    "skin": Finish(palette.SKIN, roughness=0.5, subsurface=0.28, specular=0.36),
    "lips": Finish(palette.LIPS, roughness=0.3, subsurface=0.12, specular=0.55, coat=0.12),
    "mouth": Finish(palette.MOUTH, roughness=0.4, glow=0.1),
    "gums": Finish(palette.GUMS, roughness=0.3, coat=0.3, glow=0.05),
    "teeth": Finish(palette.TEETH, roughness=0.18, coat=0.4, glow=0.05),
    "tongue": Finish(palette.TONGUE, roughness=0.35, coat=0.25, glow=0.1),
    "sclera": Finish(palette.SCLERA, roughness=0.25, subsurface=0.05),
    "iris": Finish(palette.IRIS, roughness=0.35),
    "limbus": Finish(palette.LIMBUS, roughness=0.35),
    "pupil": Finish(palette.PUPIL, roughness=0.3),
    "hair": Finish(palette.HAIR, roughness=0.43, specular=0.5, sheen=0.1),
    "brow": Finish(palette.BROW, roughness=0.6),
    "lash": Finish(palette.LASH, roughness=0.5),
    "cloth": Finish(palette.CLOTH, roughness=0.85, sheen=0.35),
}


def _principled(name: str, finish: Finish) -> bpy.types.Material:
    material = bpy.data.materials.new(f"Viola {name}")
    if not material.node_tree:  # already there from Blender 5.0 on
        material.use_nodes = True
    material.diffuse_color = (*(min(1.0, 1.25 * channel) for channel in finish.colour), 1.0)
    material.roughness = finish.roughness
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    tint = tree.nodes.new("ShaderNodeAttribute")
    tint.attribute_name = TINT
    tint.location = (-260, 200)
    tree.links.new(tint.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(tint.outputs["Color"], shader.inputs["Emission Color"])
    values = {
        "Roughness": finish.roughness,
        "Specular IOR Level": finish.specular,
        "Subsurface Weight": finish.subsurface,
        "Subsurface Scale": 0.01,
        "Coat Weight": finish.coat,
        "Coat Roughness": 0.12,
        "Sheen Weight": finish.sheen,
        "Emission Strength": finish.glow,
    }
    for socket, value in values.items():
        shader.inputs[socket].default_value = value
    shader.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
    return material


def _cornea() -> bpy.types.Material:
    """Clear and mirror-like by its Fresnel share, without refraction: it stays free of noise at a few samples."""
    material = bpy.data.materials.new("Viola cornea")
    if not material.node_tree:  # already there from Blender 5.0 on
        material.use_nodes = True
    material.diffuse_color = (1.0, 1.0, 1.0, 0.06)
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    fresnel, clear = tree.nodes.new("ShaderNodeFresnel"), tree.nodes.new("ShaderNodeBsdfTransparent")
    gloss, mix = tree.nodes.new("ShaderNodeBsdfGlossy"), tree.nodes.new("ShaderNodeMixShader")
    fresnel.inputs["IOR"].default_value = 2.1
    gloss.inputs["Roughness"].default_value = 0.03
    path, seen = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMath")
    seen.operation = "MULTIPLY"
    tree.links.new(fresnel.outputs["Fac"], seen.inputs[0])
    tree.links.new(path.outputs["Is Camera Ray"], seen.inputs[1])
    tree.links.new(seen.outputs["Value"], mix.inputs[0])
    tree.links.new(clear.outputs[0], mix.inputs[1])
    tree.links.new(gloss.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return material


def build_materials() -> dict[str, bpy.types.Material]:
    """New materials by the names that the solids use."""
    made = {name: _principled(name, finish) for name, finish in FINISHES.items()}
    made["cornea"] = _cornea()
    return made
