# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that put the performance's video into the scene, and take it away."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, FloatProperty

from .. import compat
from ..capturing.placing import places
from ..translation import said
from .base import Command
from .performance import VideoCommand

PLACES = (
    (
        places.BACKGROUND,
        "Camera Background",
        "The scene's camera shows the video behind the character",
        "CAMERA_DATA",
        0,
    ),
    (places.PLANE, "Image Plane", "A plane in the scene shows the video, lit by itself", "IMAGE_PLANE", 1),
    (places.STRIP, "Sequencer Strip", "The scene's sequencer plays the video with its sound", "SEQ_SEQUENCER", 2),
)
_DONE_WORDS = {
    places.BACKGROUND: "The camera shows the video, in step with the take.",
    places.PLANE: "A plane shows the video, in step with the take.",
}


class UNDERSTUDY_OT_place_video(VideoCommand, bpy.types.Operator):
    """Show the performance's video in the scene, in step with the take"""

    bl_idname = "understudy.place_video"
    bl_label = "Show Video in Scene"
    bl_options = {"REGISTER", "UNDO"}

    place: EnumProperty(name="Place", description="Where the video is shown", items=PLACES)
    depth: EnumProperty(
        name="Depth",
        description="Whether the character or the video is seen in front",
        items=(
            ("BACK", "Behind", "The character stands before the video"),
            ("FRONT", "In Front", "The video lies over the character"),
        ),
    )
    opacity: FloatProperty(
        name="Opacity", description="How much of the video is seen", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )
    side: EnumProperty(
        name="Side",
        description="Where the plane stands",
        items=(
            ("BESIDE", "Beside", "Beside the character, seen from the front on its left"),
            ("BEHIND", "Behind", "Behind the character's head"),
            ("FRONT", "In Front", "Before the character's face"),
        ),
    )

    @classmethod
    def description(cls, context: bpy.types.Context, options: UNDERSTUDY_OT_place_video) -> str:
        """What this place is, as the tooltip."""
        text = next(entry[2] for entry in PLACES if entry[0] == options.place)
        return bpy.app.translations.pgettext_tip(text)

    def act(self, context: bpy.types.Context) -> str:
        """Where the video is, and what else was set for it."""
        scene = context.scene
        sound = places.place(scene, self.place, places.PlacingOptions(self.depth, self.opacity, self.side))
        if self.place == places.BACKGROUND:
            _look_through_camera(context)
        if self.place != places.STRIP:
            return said(_DONE_WORDS[self.place])
        compat.show_sequencer_of(context, scene)
        _leave_render_alone(scene)
        if not sound:
            return said("The sequencer plays the video without sound.")
        if scene.sync_mode == "NONE":
            scene.sync_mode = "AUDIO_SYNC"  # else the picture falls behind the sound
        return said("The sequencer plays the video with its sound.")

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; the choices of this place."""
        layout = self.layout
        layout.use_property_split = True
        if self.place == places.BACKGROUND:
            layout.prop(self, "depth")
            layout.prop(self, "opacity")
        elif self.place == places.PLANE:
            layout.prop(self, "side")


class UNDERSTUDY_OT_remove_video(Command, bpy.types.Operator):
    """Take the performance's video out of the scene again; its file stays"""

    bl_idname = "understudy.remove_video"
    bl_label = "Remove Video from Scene"
    bl_options = {"REGISTER", "UNDO"}

    place: EnumProperty(name="Place", description="Where the video is shown now", items=PLACES)

    def act(self, context: bpy.types.Context) -> str:
        """Whether there was one."""
        if not places.remove(context.scene, self.place):
            raise ValueError("The video is not there.")
        return said("The video is out of the scene; its file is kept.")


def _look_through_camera(context: bpy.types.Context) -> None:
    """Nothing; the 3D view in which the button was pressed shows what the camera sees."""
    view = getattr(context.space_data, "region_3d", None)
    if view is not None:
        view.view_perspective = "CAMERA"


def _leave_render_alone(scene: bpy.types.Scene) -> None:
    """Nothing; where the sequencer shows nothing but the performance, renders go on showing the scene."""
    mixed = [strip for strip in compat.own_strips(scene) if strip.type != "SOUND"]
    if all(strip.get(places.strips.MARK) for strip in mixed):
        scene.render.use_sequencer = False


CLASSES: tuple[type, ...] = (UNDERSTUDY_OT_place_video, UNDERSTUDY_OT_remove_video)
