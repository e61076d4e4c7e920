# SPDX-License-Identifier: GPL-3.0-or-later
"""A face for Rigify's own human: a sheet of triangles with eyes and a mouth, bound to the generated rig by nearness."""

from dataclasses import dataclass
from functools import cache

import addon_utils
import bpy
import numpy as np
from mathutils.geometry import delaunay_2d_cdt

from fomm_engine.wire.names import LANDMARKS, MIRRORED_POINTS

# The subject's left half on the metarig's face bones, metres; the right half is its mirror image.
BROW = (
    (0.0215, -0.1546, 1.9144),
    (0.040, -0.149, 1.9215),
    (0.0588, -0.1421, 1.9255),
    (0.072, -0.132, 1.922),
    (0.083, -0.1213, 1.9164),
)
EYE = (
    (0.0262, -0.1418, 1.8891),
    (0.0425, -0.1427, 1.8987),
    (0.0600, -0.1410, 1.9015),
    (0.0768, -0.1218, 1.8947),
    (0.0625, -0.1385, 1.8861),
    (0.0393, -0.1425, 1.8854),
)
BRIDGE = ((0, -0.1536, 1.8978), (0, -0.1685, 1.879), (0, -0.1834, 1.8589), (0, -0.1965, 1.845))
NOSE_BASE = ((0, -0.1760, 1.8393), (0.009, -0.170, 1.8405), (0.0176, -0.1627, 1.8429))
JAW = (
    (0, -0.1560, 1.7392),
    (0.0200, -0.1460, 1.7440),
    (0.0387, -0.1315, 1.7536),
    (0.0530, -0.1100, 1.7680),
    (0.0680, -0.0880, 1.7830),
    (0.0783, -0.0689, 1.7975),
    (0.0850, -0.0660, 1.8250),
    (0.0900, -0.0640, 1.8500),
    (0.0926, -0.0625, 1.8738),
)
CORNER, INNER_CORNER = (0.0352, -0.1494, 1.8074), (0.0300, -0.1540, 1.8065)
UPPER_LIP = ((0, -0.1720, 1.8190), (0.0100, -0.1705, 1.8200), (0.0210, -0.1650, 1.8165))
LOWER_LIP = ((0, -0.1680, 1.7925), (0.0100, -0.1665, 1.7935), (0.0210, -0.1605, 1.7965))
SEAM = ((0, -0.1690, 1.8065), (0.0150, -0.1660, 1.8065))
SEAM_GAP = 0.0006
IRIS, EYE_CENTRE, EYE_RADIUS = (0.0516, -0.1451, 1.8941), (0.0516, -0.1209, 1.8941), 0.0242
FOREHEAD = ((0.0168, -0.1325, 1.9704), (0.0479, -0.1174, 1.9756), (0.0719, -0.094, 1.9717), (0.0873, -0.0597, 1.9523))
SPACING = 0.008
REACH = 0.005  # of a bone's pull on the skin


@dataclass
class RigifyFace:
    """The generated rig, the skin (its first 68 vertices are the landmarks) and the eyes (vertex 0 is the pupil)."""

    armature: bpy.types.Object
    skin: bpy.types.Object
    eyes: tuple[bpy.types.Object, bpy.types.Object]  # the subject's right, left


def landmark_points():
    """(68, 3) the landmarks in iBUG order."""
    points = np.zeros((68, 3))
    points[8:17] = JAW
    points[22:27] = BROW
    points[27:31] = BRIDGE
    points[33:36] = NOSE_BASE
    points[42:48] = EYE
    points[[51, 52, 53, 54]] = (*UPPER_LIP, CORNER)
    points[[57, 56, 55]] = LOWER_LIP
    points[[62, 63, 64]] = (*SEAM, INNER_CORNER)
    points[[66, 65]] = SEAM
    points[[65, 66], 2] -= SEAM_GAP
    for index, partner in enumerate(MIRRORED_POINTS[:68]):
        if not points[index].any():
            points[index] = points[partner] * (-1, 1, 1)
    return points


