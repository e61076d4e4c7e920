# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the add-on holds up Blender: build.py bench addon [--json FILE]. Runs in a Blender environment.

While a real capture runs, every callback that Blender would make is made and measured: the job's timer, and the draw of
every panel and of the status bar. Then the draw of each panel after a bake, a frame change with the live preview, and
the bulk writing of 60 channels x 3,000 frames against keyframe_insert in the same run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "blender")]
PERFORMANCE = ROOT / "rigs" / "performances" / "monologue.mp4"
TIMER_S, LONGEST_CAPTURE_S = 0.1, 600.0
BLOCKED_GOAL_MS, DRAW_GOAL_MS, BAKE_GOAL_S = 50.0, 1.0, 1.0
DRAWS = 50
CHANNELS, FRAMES = 60, 3000
REFERENCE_CHANNELS = 3  # of keyframe_insert, which takes minutes for all; the rest is reckoned


class Layout:
    """A layout that costs nothing, so that the add-on's own time is measured."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self

    def __setattr__(self, name: str, value: Any) -> None:
        pass


class Watch:
    """Milliseconds of the main thread in each callback: its own processor time, and as the clock on the wall saw it."""

    def __init__(self) -> None:
        self.own_ms: list[float] = []
        self.wall_ms: list[float] = []

    def __call__(self, work: Callable[[], Any]) -> Any:
        wall, own = time.perf_counter(), time.thread_time()
        result = work()
        self.own_ms.append(1000 * (time.thread_time() - own))
        self.wall_ms.append(1000 * (time.perf_counter() - wall))
        return result

    def figures(self) -> dict[str, float]:
        import numpy as np

        own = np.array(self.own_ms)
        return {
            "calls": len(own),
            "median_ms": float(np.median(own)),
            "p95_ms": float(np.percentile(own, 95)),
            "p99_ms": float(np.percentile(own, 99)),
            "worst_ms": float(own.max()),
            "worst_wall_ms": max(self.wall_ms),
        }


def main() -> int:
    """The exit code: 0 done, 2 where there is no engine."""
    parser = argparse.ArgumentParser(prog="build.py bench addon", description="Measure how long Blender is held up.")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--engine-python", type=Path, default=ROOT / ".venv" / "engine" / "bin" / "python")
    parser.add_argument("--video", type=Path, default=PERFORMANCE)
    args = parser.parse_args()
    if not args.engine_python.exists():
        sys.stderr.write(f"There is no engine at {args.engine_python}. Run build.py setup.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        os.environ["BLENDER_USER_RESOURCES"] = str(folder)  # before the first import of bpy
        report = measure(args, Path(folder))
    sys.stdout.write(table(report))
    if args.json is not None:
        args.json.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="ascii")
    return 0


def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    importlib.import_module("addon_utils").enable("blender_addon", default_set=True)  # bpy brings it with it
    bpy.context.preferences.addons["blender_addon"].preferences.engine_python = str(args.engine_python)
    from tiny_character import make_character

    make_character("Ada")
    bpy.ops.understudy.choose_character()
    report: dict[str, Any] = {"blender": bpy.app.version_string}
    report["bake"] = bake()
    report["capture"] = during_capture(args.video, folder)
    bpy.ops.understudy.bake()
    report["draw_ms"] = {panel.__name__: draw_ms(panel) for panel in panels()}
    report["preview"] = preview()
    return report


def panels() -> list[Any]:
    import bpy

    from blender_addon.blender import registration

    return [cls for cls in registration.CLASSES if issubclass(cls, bpy.types.Panel)]


def draw(panel: Any) -> None:
    """Nothing; one poll and draw, as Blender makes them."""
    import bpy

    if not hasattr(panel, "poll") or panel.poll(bpy.context):
        panel.draw(SimpleNamespace(layout=Layout()), bpy.context)


def draw_ms(panel: Any) -> float:
    """Milliseconds of one draw, the mean of many."""
    begin = time.thread_time()
    for _ in range(DRAWS):
        draw(panel)
    return 1000 * (time.thread_time() - begin) / DRAWS


def during_capture(video: Path, folder: Path) -> dict[str, Any]:
    """Figures of the callbacks while the real engine captures `video`, and of the last one, which takes the result."""
    import bpy

    from blender_addon.blender import panels as all_panels
    from blender_addon.blender.engine_jobs import jobs
    from blender_addon.blender.operators.performance import UNDERSTUDY_OT_capture as Capture

    bpy.ops.understudy.import_performance(filepath=str(video))
    # A command outside Blender's registry: without windows Blender itself would wait for the job at one go.
    body = {
        name: value for name, value in vars(Capture).items() if name not in ("bl_rna", "__dict__", "__annotations__")
    }
    command = type("Capture", Capture.__mro__[1:2], body)()
    command.report, command.output = (lambda *_: None), str(folder / "take.capture.npz")
    started, timer, drawing = Watch(), Watch(), Watch()
    started(lambda: jobs.DESK.take("Capture", lambda: command.start(bpy.context)))
    until, result, tick = time.monotonic() + LONGEST_CAPTURE_S, {"PASS_THROUGH"}, SimpleNamespace(type="TIMER")
    bar = SimpleNamespace(layout=Layout())
    while result == {"PASS_THROUGH"} and time.monotonic() < until:
        result = timer(lambda: command.modal(bpy.context, tick))
        drawing(lambda: [draw(panel) for panel in panels()])
        drawing(lambda: all_panels.draw_status_bar(bar, bpy.context))
        time.sleep(TIMER_S)
    if result != {"FINISHED"}:
        raise RuntimeError(f"the capture ended with {result}")
    settled = timer.own_ms.pop(), timer.wall_ms.pop()
    return {
        "start_ms": started.own_ms[0],
        "timer": timer.figures(),
        "all_panels_drawn": drawing.figures(),
        "take_taken_over_ms": settled[0],
        "take_taken_over_wall_ms": settled[1],
    }


def preview() -> dict[str, float]:
    """Milliseconds of a frame change without the live preview and with it."""
    import bpy

    scene = bpy.context.scene
    frames = list(range(scene.understudy.baked_first, scene.understudy.baked_last + 1))

    def scrubbed() -> float:
        begin = time.thread_time()
        for frame in frames:
            scene.frame_set(frame)
        return 1000 * (time.thread_time() - begin) / len(frames)

    scrubbed()
    without = scrubbed()
    bpy.ops.understudy.preview()
    scrubbed()
    with_preview = scrubbed()
    bpy.ops.understudy.preview()
    return {"without_ms": without, "with_ms": with_preview, "frames": len(frames)}


def bake() -> dict[str, float]:
    """Seconds of writing CHANNELS x FRAMES keys in bulk, and of keyframe_insert."""
    import numpy as np
    from tiny_character import make_character

    from blender_addon.blender.baking import bake_writer
    from blender_addon.core.curves import Curves

    names = [f"key {number}" for number in range(CHANNELS)]
    frames = np.arange(1, FRAMES + 1)
    values = {name: np.sin(frames / (number + 2.0)) for number, name in enumerate(names)}
    meshes = [make_character(name, keys=names).mesh for name in ("Bulk", "Insert")]
    provenance = bake_writer.Provenance(take="", take_sha256="", settings="{}", rig_map="")
    begin = time.process_time()
    bake_writer.write_bake(
        Curves(frames, values, {}, {}), meshes=[meshes[0]], armature=None, provenance=provenance, name="bulk"
    )
    bulk_s = time.process_time() - begin
    blocks = meshes[1].data.shape_keys.key_blocks
    begin = time.process_time()
    for name in names[:REFERENCE_CHANNELS]:
        block = blocks[name]
        for frame, value in zip(frames.tolist(), values[name].tolist(), strict=True):
            block.value = value
            block.keyframe_insert("value", frame=frame)
    insert_s = (time.process_time() - begin) * CHANNELS / REFERENCE_CHANNELS
    return {"bulk_s": bulk_s, "keyframe_insert_s": insert_s, "ratio": insert_s / bulk_s}


def table(report: dict[str, Any]) -> str:
    """The figures for people."""
    capture, live, written = report["capture"], report["preview"], report["bake"]
    rows = [f"Blender {report['blender']}; processor time of the main thread, the worst also by the clock on the wall"]
    for name, what in (("timer", "timer of the capture"), ("all_panels_drawn", "every panel, status bar")):
        part = capture[name]
        rows.append(
            f"{what:24} median {part['median_ms']:6.2f}  95 % {part['p95_ms']:6.2f}  99 % {part['p99_ms']:6.2f}"
            f"  worst {part['worst_ms']:6.2f} ms (wall {part['worst_wall_ms']:.1f}) of {part['calls']} calls"
        )
    rows.append(f"{'start of the engine':24} {capture['start_ms']:.1f} ms")
    rows.append(f"{'take taken over':24} {capture['take_taken_over_ms']:.1f} ms")
    worst = max(part["worst_ms"] for part in (capture["timer"], capture["all_panels_drawn"]))
    rows.append(f"{'goal 50 ms':24} {_kept(worst < BLOCKED_GOAL_MS)}")
    slowest = sorted(report["draw_ms"].items(), key=lambda entry: -entry[1])[:5]
    rows.append(f"{'slowest panels':24} " + ", ".join(f"{name[14:]} {taken:.2f} ms" for name, taken in slowest))
    rows.append(f"{'goal 1 ms a panel':24} {_kept(slowest[0][1] < DRAW_GOAL_MS)}")
    rows.append(
        f"{'frame change':24} {live['without_ms']:.2f} ms baked, {live['with_ms']:.2f} ms with the live preview"
    )
    bulk_s, insert_s = written["bulk_s"], written["keyframe_insert_s"]
    keys = f"{CHANNELS} x {FRAMES} keys"
    rows.append(f"{keys:24} {bulk_s:.3f} s; by keyframe_insert {insert_s:.1f} s, {written['ratio']:.0f} times as long")
    rows.append(f"{'goal 1 s':24} {_kept(bulk_s < BAKE_GOAL_S)}")
    return "\n".join(rows) + "\n"


def _kept(holds: bool) -> str:
    return "kept" if holds else "MISSED"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Callbacks that are still registered make the bpy wheels crash or hang in their exit handlers.
    os._exit(code)
