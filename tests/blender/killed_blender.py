# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender of its own that captures a video until it is killed: killed_blender.py ENGINE VIDEO TAKES LAST_FRAME."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Captures into the takes folder; the engine's process number is written there as engine.pid."""
    engine, video, takes, last = sys.argv[1:]
    os.environ["BLENDER_USER_RESOURCES"] = str(Path(takes) / "user")
    sys.path.insert(0, str(ROOT))
    import bpy  # isort: skip - Blender's other modules are found once this one is loaded
    import addon_utils

    addon_utils.enable("blender_addon", default_set=True)
    own = bpy.context.preferences.addons["blender_addon"].preferences
    own.engine_python, own.takes_folder = engine, takes
    bpy.ops.understudy.import_performance(filepath=video)
    bpy.context.scene.understudy.performance.trim_out = int(last)
    from blender_addon.blender.engine_jobs import jobs

    def tell(_title: str, _session: object) -> None:
        told = Path(takes) / "engine.pid"
        if not told.exists():
            told.with_suffix(".part").write_text(str(jobs.DESK.run.pid))
            told.with_suffix(".part").rename(told)

    jobs.DESK.listener = tell
    bpy.ops.understudy.capture()


if __name__ == "__main__":
    main()
