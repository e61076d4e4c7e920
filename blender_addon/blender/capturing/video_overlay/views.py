# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a video is seen in an editor: which picture it shows now, and where its points are in the region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ....core.array_types import FloatArray
from ... import properties
from .. import take_files
from ..placing import background, plane, step

BEHIND = 1e-6


@dataclass(frozen=True)
class Seen:
    """picture: the number, from 0, of the one that is shown. place: from points (N, 2), shares of the upright picture
    from its top left corner, to pixels (N, 2) of the region."""

    picture: int
    place: Callable[[FloatArray], FloatArray]


def views_in(context: bpy.types.Context) -> Iterator[Seen]:
    """Where the performance's video is seen in the region that is being drawn."""
    kinds = {"VIEW_3D": _in_view, "IMAGE_EDITOR": _in_images, "CLIP_EDITOR": _in_clips}
    find = kinds.get(context.space_data.type) if context.space_data is not None else None
    if find is not None:
        yield from find(context)


def stored(points: FloatArray, turn: int) -> FloatArray:
    """(N, 2) shares of the picture as Blender keeps it, from its BOTTOM left corner, of points of the upright one."""
    u, v = points[:, 0], points[:, 1]
    across, down = ((u, v), (v, 1 - u), (1 - u, 1 - v), (1 - v, u))[turn % 4]
    return np.stack([across, 1 - down], axis=1)


def shown_number(user: Any, frame: int) -> int:
    """The number, from 0, of the picture that an image user shows at a scene frame, as Blender counts it."""
    number = min(max(0, frame - user.frame_start + 1), user.frame_duration)
    return number + user.frame_offset - 1


def in_frame(points: FloatArray, shown: Any, size: tuple[int, int], frame: tuple[FloatArray, FloatArray]) -> FloatArray:
    """(N, 2) pixels of stored points (N, 2) that a camera's background image of `size` shows within the camera's frame,
    which spans from `frame[0]` to `frame[1]`."""
    low, high = frame
    extent = high - low
    aspect, frame_aspect = size[0] / max(1, size[1]), extent[0] / max(BEHIND, extent[1])
    drawn = extent.copy()
    fitted = {"FIT": aspect > frame_aspect, "CROP": aspect <= frame_aspect}.get(shown.frame_method)
    if fitted is not None:  # STRETCH fills the frame
        drawn = np.array([extent[0], extent[0] / aspect] if fitted else [extent[1] * aspect, extent[1]])
    mirror = np.array([-1.0 if shown.use_flip_x else 1.0, -1.0 if shown.use_flip_y else 1.0])
    spots = (points - 0.5) * drawn * mirror * shown.scale
    turned = -shown.rotation
    about = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    return spots @ about.T + (low + high) / 2 + np.array(shown.offset) * extent


def on_plane(points: FloatArray, corners: FloatArray, matrix: FloatArray, region: tuple[int, int]) -> FloatArray:
    """(N, 2) pixels of points of a rectangle in space.

    points: (N, 2) shares from the top left; corners: (3, 3) its top left, top right and bottom left corner in the
    world; matrix: (4, 4) from the world to the view; region: width and height. NaN behind the viewer.
    """
    start, right, down = corners[0], corners[1] - corners[0], corners[2] - corners[0]
    world = start + points[:, :1] * right + points[:, 1:] * down
    seen = np.concatenate([world, np.ones((len(world), 1))], axis=1) @ matrix.T
    depth = np.where(seen[:, 3:] > BEHIND, seen[:, 3:], np.nan)
    return (seen[:, :2] / depth + 1) / 2 * np.array(region, float)


def _in_view(context: bpy.types.Context) -> Iterator[Seen]:
    scene, region, view = context.scene, context.region, context.space_data.region_3d
    matrix, size = np.array(view.perspective_matrix), (region.width, region.height)
    own = properties.of(scene).performance
    camera = context.space_data.camera
    found = background.entry(scene)
    if found is not None and view.view_perspective == "CAMERA" and camera is not None and camera.data == own.camera:
        shown, picture_size = found[1], tuple(found[1].image.size)
        frame = _frame_of(camera, scene, matrix, size)
        if camera.data.show_background_images and shown.show_background_image:
            yield Seen(
                shown_number(shown.image_user, scene.frame_current),
                lambda points: in_frame(stored(points, own.turn), shown, picture_size, frame),
            )
    thing = plane.of(scene)
    if thing is not None and thing.visible_get(view_layer=context.view_layer):
        corners, user = _corners_of(thing), plane.image_user(thing)
        if user is not None:
            number = shown_number(user, scene.frame_current)
            yield Seen(number, lambda points: on_plane(points, corners, matrix, size))


def _in_images(context: bpy.types.Context) -> Iterator[Seen]:
    space, own = context.space_data, properties.of(context.scene).performance
    if space.image is None or space.image.source != "MOVIE" or not _is_ours(space.image.filepath, own):
        return
    number = shown_number(space.image_user, context.scene.frame_current)
    yield Seen(number, _flat(context, own.turn))


def _in_clips(context: bpy.types.Context) -> Iterator[Seen]:
    clip, own = context.space_data.clip, properties.of(context.scene).performance
    if clip is None or clip.source != "MOVIE" or not _is_ours(clip.filepath, own):
        return
    yield Seen(context.scene.frame_current - clip.frame_start + clip.frame_offset, _flat(context, own.turn))


def _flat(context: bpy.types.Context, turn: int) -> Callable[[FloatArray], FloatArray]:
    """From the upright picture to an editor that shows it flat, from 0 to 1 in both directions."""
    view = context.region.view2d
    low = np.array(view.view_to_region(0.0, 0.0, clip=False), float)
    high = np.array(view.view_to_region(1.0, 1.0, clip=False), float)
    return lambda points: low + stored(points, turn) * (high - low)


def _is_ours(filepath: str, own: properties.UnderstudyPerformance) -> bool:
    ours, theirs = bpy.path.abspath(own.filepath), bpy.path.abspath(filepath)
    if not own.filepath or ours == theirs:
        return bool(own.filepath)
    return take_files.LOOKUPS.ask(f"same|{ours}|{theirs}", lambda: step.same_file(Path(ours), Path(theirs)))


def _frame_of(
    camera: bpy.types.Object, scene: bpy.types.Scene, matrix: FloatArray, region: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """The lower left and upper right corner, pixels, of what the camera renders."""
    turn = np.array(camera.matrix_world.normalized())
    corners = np.array([(*corner, 1.0) for corner in camera.data.view_frame(scene=scene)])
    seen = corners @ turn.T @ matrix.T
    spots = (seen[:, :2] / seen[:, 3:] + 1) / 2 * np.array(region, float)
    return spots.min(axis=0), spots.max(axis=0)


def _corners_of(thing: bpy.types.Object) -> FloatArray:
    """(3, 3) the plane's top left, top right and bottom left corner in the world; its vertices start bottom left and go
    round."""
    local = np.array([(*thing.data.vertices[index].co, 1.0) for index in (3, 2, 0)])
    return (local @ np.array(thing.matrix_world).T)[:, :3]
