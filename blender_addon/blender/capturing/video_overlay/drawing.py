# SPDX-License-Identifier: GPL-3.0-or-later
"""The draw handlers, and the triangles that they draw: a disc for each point, a thin bar for each line between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ....core.array_types import BoolArray, FloatArray
from ....core.face_lines import landmark_lines
from ... import pictures, properties
from ...properties.performance import rate_of
from .. import take_files
from ..placing import step
from .points import Reader, TakePoints
from .views import views_in

RADIUS_PX, IRIS_RADIUS_PX, LINE_PX = 3.0, 4.0, 1.2  # at a scale of the interface of 1
FULL_SIZE_PX, LEAST_SHARE = 240.0, 0.25  # smaller faces have smaller points, down to this share
LINE_COLOUR = (1.0, 1.0, 1.0, 0.5)
REDRAW_S = 0.1
_CORNERS = 8
_PAIRS = np.array(landmark_lines())
_ANGLES = np.arange(_CORNERS + 1) * 2 * np.pi / _CORNERS
_RING = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_SPACES = ("SpaceView3D", "SpaceImageEditor", "SpaceClipEditor")


class Handlers:
    """The draw handlers of the editors in which videos are seen; there from start to stop."""

    def __init__(self) -> None:
        self._added: list[tuple[Any, Any]] = []
        self.reader = Reader()

    @property
    def count(self) -> int:
        """How many handlers there are."""
        return len(self._added)

    def add(self) -> None:
        """Nothing; the handlers are there."""
        for name in _SPACES if not self._added else ():
            space = getattr(bpy.types, name)
            self._added.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))

    def remove(self) -> None:
        """Nothing; the handlers are gone."""
        for space, handler in self._added:
            space.draw_handler_remove(handler, "WINDOW")
        self._added.clear()
        self.reader.forget()


HANDLERS = Handlers()


def start() -> None:
    """Nothing; landmarks are drawn where a scene wants them. Without windows nothing is ever drawn."""
    if not bpy.app.background:
        HANDLERS.add()


def stop() -> None:
    """Nothing; nothing is drawn any more."""
    if bpy.app.timers.is_registered(_redraw_when_read):
        bpy.app.timers.unregister(_redraw_when_read)
    HANDLERS.remove()


def points_now(scene: bpy.types.Scene) -> TakePoints | None:
    """The points of the chosen take, where it is of the performance's video and the scene wants them drawn."""
    own = properties.of(scene).performance
    take = properties.chosen_take(scene) if own.show_landmarks and own.filepath else None
    if take is None or not take.landmarks or not take_files.is_there(take) or not _is_of(scene, take):
        return None
    found = HANDLERS.reader.ask(f"{take.uid}|{take.sha256}|{take.filepath}", lambda: take_files.path_of(take))
    waits = HANDLERS.reader.has_news and not bpy.app.background
    if waits and not bpy.app.timers.is_registered(_redraw_when_read):
        bpy.app.timers.register(_redraw_when_read, first_interval=REDRAW_S)
    return found


def draw() -> None:
    """Nothing; draws the landmarks over the video in the region that is being drawn."""
    context = bpy.context
    if context.scene is None or not hasattr(context.scene, "understudy"):
        return
    own = properties.of(context.scene).performance
    points = points_now(context.scene) if own.show_landmarks else None
    if points is None:
        return
    rate, scale = rate_of(own), context.preferences.system.ui_scale
    for seen in views_in(context):
        found = points.at(seen.picture / rate, 1 / rate)
        if found is not None:
            _draw_triangles(*triangles(seen.place(found[0]), found[1], scale))


def triangles(spots: FloatArray, sure: FloatArray, scale: float) -> tuple[FloatArray, FloatArray]:
    """(positions (N, 3), colours (N, 4)) of the triangles for points (70, 2) in pixels, each as sure as `sure` (70,)
    says; what is not seen (NaN) is left out."""
    here: BoolArray = np.asarray(np.isfinite(spots).all(axis=1))
    if not here.any():
        return np.zeros((0, 3)), np.zeros((0, 4))
    scale *= float(np.clip(np.ptp(spots[here], axis=0).max() / (FULL_SIZE_PX * scale), LEAST_SHARE, 1.0))
    bars = _bars(spots, _PAIRS[here[_PAIRS].all(axis=1)], LINE_PX * scale)
    radius = np.where(np.arange(len(spots)) < 68, RADIUS_PX, IRIS_RADIUS_PX)[here] * scale
    discs = _discs(spots[here], radius)
    colours = np.concatenate([pictures.confidence_colours(sure[here]), np.ones((int(here.sum()), 1))], axis=1)
    flat = np.concatenate([bars, discs])
    positions = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    return positions, np.concatenate(
        [np.tile(np.array(LINE_COLOUR), (len(bars), 1)), np.repeat(colours, 3 * _CORNERS, axis=0)]
    )


def _discs(spots: FloatArray, radius: FloatArray) -> FloatArray:
    """(P * 3 * _CORNERS, 2) triangles from each point's middle to its rim."""
    rim = spots[:, None] + _RING * radius[:, None, None]
    middle = np.repeat(spots[:, None], _CORNERS, axis=1)
    return np.stack([middle, rim[:, :-1], rim[:, 1:]], axis=2).reshape(-1, 2)


def _bars(spots: FloatArray, pairs: np.ndarray, width: float) -> FloatArray:
    """(L * 6, 2) two triangles for each line."""
    first, last = spots[pairs[:, 0]], spots[pairs[:, 1]]
    along = last - first
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across *= width / 2 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    corners = (first - across, first + across, last + across, first - across, last + across, last - across)
    return np.stack(corners, axis=1).reshape(-1, 2)


def _draw_triangles(positions: FloatArray, colours: FloatArray) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("FLAT_COLOR")
    content = {"pos": positions.astype(np.float32), "color": colours.astype(np.float32)}
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRIS", content).draw(shader)
    gpu.state.blend_set("NONE")


def _is_of(scene: bpy.types.Scene, take: properties.UnderstudyTake) -> bool:
    """Whether the take was captured from the performance's video."""
    path = properties.of(scene).performance.filepath
    key = f"of|{take.video}|{take.video_absolute}|{path}|{bpy.data.filepath}"
    return take_files.LOOKUPS.ask(key, lambda: step.take_of(scene, Path(bpy.path.abspath(path))) is not None)


def _redraw_when_read() -> float | None:
    if HANDLERS.reader.busy:
        return REDRAW_S
    HANDLERS.reader.has_news = False
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "IMAGE_EDITOR", "CLIP_EDITOR"}:
                area.tag_redraw()
    return None
