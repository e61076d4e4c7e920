# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a baked character, with a camera and lights of its own where the scene has none:

blender --background baked.blend --python render_shot.py -- frames 640 360
"""

import sys
from pathlib import Path

import bpy

folder, width, height = sys.argv[sys.argv.index("--") + 1 :]
scene = bpy.context.scene
settings = scene.understudy.render
settings.engine, settings.samples = "CYCLES", 1
settings.width, settings.height = int(width), int(height)
settings.format, settings.output = "PNG", str(Path(folder).absolute())
bpy.ops.understudy.render_setup()
bpy.ops.understudy.render()
sys.stdout.write(f"frames {scene.frame_start} to {scene.frame_end} are in {folder}\n")
