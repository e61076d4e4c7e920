# SPDX-License-Identifier: GPL-3.0-or-later
"""The portrait that the engine animates: its picture, what drives it, the model, and the film that came of it."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ..compat import BLEND_RELATIVE
from ..portrait import gallery

MODEL_ITEMS = (
    ("DEFAULT", "Default (Preview)", "The weights that come with the engine: the portrait is warped, not painted"),
    ("vox", "vox", "Talking faces"),
    ("vox-adv", "vox-adv", "Talking faces, trained longer with a discriminator: sharper"),
    ("taichi", "taichi", "Whole bodies doing Tai Chi"),
    ("taichi-adv", "taichi-adv", "Whole bodies doing Tai Chi, trained longer with a discriminator"),
    ("nemo", "nemo", "Smiling faces"),
    ("mgif", "mgif", "Cartoon animals"),
    ("fashion", "fashion", "Standing models showing clothes"),
    ("bair", "bair", "A robot arm"),
    ("FILE", "A File", "Weights of your own, in any form of a First Order Motion Model"),
)


class UnderstudyPortrait(bpy.types.PropertyGroup):
    """The portrait that the engine animates with the performance."""

    source: StringProperty(
        name="Portrait",
        description="A picture of a face, or a video whose first frame shows one; empty for the gallery's first",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
    )
    category: EnumProperty(name="Gallery", description="Which pictures are offered", items=gallery.portrait_categories)
    pick: EnumProperty(
        name="Portrait",
        description="The picture that is animated",
        items=gallery.portrait_items,
        get=gallery.picked_portrait,
        set=gallery.pick_portrait,
    )
    driving_from: EnumProperty(
        name="Driven by",
        description="The video whose motion the portrait takes",
        items=(
            ("PERFORMANCE", "Performance", "The performance video of the first step"),
            ("FILE", "A File", "Another video"),
            ("GALLERY", "Gallery", "A video of your folders"),
        ),
        default="PERFORMANCE",
    )
    driving: StringProperty(name="Video", description="The driving video", subtype="FILE_PATH", options=BLEND_RELATIVE)
    driving_category: EnumProperty(
        name="Gallery", description="Which videos are offered", items=gallery.video_categories
    )
    driving_pick: EnumProperty(
        name="Video",
        description="The video whose motion the portrait takes",
        items=gallery.video_items,
        get=gallery.picked_video,
        set=gallery.pick_video,
    )
    model: EnumProperty(name="Model", description="What paints the frames", items=MODEL_ITEMS, default="DEFAULT")
    model_file: StringProperty(
        name="Weights",
        description="A checkpoint (.pth.tar, .pth) or a .safetensors file",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
    )
    relative: BoolProperty(
        name="Relative Motion", description="Transfer motion, not the actor's own proportions", default=True
    )
    adapt_scale: BoolProperty(
        name="Adapt Scale", description="Fit the motion to the size of the portrait's face", default=True
    )
    match: EnumProperty(
        name="Matching Frame",
        description="The frame of the driving video whose pose is the portrait's; relative motion counts from there",
        items=(
            ("USUAL", "Usual", "The actor's neutral frame with the default weights, the first frame with a model"),
            ("BEST", "Best", "Search for the frame whose face is most like the portrait's; takes some seconds"),
            ("NUMBER", "Number", "A frame that you name"),
        ),
        default="USUAL",
    )
    best_frame: IntProperty(
        name="Frame", description="The matching frame of the driving video, from 0", default=0, min=0
    )
    layout: EnumProperty(
        name="Picture",
        description="What the film shows",
        items=(
            ("square", "Square", "The face's square alone"),
            ("1080p", "1920 x 1080", "The square in the middle of 1920 x 1080"),
            ("paste", "Whole Picture", "The whole portrait, its square painted anew"),
        ),
        default="square",
    )
    size: IntProperty(name="Side", description="Pixels of the square's side", default=512, min=64, max=2048, step=64)
    comparison: BoolProperty(
        name="Side by Side", description="Also make a film with the driving video at the left, in step", default=True
    )
    result: StringProperty(
        name="Result", description="The film that was made last", subtype="FILE_PATH", options=BLEND_RELATIVE
    )
