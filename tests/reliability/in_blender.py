# SPDX-License-Identifier: GPL-3.0-or-later
"""Endurance inside one Blender, run by its Python: many captures in a row, or the bake of a very long take.

    python tests/reliability/in_blender.py captures --video V --engine-python PY --count 100 --json OUT
    python tests/reliability/in_blender.py bake --take T --character C --channel jawOpen --json OUT --curve CURVE.npz

What is measured goes to the JSON file; the process ends with 0 where everything ran.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SETTLED = 10  # captures after which Blender holds what it will always hold: modules, caches, previews


def main() -> None:
    """Does not come back: Blender's modules do not always leave well."""
    with tempfile.TemporaryDirectory(prefix="understudy-endurance-") as user_folder:
        os.environ["BLENDER_USER_RESOURCES"] = user_folder
        sys.path.insert(0, str(ROOT))
        import bpy  # noqa: F401 - once, before anything of the add-on

        args = _arguments()
        found = captures(args) if args.command == "captures" else bake(args)
        args.json.write_text(json.dumps(found, indent=1))
    sys.stdout.flush()
    os._exit(0)


def captures(args: argparse.Namespace) -> dict[str, Any]:
    """What this Blender held after each of `count` captures whose takes were imported, baked and removed again."""
    import bpy

    from blender_addon.blender import pipeline

    pipeline.load_character(args.character)
    pipeline.enable(args.engine_python)
    bpy.ops.object.select_all(action="DESELECT")
    pipeline.press("choose_character")
    pipeline.press("import_performance", filepath=str(args.video))
    held = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(args.count):
            pipeline.press("capture", output=str(Path(folder) / f"take_{index}.capture.npz"))
            pipeline.press("bake")
            _forget_takes_and_bakes()
            held.append(_held())
        held[-1]["takes_on_disk"] = len(list(Path(folder).glob("*.capture.npz")))
        held[-1]["other_files_on_disk"] = len(list(Path(folder).iterdir())) - held[-1]["takes_on_disk"]
    return {"settled": held[min(SETTLED, len(held)) - 1], "end": held[-1], "captures": len(held)}


def bake(args: argparse.Namespace) -> dict[str, Any]:
    """How long the take took to bake, and one channel's keys (frames and values) as they stand in the Action."""
    import bpy
    import numpy as np

    from blender_addon.blender import compat, pipeline, properties
    from blender_addon.blender.baking import retarget_settings

    pipeline.load_character(args.character)
    pipeline.enable(None)
    pipeline.press("import_take", filepath=str(args.take))
    scene = bpy.context.scene
    retarget_settings.set_scene_rate(scene, tuple(args.frame_rate))
    bpy.ops.object.select_all(action="DESELECT")
    pipeline.press("choose_character")
    started = time.process_time()
    pipeline.press("bake")
    spent_s = time.process_time() - started
    own = properties.of(scene)
    frames, values = _keys(compat, f'key_blocks["{args.channel}"].value')
    np.savez(args.curve, frames=frames, values=values)
    rate = scene.render.fps / scene.render.fps_base
    return {"bake_cpu_s": spent_s, "first": own.baked_first, "last": own.baked_last, "keys": len(frames), "rate": rate}


def _forget_takes_and_bakes() -> None:
    import bpy

    from blender_addon.blender import pipeline, properties

    while len(properties.of(bpy.context.scene).takes):
        pipeline.press("remove_take")
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    gc.collect()


def _held() -> dict[str, int]:
    """Counts of what could leak: memory (MiB), open files, child processes, threads, data-blocks."""
    import bpy

    status = Path("/proc/self/status").read_text()
    resident_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    collections = (getattr(bpy.data, name) for name in dir(bpy.data) if not name.startswith("_"))
    blocks = sum(len(found) for found in collections if isinstance(found, bpy.types.bpy_prop_collection))
    return {
        "resident_mb": resident_kb // 1024,
        "open_files": len(os.listdir("/proc/self/fd")),
        "children": len(children),
        "threads": len(os.listdir("/proc/self/task")),
        "data_blocks": blocks,
    }


def _keys(compat: Any, path: str) -> tuple[Any, Any]:
    """(K,) frames and (K,) values of the one F-Curve with this path, over all Actions."""
    import bpy
    import numpy as np

    curves = [c for keys in bpy.data.shape_keys for c in compat.assigned_curves(keys) if c.data_path == path]
    assert len(curves) == 1, f"{len(curves)} F-Curves drive {path}"
    flat = np.zeros(2 * len(curves[0].keyframe_points), np.float32)
    curves[0].keyframe_points.foreach_get("co", flat)
    return flat[::2], flat[1::2]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("captures", "bake"))
    parser.add_argument("--character", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--engine-python", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--take", type=Path)
    parser.add_argument("--channel", default="jawOpen")
    parser.add_argument("--curve", type=Path)
    parser.add_argument("--frame-rate", type=int, nargs=2, default=(30000, 1001))
    return parser.parse_args()


if __name__ == "__main__":
    main()
