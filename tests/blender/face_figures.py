# SPDX-License-Identifier: GPL-3.0-or-later
"""What an animator looks at: openings, widths, raises and corners of a face, from its landmark points over time."""

import bpy
import numpy as np

from blender_addon.blender.rig_measure import anchors
from blender_addon.blender.rig_measure.views import fitted_frame
from fomm_engine.wire.names import LANDMARKS

STEADY = [*LANDMARKS["nose_bridge"], 36, 39, 42, 45]  # points that go with the skull


def played_points(family, frames):
    """(T, 70, 3) the character's points in the world on scene frames, from the evaluated meshes."""
    scene, points = bpy.context.scene, anchors.kept(family.main)
    objects = anchors.match(points, family)
    found = []
    for number in frames:
        scene.frame_set(int(number))
        found.append(points.places(objects, bpy.context.evaluated_depsgraph_get()))
    return np.array(found)


def in_head(points, neutral):
    """((T, 70, 3) points with the head's own motion taken out, (T, 3, 3) that motion's rotation), by the skull."""
    still, turns = [], []
    weights = np.ones(len(STEADY))
    for own in points:
        rotation, _ = fitted_frame(neutral[STEADY], own[STEADY], weights)
        middle, at_rest = own[STEADY].mean(0), neutral[STEADY].mean(0)
        still.append((own - middle) @ rotation + at_rest)
        turns.append(rotation)
    return np.array(still), np.array(turns)


def figures(points):
    """{name: (T,)} of points (T, 70, 3) in the head frame (x the subject's left, y up)."""
    y, width = points[..., 1], np.linalg.norm(points[:, 54] - points[:, 48], axis=-1)
    found = {"mouth opening": y[:, 62] - y[:, 66], "mouth width": width, "chin": -y[:, 8]}
    for side, lid, brow, corner, eye in (
        ("right", ((37, 41), (38, 40)), range(18, 21), 48, range(36, 42)),
        ("left", ((43, 47), (44, 46)), range(23, 26), 54, range(42, 48)),
    ):
        found[f"lid {side}"] = np.mean([y[:, upper] - y[:, lower] for upper, lower in lid], axis=0)
        found[f"brow {side}"] = y[:, list(brow)].mean(1)
        found[f"corner {side}"] = y[:, corner] - y[:, 33]
        iris = 68 if side == "right" else 69
        found[f"gaze {side}"] = points[:, iris, 0] - points[:, list(eye), 0].mean(1)
    return found


def correlation(one, other):
    """Pearson's r of two curves."""
    return float(np.corrcoef(one, other)[0, 1])
