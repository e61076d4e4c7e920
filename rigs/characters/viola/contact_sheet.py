# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of Viola in telling poses, side by side on one sheet, to judge her by."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix, Vector

if TYPE_CHECKING:
    from rigs.characters.viola.build import CharacterObjects

_COLUMNS = 6


@dataclass(frozen=True)
class Pose:
    """Shape key values, a turn of the head in degrees (yaw to the subject's left), and where the camera stands."""

    keys: dict[str, float] = field(default_factory=dict)
    turn_deg: float = 0.0
    camera_deg: float = 0.0
    close: bool = False


def _both(name: str, value: float = 1.0) -> dict[str, float]:
    return {name + "Left": value, name + "Right": value}


SMILE = _both("mouthSmile", 0.9) | _both("cheekSquint", 0.6) | _both("eyeSquint", 0.3)
MIXED = (
    _both("mouthSmile", 0.6)
    | _both("browOuterUp", 0.7)
    | {"jawOpen": 0.35, "browInnerUp": 0.6, "eyeLookOutLeft": 0.4, "eyeLookInRight": 0.4}
    | _both("mouthUpperUp", 0.3)
    | _both("eyeSquint", 0.3)
)
POSES: dict[str, Pose] = {
    "neutral": Pose(),
    "three_quarter": Pose(camera_deg=38.0),
    "profile": Pose(camera_deg=90.0),
    "blink": Pose(_both("eyeBlink")),
    "wink_left": Pose({"eyeBlinkLeft": 1.0, "mouthSmileLeft": 0.4, "cheekSquintLeft": 0.5}),
    "half_blink": Pose(_both("eyeBlink", 0.5)),
    "smile": Pose(SMILE),
    "jaw_open": Pose({"jawOpen": 1.0}),
    "jaw_open_close": Pose({"jawOpen": 1.0, "mouthClose": 1.0}),
    "pucker": Pose({"mouthPucker": 1.0}),
    "funnel": Pose({"mouthFunnel": 1.0}),
    "frown": Pose(_both("mouthFrown") | _both("browDown", 0.5) | {"browInnerUp": 0.4}),
    "brows_up": Pose(_both("browOuterUp") | {"browInnerUp": 1.0} | _both("eyeWide", 0.8)),
    "brows_down": Pose(_both("browDown") | _both("noseSneer", 0.4) | _both("eyeSquint", 0.4)),
    "gaze_left": Pose({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}),
    "gaze_right": Pose({"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
    "gaze_up": Pose(_both("eyeLookUp")),
    "gaze_down": Pose(_both("eyeLookDown")),
    "turn_30": Pose(turn_deg=30.0),
    "tongue": Pose({"tongueOut": 1.0, "jawOpen": 0.4}),
    "mixed": Pose(MIXED),
    "blink_down_squint": Pose(_both("eyeBlink") | _both("eyeLookDown", 0.8) | _both("eyeSquint", 0.6)),
    "laugh": Pose(SMILE | {"jawOpen": 0.5} | _both("mouthUpperUp", 0.5) | _both("mouthLowerDown", 0.3)),
    "eyes_close": Pose(close=True),
}


def _turn_camera(camera: bpy.types.Object, home: Matrix, pose: Pose) -> None:
    pivot = Vector((0.0, 0.03 if pose.camera_deg else 0.0, 0.0))
    spin = Matrix.Translation(pivot) @ Matrix.Rotation(np.deg2rad(pose.camera_deg), 4, "Z") @ Matrix.Translation(-pivot)
    camera.matrix_world = spin @ home
    camera.data.lens = 210.0 if pose.close else 112.0
    camera.data.shift_y = 0.16 if pose.close else -0.02


def apply_pose(made: CharacterObjects, pose: Pose) -> None:
    """Sets the face's keys and turns neck and head by half the turn each."""
    for block in made.face.data.shape_keys.key_blocks[1:]:
        block.value = pose.keys.get(block.name, 0.0)
    for name in ("neck", "head"):
        bone = made.armature.pose.bones[name]
        half = np.deg2rad(pose.turn_deg) / 2.0
        bone.rotation_quaternion = (np.cos(half / 2.0), 0.0, np.sin(half / 2.0), 0.0)
    bpy.context.view_layer.update()


def _pixels(path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    width, height = image.size
    values = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, 4)


def _save_sheet(pictures: list[np.ndarray], path: Path) -> None:
    columns = min(_COLUMNS, len(pictures))
    blank = np.zeros_like(pictures[0])
    padded = pictures + [blank] * (-len(pictures) % columns)
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    sheet = np.concatenate(rows[::-1], axis=0)
    image = bpy.data.images.new("sheet", sheet.shape[1], sheet.shape[0])
    image.pixels.foreach_set(sheet.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()


def render_sheet(
    made: CharacterObjects, folder: Path, *, size_px: int, engine: str, only: tuple[str, ...] = ()
) -> Path:
    """The path of `sheet.png`, after rendering each pose to `<pose>.png` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = bpy.context.scene
    scene.render.engine = engine
    scene.render.resolution_x = scene.render.resolution_y = size_px
    home = made.camera.matrix_world.copy()
    pictures: list[np.ndarray] = []
    for name in only or POSES:
        apply_pose(made, POSES[name])
        _turn_camera(made.camera, home, POSES[name])
        scene.render.filepath = str((folder / f"{name}.png").resolve())
        bpy.ops.render.render(write_still=True)
        pictures.append(_pixels(folder / f"{name}.png"))
    made.camera.matrix_world = home
    sheet = folder / "sheet.png"
    _save_sheet(pictures, sheet.resolve())
    return sheet
