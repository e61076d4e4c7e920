# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's engine, size, output and range: set where they are Blender's own or the shot's, kept where the user's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError

from .. import compat, properties
from ..properties import UnderstudyRender

FRAME_STEM, STILL_STEM, FILM_NAME = "frame_", "still_", "render.mp4"


@dataclass(frozen=True)
class _Group:
    """Settings that are set together: what they are called, where they are, how they are before anyone sets them."""

    name: str
    title: str
    paths: tuple[str, ...]
    factory: tuple[tuple[Any, ...], ...]
    apply: Callable[[bpy.types.Scene, UnderstudyRender], None]


def _engine(scene: bpy.types.Scene, own: UnderstudyRender) -> None:
    render = scene.render
    compat.set_render_engine(scene, own.engine)
    if own.engine == "CYCLES":
        scene.cycles.samples = own.samples
        scene.cycles.use_denoising = compat.can_denoise(scene)
        scene.cycles.denoising_quality = "BALANCED"  # at few samples the best quality took two thirds of a frame's time
        scene.cycles.denoising_prefilter = "FAST"
        render.use_persistent_data = True  # the geometry stays between frames: only what moves is built again
    elif own.engine == "EEVEE":
        scene.eevee.taa_render_samples = own.samples


def _size(scene: bpy.types.Scene, own: UnderstudyRender) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = own.width, own.height, 100


def _output(scene: bpy.types.Scene, own: UnderstudyRender) -> None:
    folder = own.output.rstrip("/\\") if own.output != "//" else "/"
    if own.format == "MP4":
        compat.set_movie_output(scene)
        scene.render.filepath = f"{folder}/{FILM_NAME}"
    else:
        compat.set_image_output(scene)
        scene.render.filepath = f"{folder}/{FRAME_STEM}####"
    scene.render.use_file_extension = own.format != "MP4"
    scene.render.use_sequencer = False  # the strip is for the sound; the picture is the scene's


def _range(scene: bpy.types.Scene, own: UnderstudyRender) -> None:
    baked = properties.of(scene)
    if baked.baked_last > baked.baked_first:
        scene.frame_start, scene.frame_end = _all_baked(scene)


def _all_baked(scene: bpy.types.Scene) -> tuple[int, int]:
    """From the first to the last frame that any character performs."""
    spans = [(one.baked_first, one.baked_last) for one in properties.of(scene).performers if one.baked]
    return min(first for first, _ in spans), max(last for _, last in spans)


_GROUPS = (
    _Group("engine", "engine", ("render.engine",), ((compat.EEVEE,),), _engine),
    _Group(
        "size",
        "size",
        ("render.resolution_x", "render.resolution_y", "render.resolution_percentage"),
        ((1920, 1080, 100),),
        _size,
    ),
    _Group(
        "output",
        "output",
        (*compat.MEDIA_PATHS, "render.image_settings.file_format", "render.filepath"),
        tuple((*compat.MEDIA_FACTORY, "PNG", path) for path in ("/tmp/", "/tmp\\", "//", "")),
        _output,
    ),
    _Group("range", "frame range", ("frame_start", "frame_end"), ((1, 250),), _range),
)


def require_usable(own: UnderstudyRender) -> None:
    """Nothing, if the panel's output can be set. Raises UserError("no-output", "odd-size")."""
    if not own.output or (own.output.startswith("//") and not bpy.data.filepath):
        raise UserError("no-output", "There is no folder to render to.", "Save the .blend, or choose a folder.")
    if own.format == "MP4" and (own.width % 2 or own.height % 2):
        raise UserError("odd-size", "H.264 needs an even width and height.", "Change the size by one pixel.")


def set_up(scene: bpy.types.Scene) -> list[str]:
    """What was kept because the user has set it; the rest of the scene's output is the panel's now."""
    own = properties.of(scene).render
    if own.use_output == "NONE":
        return []
    ours, before = _table(own.set_by_us), _table(own.before)
    kept: list[str] = []
    for group in _GROUPS:
        now = _values(scene, group)
        free = now in [list(factory) for factory in group.factory] or now == ours.get(group.name)
        if own.use_output == "AUTO" and not free:
            kept.append(group.title)
            continue
        before.setdefault(group.name, now)
        group.apply(scene, own)
        ours[group.name] = _values(scene, group)
    own.set_by_us, own.before = json.dumps(ours), json.dumps(before)
    return kept


def give_back(scene: bpy.types.Scene) -> None:
    """Nothing; what the shot set and nobody has changed since is as it was before the first shot."""
    own = properties.of(scene).render
    ours, before = _table(own.set_by_us), _table(own.before)
    for group in _GROUPS:
        if group.name in before and _values(scene, group) == ours.get(group.name):
            for path, value in zip(group.paths, before[group.name], strict=True):
                base, _, name = path.rpartition(".")
                setattr(scene.path_resolve(base) if base else scene, name, value)
    own.set_by_us = own.before = ""


def _values(scene: bpy.types.Scene, group: _Group) -> list[Any]:
    return [scene.path_resolve(path) for path in group.paths]


def _table(text: str) -> dict[str, list[Any]]:
    """What an earlier set-up wrote; {} where it cannot be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