@cache
def _sheet():
    """(points (V, 3), faces): the 68 landmarks first, triangulated as seen from the front, eyes and mouth left open."""
    marks = landmark_points()
    forehead = np.array([(side * x, y, z) for x, y, z in FOREHEAD for side in (1, -1)])
    known = np.concatenate([marks, forehead])
    loops = [list(LANDMARKS[name]) for name in ("eye_right", "eye_left", "lips_inner")]
    outline = _hull(known[:, [0, 2]])
    grid = np.stack(np.meshgrid(np.arange(-0.096, 0.0961, SPACING), np.arange(1.744, 1.975, SPACING)), -1).reshape(
        -1, 2
    )
    keep = _inside(grid, known[outline][:, [0, 2]])
    for loop in loops:
        keep &= ~_inside(grid, _grown(marks[loop][:, [0, 2]]))
    keep &= np.linalg.norm(grid[:, None] - known[None][..., [0, 2]], axis=-1).min(1) > 0.6 * SPACING
    grid = grid[keep]
    weights = (np.linalg.norm(grid[:, None] - known[None][..., [0, 2]], axis=-1) + 0.002) ** -3.0
    depth = (weights * known[None, :, 1]).sum(1) / weights.sum(1)
    points = np.concatenate([known, np.stack([grid[:, 0], depth, grid[:, 1]], 1)])
    edges = [(loop[i], loop[(i + 1) % len(loop)]) for loop in loops for i in range(len(loop))]
    flat = [tuple(point) for point in points[:, [0, 2]]]
    _, _, faces, *_ = delaunay_2d_cdt(flat, edges, [], 0, 1e-7)
    middles = np.array([np.mean([flat[v] for v in face], axis=0) for face in faces])
    hole = np.zeros(len(faces), bool)
    for loop in loops:
        hole |= _inside(middles, marks[loop][:, [0, 2]])
    return points, [tuple(face) for face, gone in zip(faces, hole, strict=True) if not gone]


def make_rigify_face(upgraded):
    """The face on a freshly generated rig, with the old face bones or the upgraded ones."""
    armature = generate_rig(upgraded)
    points, faces = _sheet()
    skin = _mesh("Face", points, faces)
    bind(skin, armature, points)
    eyes = tuple(_eye(side, armature, upgraded) for side in (-1, 1))
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.update()
    return RigifyFace(armature, skin, eyes)


def generate_rig(upgraded):
    """The rig that Blender's Rigify makes of its human meta-rig."""
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    meta = bpy.context.object
    if upgraded:
        bpy.ops.object.mode_set(mode="POSE")
        bpy.ops.pose.rigify_upgrade_face()
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.pose.rigify_generate()
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and thing != meta)
    bpy.data.objects.remove(meta)
    return armature


def bind(skin, armature, points):
    """Weights by nearness to the face's deform bones; lips and lids stay with their own."""
    bones = [bone for bone in armature.data.bones if bone.use_deform and _of_the_face(bone.name)]
    starts, ends = (np.array([tuple(getattr(bone, name)) for bone in bones]) for name in ("head_local", "tail_local"))
    distance = np.stack([_to_segment(points, start, end) for start, end in zip(starts, ends, strict=True)], 1)
    for column, bone in enumerate(bones):
        distance[_forbidden(points, bone.name), column] = np.inf
    pull = (distance + REACH) ** -4.0
    least = -np.sort(-pull, axis=1)[:, 3:4]
    pull = np.where(pull >= least, pull, 0.0)
    pull /= pull.sum(1, keepdims=True)
    for column, bone in enumerate(bones):
        used = np.flatnonzero(pull[:, column] > 0.01)
        if len(used):
            group = skin.vertex_groups.new(name=bone.name)
            for vertex in used:
                group.add([int(vertex)], float(pull[vertex, column]), "REPLACE")
    skin.parent = armature
    skin.modifiers.new("Rig", "ARMATURE").object = armature


