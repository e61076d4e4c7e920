# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows what differs between Blender 4.2 and 5.x: actions, render engines, movies, the sequencer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy

LAYERED_ACTIONS = bpy.app.version >= (4, 4, 0)
CHANNELBAG_HELPERS = bpy.app.version >= (5, 0, 0)
MEDIA_TYPES = bpy.app.version >= (5, 0, 0)
TURNS_VIDEOS = bpy.app.version >= (4, 4, 0)  # whether Blender turns a film as its header asks, as phones write it
EEVEE = "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"
# From 4.5 on a path property must say that it takes paths beginning with "//"; before, the word is unknown.
BLEND_RELATIVE: set[str] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
# Which kind of file is written is a setting of its own from 5.0 on; it must be set before the format.
MEDIA_PATHS = ("render.image_settings.media_type",) if MEDIA_TYPES else ()
MEDIA_FACTORY = ("IMAGE",) if MEDIA_TYPES else ()
ENGINE_IDS = {"EEVEE": EEVEE, "CYCLES": "CYCLES", "WORKBENCH": "BLENDER_WORKBENCH"}


class ActionChannels:
    """The curves of one owner in one action, the same to write on every version.

    An action of before 4.4 has one list of curves; later ones hold a slot for the owner, and the curves lie in the
    channel bag of that slot (https://developer.blender.org/docs/release_notes/4.4/upgrading/slotted_actions/).
    """

    def __init__(self, action: bpy.types.Action, slot: Any, bag: Any) -> None:
        self.action = action
        self.slot = slot
        self._bag = bag

    @property
    def curves(self) -> Any:
        """The collection of F-curves."""
        return self._bag.fcurves

    def new_curve(self, data_path: str, index: int, group: str) -> bpy.types.FCurve:
        """A new, empty curve in the group of that name."""
        curve = self.curves.new(data_path, index=index)
        # Looked up each time: a group goes with its last curve, and one that is remembered would then be freed memory.
        curve.group = self._bag.groups.get(group) or self._bag.groups.new(group)
        return curve


def new_action(owner: bpy.types.ID, name: str) -> ActionChannels:
    """The channels of a new, empty action for `owner`; the action is not assigned yet."""
    action = bpy.data.actions.new(name)
    if not LAYERED_ACTIONS:
        action.id_root = owner.id_type
        return ActionChannels(action, None, action)
    return _own_channels(action, action.slots.new(id_type=owner.id_type, name=owner.name))


def copy_assigned_action(owner: bpy.types.ID, name: str) -> ActionChannels | None:
    """The channels of a copy of the action that `owner` plays, not assigned yet; None where it plays none."""
    data = owner.animation_data
    if data is None or data.action is None:
        return None
    action = data.action.copy()
    action.name, action.use_fake_user = name, False
    if not LAYERED_ACTIONS:
        return ActionChannels(action, None, action)
    played = data.action_slot
    slot = next((own for own in action.slots if played is not None and own.identifier == played.identifier), None)
    for other in [own for own in action.slots if own != slot]:
        action.slots.remove(other)  # whoever plays it plays the one that was copied
    slot = next(iter(action.slots), None)  # removing moves the others in memory
    return _own_channels(action, slot or action.slots.new(id_type=owner.id_type, name=owner.name))


def add_slot(action: bpy.types.Action, owner: bpy.types.ID) -> ActionChannels:
    """The channels of a new slot for `owner` in an action that others play too (from 4.4 on); not assigned yet."""
    return _own_channels(action, action.slots.new(id_type=owner.id_type, name=owner.name))


def assign_action(owner: bpy.types.ID, channels: ActionChannels) -> None:
    """Nothing; `owner` plays these channels from now on."""
    data = owner.animation_data_create()
    data.action = channels.action
    if LAYERED_ACTIONS:
        data.action_slot = channels.slot


def set_strip_slot(strip: bpy.types.NlaStrip, channels: ActionChannels) -> None:
    """Nothing; the NLA strip plays these channels of its action."""
    if LAYERED_ACTIONS:
        strip.action_slot = channels.slot


def _own_channels(action: bpy.types.Action, slot: Any) -> ActionChannels:
    return ActionChannels(action, slot, _ensure_channelbag(action, slot))


