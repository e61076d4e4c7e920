# SPDX-License-Identifier: GPL-3.0-or-later
"""One .blend for each take, baked on the character of the open file:

blender --background character.blend --python bake_takes.py -- out first.capture.npz second.capture.npz
"""

import sys
from pathlib import Path

import bpy

folder, *takes = [Path(word) for word in sys.argv[sys.argv.index("--") + 1 :]]
folder.mkdir(parents=True, exist_ok=True)
scene = bpy.context.scene
bpy.ops.object.select_all(action="DESELECT")
bpy.ops.understudy.choose_character()
for path in takes:
    bpy.ops.understudy.import_take(filepath=str(path.absolute()))
    own = scene.understudy
    own.take_index = len(own.takes) - 1
    bpy.ops.understudy.bake()
    target = folder / f"{path.name.split('.')[0]}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(target.absolute()), copy=True)
    sys.stdout.write(f"{target}: frames {own.baked_first} to {own.baked_last}\n")
