# SPDX-License-Identifier: GPL-3.0-or-later
"""A take for each video of a folder; what cannot be captured is told, and the rest goes on:

blender --background --python capture_folder.py -- videos takes
"""

import sys
from pathlib import Path

import bpy

videos, takes = [Path(word).absolute() for word in sys.argv[sys.argv.index("--") + 1 :]]
takes.mkdir(parents=True, exist_ok=True)
failed = 0
for video in sorted(videos.iterdir()):
    try:
        bpy.ops.understudy.import_performance(filepath=str(video))
        bpy.ops.understudy.capture(output=str(takes / f"{video.stem}.capture.npz"))
    except RuntimeError as error:  # one sentence for people: what is wrong, and what to do
        failed += 1
        sys.stdout.write(f"{video.name}: {str(error).strip().removeprefix('Error: ')}\n")
        continue
    take = bpy.context.scene.understudy.takes[-1]
    sys.stdout.write(f"{video.name}: {take.frames} frames, {take.lost} without a face\n")
sys.stdout.write(f"{failed} failed\n")