def assigned_curves(owner: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The curves that `owner` plays, in the action's order; empty where it plays none."""
    data = owner.animation_data
    if data is None or data.action is None:
        return []
    if not LAYERED_ACTIONS:
        return list(data.action.fcurves)
    return [curve for bag in _bags(data.action, data.action_slot) for curve in bag.fcurves]


def _ensure_channelbag(action: bpy.types.Action, slot: Any) -> Any:
    if CHANNELBAG_HELPERS:
        from bpy_extras import anim_utils

        return anim_utils.action_ensure_channelbag_for_slot(action, slot)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _bags(action: bpy.types.Action, slot: Any) -> Iterator[Any]:
    if slot is None:
        return
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                yield bag


def set_render_engine(scene: bpy.types.Scene, kind: str) -> None:
    """Nothing; `scene` renders with "CYCLES", "EEVEE" or "WORKBENCH", whatever this version calls it."""
    scene.render.engine = ENGINE_IDS[kind]


def set_image_output(scene: bpy.types.Scene) -> None:
    """Nothing; renders are written as PNG stills."""
    settings = scene.render.image_settings
    if MEDIA_TYPES:
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    settings.color_mode = "RGB"


def set_movie_output(scene: bpy.types.Scene) -> None:
    """Nothing; renders are written as H.264 in an MP4, with sound where this build can mix it."""
    settings = scene.render.image_settings
    if MEDIA_TYPES:
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    movie = scene.render.ffmpeg
    movie.format, movie.codec, movie.constant_rate_factor = "MPEG4", "H264", "HIGH"
    movie.audio_codec = "AAC" if can_mix_sound() else "NONE"


@contextlib.contextmanager
def as_image_output(scene: bpy.types.Scene) -> Iterator[None]:
    """A while in which renders are written as PNG stills, whatever the scene writes otherwise."""
    settings = scene.render.image_settings
    names = ("media_type", "file_format", "color_mode") if MEDIA_TYPES else ("file_format", "color_mode")
    before = {name: getattr(settings, name) for name in names}
    set_image_output(scene)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def can_mix_sound() -> bool:
    """Whether this build has Blender's sound library (the 4.2 wheels have not)."""
    return bool(bpy.app.build_options.audaspace)


def can_denoise(scene: bpy.types.Scene) -> bool:
    """Whether this build has Open Image Denoise (distributions' own builds may not); it is chosen where it has."""
    try:
        scene.cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:
        return False
    return True


def sequencer_strips(scene: bpy.types.Scene) -> Any:
    """The scene's strips, making the sequencer where it has none."""
    editor = scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def own_strips(scene: bpy.types.Scene) -> Any:
    """The scene's strips, an empty list where it has no sequencer."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def add_speed_strip(strips: Any, played: Any, name: str, channel: int, factor: float) -> Any:
    """A strip that plays the one below it `factor` times as fast, over that one's own length."""
    known = strips.bl_rna.functions["new_effect"].parameters
    options: dict[str, Any] = {"input1" if "input1" in known else "seq1": played}
    length = played.frame_final_duration
    options |= {"length": length} if "length" in known else {"frame_end": played.frame_final_start + length}
    strip = strips.new_effect(name=name, type="SPEED", channel=channel, frame_start=played.frame_final_start, **options)
    strip.speed_control, strip.speed_factor, strip.use_frame_interpolate = "MULTIPLY", factor, False
    return strip


def show_sequencer_of(context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    """Nothing; from 5.0 on a workspace chooses whose strips its sequencers show: this scene's, where it shows none."""
    workspace = context.workspace
    if workspace is not None and hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:
        workspace.sequencer_scene = scene


def strip_curves(strip: bpy.types.NlaStrip) -> list[bpy.types.FCurve]:
    """The curves that an NLA strip plays; empty for one without an Action."""
    if strip.action is None:
        return []
    if not LAYERED_ACTIONS:
        return list(strip.action.fcurves)
    return [curve for bag in _bags(strip.action, strip.action_slot) for curve in bag.fcurves]


def all_curves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    """Every curve of an Action, whichever slot it belongs to."""
    if not LAYERED_ACTIONS:
        yield from action.fcurves
        return
    for slot in action.slots:
        for bag in _bags(action, slot):
            yield from bag.fcurves


def use_nodes(owner: Any) -> None:
    """Nothing; the material or world is made of nodes, as from 5.0 on all are."""
    if bpy.app.version < (5, 0, 0):
        owner.use_nodes = True
