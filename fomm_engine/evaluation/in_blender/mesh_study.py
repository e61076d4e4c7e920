# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes put on a character in several ways, and where its mesh's landmark points then are: `mesh_study JOB OUT`.

JOB is JSON: {"character": builder, "engine_python": path, "takes": {name: capture file}}. OUT is an npz: rest (68, 3),
and for every take and way `<take>.<way>` (N, 68, 3), with `<take>.time_s` (N,). Points are in the head's axes (x its
left, y up, z out of the face), in the character's own unit, with the head at rest. They are vertices that the
character's builder names (`understudy_landmarks`), not the points that the add-on found by itself.

Ways: "names" by the ARKit names; "measured" in the measured controls; "raw" the same without smoothing; "thinned" the
same with a third of the keys; "disguised" in the measured controls of the disguised character.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from blender_addon.blender import pipeline, properties
from blender_addon.blender.baking import bake_writer, retarget_settings
from blender_addon.blender.baking.action_writer import Provenance
from blender_addon.blender.capturing import takes
from blender_addon.blender.characters import character
from blender_addon.blender.rig_measure import attach
from blender_addon.core.curves import Curves
from blender_addon.core.key_reduction import ReductionSettings, curve_at, reduce_keys
from blender_addon.core.retarget import retarget
from blender_addon.core.settings import RetargetSettings
from fomm_engine.evaluation.in_blender.disguise import disguise
from fomm_engine.wire.archive import write_arrays

LANDMARKS = "understudy_landmarks"
THIRD = ReductionSettings(error=0.0, share=1 / 3)


def main(arguments: list[str]) -> int:
    """The exit code; errors end the process with a trace, which the caller shows."""
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    pipeline.load_character(Path(job["character"]))
    pipeline.enable(Path(job["engine_python"]))
    scene = bpy.context.scene
    for path in job["takes"].values():
        pipeline.press("import_take", filepath=path)
    pipeline.press("choose_character")
    mesh = _landmark_mesh()
    arrays: dict[str, np.ndarray] = {"rest": _points(mesh)}
    names = list(job["takes"])
    _perform_all(scene, names, arrays, {"names": (1.0, False)})
    _measure()
    _perform_all(scene, names, arrays, {"measured": (1.0, False), "raw": (0.0, False), "thinned": (1.0, True)})
    _reset()
    done = disguise(mesh)
    sys.stderr.write(f"{done}\n")
    pipeline.press("choose_character")
    _measure()
    _perform_all(scene, names, arrays, {"disguised": (1.0, False)})
    write_arrays(arrays, Path(arguments[1]))
    return 0


def _measure() -> None:
    pipeline.press("find_landmarks")
    pipeline.press("measure_rig")


def _perform_all(
    scene: bpy.types.Scene, names: list[str], arrays: dict[str, np.ndarray], ways: dict[str, tuple[float, bool]]
) -> None:
    for place, name in enumerate(names):
        take = properties.of(scene).takes[place]
        for way, (smoothing, thin) in ways.items():
            _reset()
            settings = RetargetSettings(smoothing=smoothing, frame_rate=(take.rate_num, take.rate_den))
            arrays[f"{name}.{way}"], arrays[f"{name}.time_s"] = _performed(scene, take, settings, thin=thin)


def _performed(scene: bpy.types.Scene, take: Any, settings: RetargetSettings, *, thin: bool) -> tuple[Any, Any]:
    """(N, 68, 3) and (N,): the mesh's points and the take's time on every baked frame, the head kept at rest."""
    retarget_settings.set_scene_rate(scene, settings.frame_rate)
    scan, parts = character.scan_of(scene), character.parts_of(scene)
    probe = attach.probe_for(scan, parts, scene)
    curves = retarget(takes.tracks_of(take), scan.rig, settings, probe=probe).curves
    if thin:
        curves = _thinned(curves)
    still = replace(curves, bone_rotations={}, bone_locations={})
    provenance = Provenance(take.filepath, take.sha256, "{}", scan.rig_map)
    bake_writer.write_bake(still, meshes=parts.meshes, armature=parts.armature, provenance=provenance, name="study")
    mesh, points = _landmark_mesh(), []
    for frame in curves.frames:
        scene.frame_set(int(frame))
        points.append(_points(mesh))
    num, den = settings.frame_rate
    return np.array(points), (curves.frames - settings.start_frame) * den / num


def _thinned(curves: Curves) -> Curves:
    """The curves as a third of their keys makes them."""
    values = {
        name: curve_at(reduce_keys(curves.frames, own, THIRD, kept=curves.kept_frames.get(name)), curves.frames)[:, 0]
        for name, own in curves.shape_values.items()
    }
    return replace(curves, shape_values=values)


def _reset() -> None:
    """Nothing; the face is at rest and nothing animates it."""
    for owner in [*bpy.data.shape_keys, *bpy.data.armatures, *bpy.data.objects]:
        if owner.animation_data is not None:
            owner.animation_data.action = None
    for keys in bpy.data.shape_keys:
        for block in keys.key_blocks[1:]:
            block.value = 0.0
    bpy.context.view_layer.update()


def _landmark_mesh() -> bpy.types.Object:
    return next(o for o in bpy.data.objects if o.type == "MESH" and LANDMARKS in o.data)


def _points(mesh: bpy.types.Object) -> np.ndarray:
    """(68, 3): the named vertices of the evaluated mesh in the head's axes; the character looks along -Y."""
    posed = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    vertices = posed.data.vertices
    places = np.array([posed.matrix_world @ vertices[i].co for i in json.loads(mesh.data[LANDMARKS])["face"]])
    return np.stack([places[:, 0], places[:, 2], -places[:, 1]], 1)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Callbacks that are still registered make the bpy wheels crash or hang in their exit handlers.
    os._exit(code)
