# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender window as a script sees it: steps between redraws, pictures, the sidebar, keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

Steps = Iterator[float]


class Window:
    """The one window. Pictures go to `out`; crops.json says which part of each is wanted."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.crops: dict[str, list[int]] = {}
        self._tabs: list[type] = []

    def area(self, kind: str = "VIEW_3D") -> Any:
        areas = [area for area in self.window.screen.areas if area.type == kind]
        return max(areas, key=lambda area: area.width * area.height)

    @property
    def window(self) -> Any:
        return bpy.context.window_manager.windows[0]

    def region(self, kind: str = "UI", area: str = "VIEW_3D") -> Any:
        return next(region for region in self.area(area).regions if region.type == kind)

    def inside(self, kind: str = "WINDOW", area: str = "VIEW_3D") -> Any:
        """A context as the user's pointer over that region would give it."""
        return bpy.context.temp_override(window=self.window, area=self.area(area), region=self.region(kind, area))

    def press(self, name: str, **options: Any) -> set[str]:
        """What bpy.ops.<name> gives, pressed as a button in the sidebar; a refusal is in the status, not raised."""
        module, _, operator = name.rpartition(".")
        call = getattr(getattr(bpy.ops, module or "understudy"), operator)
        with self.inside("UI"):
            try:
                # True: an undo step of its own, as a button gives it.
                return call("EXEC_DEFAULT" if "filepath" in options else "INVOKE_DEFAULT", True, **options)
            except RuntimeError as refusal:
                print("refused:", str(refusal).strip())
                return {"CANCELLED"}

    def key(self, kind: str, **with_keys: bool) -> None:
        """A key is pressed and let go, the pointer over the 3D view."""
        region = self.region("WINDOW")
        x, y = region.x + region.width // 3, region.y + region.height // 2
        self.window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        for value in ("PRESS", "RELEASE"):
            self.window.event_simulate(type=kind, value=value, x=x, y=y, **with_keys)

    def open_tab(self, name: str) -> Steps:
        area = self.area()
        area.spaces.active.show_region_ui = True
        for _ in range(60):
            area.tag_redraw()
            yield 0.2
            try:
                self.region("UI").active_panel_category = name
                return
            except TypeError:  # not drawn yet
                continue
        raise AssertionError(f"there is no tab {name}")

    def tab_of(self, name: str, panels: list[type]) -> Steps:
        """A tab with these panels alone, all open: a closed sub-panel cannot be opened by a script."""
        for number, panel in enumerate(panels):
            # Made anew from the same parts: a class that is registered under a base takes the base's place in Blender.
            body = {
                key: value for key, value in vars(panel).items() if key not in ("bl_rna", "__dict__", "__weakref__")
            }
            body |= {"bl_category": name, "bl_order": number, "bl_parent_id": ""}
            body["bl_options"] = set(getattr(panel, "bl_options", ())) - {"DEFAULT_CLOSED"}
            made = type(f"{panel.__name__}_{len(self._tabs)}", panel.__bases__, body)
            bpy.utils.register_class(made)
            self._tabs.append(made)
        yield from self.open_tab(name)

    def close_tabs(self) -> Steps:
        for made in self._tabs:
            bpy.utils.unregister_class(made)
        self._tabs.clear()
        yield 0.3
        yield from self.open_tab("Understudy")

    def shot(self, name: str, *, whole: bool = False) -> Steps:
        """A picture of the sidebar, or of the whole 3D view, from its top."""
        for region in (self.region("UI"), self.region("WINDOW")) if whole else (self.region("UI"),):
            region.tag_redraw()
        yield 0.8
        self.region("UI").tag_redraw()  # a panel that has become taller pushes the others away in the next drawing
        yield 0.8
        self._take(str(self.out / f"{name}.png"))
        region, area = self.region("UI"), self.area()
        height = min(area.height, area.width * 4 // 3)
        view = [area.x, area.y + area.height - height, area.width, height]
        self.crops[name] = view if whole else [region.x, region.y, region.width, region.height]
        (self.out / "crops.json").write_text(json.dumps(self.crops), encoding="ascii")
        print("picture", name, flush=True)

    def _take(self, path: str) -> None:
        """Nothing; what the screen shows; by ImageMagick where it is: Blender's own picture can come out black."""
        importer = shutil.which("import")
        if importer and os.environ.get("DISPLAY"):
            subprocess.run([importer, "-window", "root", path], check=True)
            return
        bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)
        with self.inside():
            bpy.ops.screen.screenshot(filepath=path, check_existing=False)

    def until(self, holds: Callable[[], Any], seconds: float, what: str) -> Steps:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {seconds:.0f} s")
            yield 0.1


def drive(steps: Steps, done: Callable[[], None]) -> None:
    """Nothing; the steps run between redraws. An error ends Blender with exit code 1."""

    def tick() -> float | None:
        try:
            return max(0.01, next(steps))
        except StopIteration:
            done()
            return None
        except BaseException:
            traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
