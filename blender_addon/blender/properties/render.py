# SPDX-License-Identifier: GPL-3.0-or-later
"""How the shot is rendered, and what setting it up may change."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty, StringProperty

from ..compat import BLEND_RELATIVE


class UnderstudyRender(bpy.types.PropertyGroup):
    """How the shot is rendered."""

    engine: EnumProperty(
        name="Engine",
        items=(
            ("CYCLES", "Cycles", "Path traced, the finished look"),
            ("EEVEE", "EEVEE", "Fast where there is a graphics card"),
            ("WORKBENCH", "Workbench", "Quick look"),
        ),
        default="CYCLES",
        description="What renders the frames",
    )
    width: IntProperty(name="Width", description="Pixels across", default=1280, min=16, max=16384)
    height: IntProperty(name="Height", description="Pixels down", default=720, min=16, max=16384)
    samples: IntProperty(name="Samples", description="Samples for each pixel", default=4, min=1, max=4096)
    format: EnumProperty(
        name="Output",
        items=(("PNG", "Image Sequence", "One PNG for each frame"), ("MP4", "Film", "One MP4 with H.264")),
        default="PNG",
        description="Stills or one film",
    )
    output: StringProperty(
        name="Folder",
        description="Where the frames or the film go",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
        default="//render/",
    )
    use_camera: EnumProperty(
        name="Camera",
        description="When a camera that frames the head is added",
        items=(
            ("AUTO", "If There Is None", "A scene's own camera is kept"),
            ("OWN", "Always", "The scene's own camera is put aside until the shot is removed"),
            ("NONE", "Never", "No camera is added"),
        ),
        default="AUTO",
    )
    use_light: EnumProperty(
        name="Light",
        description="When key, fill and rim light are added",
        items=(
            ("AUTO", "If There Is None", "A scene with lights of its own gets none"),
            ("OWN", "Always", "They are added to the scene's own lights"),
            ("NONE", "Never", "No light is added"),
        ),
        default="AUTO",
    )
    use_output: EnumProperty(
        name="Settings",
        description="When engine, size, range and output of the scene are set",
        items=(
            ("AUTO", "If Untouched", "What you have set in the scene yourself is kept"),
            ("OWN", "Always", "The scene's settings are put aside until the shot is removed"),
            ("NONE", "Never", "The scene's settings stay as they are"),
        ),
        default="AUTO",
    )
    shot: PointerProperty(
        type=bpy.types.Collection, name="Shot", description="The collection that holds camera and lights"
    )
    camera_before: PointerProperty(
        type=bpy.types.Object, name="Camera Before", description="The scene's own camera, which was put aside"
    )
    set_by_us: StringProperty(name="Set", description="What setting up has set in the scene, as JSON")
    before: StringProperty(name="Before", description="What stood in the scene before, as JSON")
