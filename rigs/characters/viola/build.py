# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds Viola: `python rigs/characters/viola/build.py --out viola.blend [--render DIR]`, or `build_character()`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import bpy
import numpy as np

from rigs.characters.viola import armature as rig
from rigs.characters.viola import brows, clothes, ears, eyes, hair, mouth, skin_paint, stage
from rigs.characters.viola.blender_meshes import add_keys, mesh_object
from rigs.characters.viola.face_rest import FaceRest, face_rest
from rigs.characters.viola.head_grid import HeadGrid, build_grid
from rigs.characters.viola.head_surface import shape_head
from rigs.characters.viola.landmarks import landmark_vertices
from rigs.characters.viola.materials import build_materials
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.shape_keys import arkit_keys, correctives
from rigs.characters.viola.solids import Solid, joined

LANDMARKS_PROPERTY = "understudy_landmarks"


@dataclass(frozen=True)
class CharacterObjects:
    """What the build left in the scene. `face` carries the 52 ARKit shape keys; `parts` are all meshes by name."""

    armature: bpy.types.Object
    face: bpy.types.Object
    parts: dict[str, bpy.types.Object]
    camera: bpy.types.Object
    lights: list[bpy.types.Object]
    collection: bpy.types.Collection


@dataclass(frozen=True)
class _Shapes:
    """The computed geometry before it becomes Blender objects."""

    grid: HeadGrid
    head: FloatArray
    face: FaceRest
    face_solid: Solid


def _shapes() -> _Shapes:
    grid = build_grid()
    head = shape_head(grid)
    extras = [ears.ears(), brows.eyebrows(), brows.upper_lashes()]
    face = face_rest(grid, head, extras)
    faces = [tuple(int(v) for v in row) for row in (*grid.quads, *grid.triangles)]
    names = skin_paint.head_materials(faces, face.lip_ring)
    skin = Solid(head, faces, names, skin_paint.paint_head(face, grid, len(head)))
    return _Shapes(grid, head, face, joined([skin, *extras]))


def _add_face_keys(target: bpy.types.Object, face: FaceRest) -> bpy.types.Key:
    fixes = correctives(face)
    moves = arkit_keys(face) | {name: fix.displacement_cm for name, fix in fixes.items()}
    key = add_keys(target, face.points, moves)
    for name, fix in fixes.items():
        first, second = fix.factors
        rig.drive(key.key_blocks[name], ("value", -1), "a * b", {"a": (key, first), "b": (key, second)})
    return key


def _note_landmarks(face: bpy.types.Object, shapes: _Shapes) -> None:
    table = {
        "face": landmark_vertices(shapes.grid, shapes.head),
        "irises": [["Viola.Eye.R", eyes.PUPIL_VERTEX], ["Viola.Eye.L", eyes.PUPIL_VERTEX]],
    }
    face.data[LANDMARKS_PROPERTY] = json.dumps(table, allow_nan=False)


def _loose_parts() -> dict[str, tuple[Solid, str]]:
    """Solids that follow one bone, by object name."""
    return {
        "Viola.Eye.L": (eyes.eyeball(1), "eye.L"),
        "Viola.Eye.R": (eyes.eyeball(-1), "eye.R"),
        "Viola.Teeth.Upper": (mouth.upper_teeth(), "head"),
        "Viola.Teeth.Lower": (mouth.lower_teeth(), "jaw"),
        "Viola.Hair": (hair.hair(), "head"),
    }


def build_character() -> CharacterObjects:
    """Viola with rig, set and camera, added to the current scene (best an empty one)."""
    scene = bpy.context.scene
    collection = bpy.data.collections.new("Viola")
    scene.collection.children.link(collection)
    shapes, materials = _shapes(), build_materials()
    armature = rig.build_armature(collection)
    face = mesh_object("Viola.Face", shapes.face_solid, materials, collection)
    key = _add_face_keys(face, shapes.face)
    rig.bind(face, armature, _face_weights(shapes))
    parts = {"Viola.Face": face}
    for name, (solid, bone) in _loose_parts().items():
        parts[name] = mesh_object(name, solid, materials, collection)
        rig.bind_whole(parts[name], armature, bone)
    tongue, out = mouth.tongue()
    parts["Viola.Tongue"] = mesh_object("Viola.Tongue", tongue, materials, collection)
    tongue_key = add_keys(parts["Viola.Tongue"], tongue.points, {"tongueOut": out})
    rig.drive(tongue_key.key_blocks["tongueOut"], ("value", -1), "t", {"t": (key, "tongueOut")})
    rig.bind_whole(parts["Viola.Tongue"], armature, "jaw")
    garment = clothes.top(shapes.grid, shapes.head)
    parts["Viola.Top"] = mesh_object("Viola.Top", garment, materials, collection)
    rig.bind(parts["Viola.Top"], armature, rig.body_weights(garment.points))
    rig.drive_bones(armature, key)
    _note_landmarks(face, shapes)
    camera, lights = stage.add_camera(collection), stage.add_lights(collection)
    stage.set_world(scene)
    stage.set_scene(scene, camera)
    bpy.context.view_layer.update()
    return CharacterObjects(armature, face, parts, camera, lights, collection)


def _face_weights(shapes: _Shapes) -> dict[str, FloatArray]:
    """Body weights for the head's own skin; ears, brows and lashes belong to the head."""
    weights = rig.body_weights(shapes.face.points)
    extra = np.arange(len(shapes.face.points)) >= len(shapes.head)
    pocket = extra | (shapes.face.lip_ring >= 0)
    return {bone: np.where(pocket, float(bone == "head"), share) for bone, share in weights.items()}


def main() -> None:
    """Command line: builds into an empty file, saves it, and renders the contact sheet where asked."""
    parser = argparse.ArgumentParser(description="Build Viola, the demo character.")
    parser.add_argument("--out", type=Path, required=True, help="the .blend file to write")
    parser.add_argument("--render", type=Path, help="also render the contact sheet into this folder")
    parser.add_argument("--only", default="", help="comma-separated poses to render (default: all)")
    parser.add_argument("--size", type=int, default=360, help="side of one picture in pixels")
    parser.add_argument("--engine", default="CYCLES", choices=("CYCLES", "BLENDER_WORKBENCH"))
    options = parser.parse_args()
    started_s = time.monotonic()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = build_character()
    faces = sum(len(part.data.polygons) for part in made.parts.values())
    sys.stdout.write(f"Viola: {faces} faces in {time.monotonic() - started_s:.1f} s\n")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(options.out.resolve()), compress=True)
    if options.render:
        from rigs.characters.viola.contact_sheet import render_sheet

        only = tuple(name for name in options.only.split(",") if name)
        render_sheet(made, options.render, size_px=options.size, engine=options.engine, only=only)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