def _forbidden(points, name):
    x, z = np.abs(points[:, 0]), points[:, 2]
    near_eye = (np.abs(x - EYE_CENTRE[0]) < 0.03) & (np.abs(z - EYE_CENTRE[2]) < 0.02)
    lid_line = np.interp(x, (EYE[0][0], EYE[3][0]), (EYE[0][2], EYE[3][2]))
    seam = SEAM[0][2] - SEAM_GAP / 2
    wrong_side = points[:, 0] * (1 if ".L" in name else -1 if ".R" in name else 0) < -0.004
    if name.startswith("DEF-lid"):
        return wrong_side | (near_eye & ((z < lid_line - 1e-4) if ".T." in name else (z > lid_line + 1e-4)))
    if name.startswith(("DEF-lip.B", "DEF-chin", "DEF-jaw")):
        return wrong_side | ((z > seam) & (x < INNER_CORNER[0] + 0.001))
    if name.startswith(("DEF-lip.T", "DEF-nose")):
        return wrong_side | ((z < seam) & (x < INNER_CORNER[0] + 0.001))
    return wrong_side


def _of_the_face(name):
    kinds = ("brow", "lid", "lip", "jaw", "chin", "nose", "cheek", "forehead", "temple", "spine.006")
    return name.startswith(tuple(f"DEF-{kind}" for kind in kinds)) and name != "DEF-jaw_master"


def _eye(side, armature, upgraded):
    centre = np.array(EYE_CENTRE) * (side, 1, 1)
    angles = np.linspace(0.0, np.pi, 9)
    ring = np.linspace(0.0, 2 * np.pi, 13)[:-1]
    points = [(0.0, -1.0, 0.0)]
    points += [(np.sin(a) * np.cos(r), -np.cos(a), np.sin(a) * np.sin(r)) for a in angles[1:-1] for r in ring]
    faces = [(0, 1 + n, 1 + (n + 1) % 12) for n in range(12)]
    for row in range(len(angles) - 3):
        first, second = 1 + 12 * row, 13 + 12 * row
        faces += [(first + n, second + n, second + (n + 1) % 12, first + (n + 1) % 12) for n in range(12)]
    letter = "L" if side > 0 else "R"
    made = _mesh(f"Eye.{letter}", centre + EYE_RADIUS * np.array(points), faces)
    bone = f"DEF-eye.{letter}" if upgraded else f"MCH-eye.{letter}"
    made.vertex_groups.new(name=bone).add(range(len(points)), 1.0, "REPLACE")
    armature.data.bones[bone].use_deform = True
    made.parent = armature
    made.modifiers.new("Rig", "ARMATURE").object = armature
    return made


def _mesh(name, points, faces):
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(map(float, point)) for point in points], [], faces)
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


def _to_segment(points, start, end):
    way = end - start
    share = np.clip((points - start) @ way / max(way @ way, 1e-12), 0, 1)
    return np.linalg.norm(points - start - share[:, None] * way, axis=1)


def _inside(points, polygon):
    result = np.zeros(len(points), bool)
    for one, two in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (one[1] > points[:, 1]) != (two[1] > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            at = one[0] + (points[:, 1] - one[1]) / (two[1] - one[1]) * (two[0] - one[0])
        result ^= crosses & (points[:, 0] < at)
    return result


def _grown(polygon):
    middle = polygon.mean(0)
    away = polygon - middle
    return middle + away * (1 + 0.25 * SPACING / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9))


def _hull(points):
    order = sorted(range(len(points)), key=lambda n: tuple(points[n]))

    def half(numbers):
        found = []
        for number in numbers:
            while len(found) > 1 and _turn(points[found[-2]], points[found[-1]], points[number]) <= 0:
                found.pop()
            found.append(number)
        return found[:-1]

    return half(order) + half(order[::-1])


def _turn(one, two, three):
    first, second = two - one, three - one
    return first[0] * second[1] - first[1] * second[0]
