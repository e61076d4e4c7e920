# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender's window (see run.py): from the installed zip to the rendered shot, a picture of every state."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from window import Steps, Window, drive

PLAN = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
MODULE = "bl_ext.user_default.understudy"
OUT, WORK = Path(PLAN["out"]), Path(PLAN["work"])
LIGHT_THEME = "Blender_Light.xml"
GERMAN = "de_DE"
UI_SCALE = 1.25
PREVIEWED_FRAME = 40


def scene() -> Any:
    return bpy.context.scene.understudy


def state() -> Any:
    return bpy.context.window_manager.understudy_status


def found(name: str) -> Any:
    """What has this name in the installed extension, in whatever module it stands."""
    modules = [module for key, module in sys.modules.items() if key.startswith(MODULE)]
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def panels(*names: str) -> list[type]:
    return [getattr(bpy.types, f"UNDERSTUDY_PT_{name}") for name in names]


class Walk:
    """The way through the product, step by step; each leaves what the next one needs."""

    def __init__(self) -> None:
        self.window = Window(OUT)
        self.engines: list[int] = []

    def steps(self) -> Steps:
        for step in (
            self.install,
            self.empty,
            self.installing,
            self.engine,
            self.performance,
            self.errors,
            self.capture,
            self.takes,
            self.character,
            self.preview,
            self.bake,
            self.render,
            self.portrait,
            self.save_and_load,
            self.quit_while_capturing,
        ):
            print("---", step.__name__, f"{time.monotonic():.0f}", flush=True)
            yield from step()
            if PLAN["only"] and PLAN["only"] in self.window.crops:
                return

    def install(self) -> Steps:
        preferences = bpy.context.preferences
        preferences.view.use_save_prompt = False
        preferences.view.ui_scale = UI_SCALE
        preferences.view.render_display_type = "NONE"
        preferences.system.use_region_overlap = False
        preferences.system.viewport_aa = "OFF"  # a software renderer would draw everything eight times
        self._theme("dark")
        yield 0.5
        bpy.ops.extensions.package_install_files(filepath=PLAN["zip"], repo="user_default", enable_on_install=True)
        preferences.addons[MODULE].preferences.takes_folder = str(WORK)
        yield 0.5
        for thing in list(bpy.data.objects):
            bpy.data.objects.remove(thing)
        yield from self.window.open_tab("Understudy")

    def empty(self) -> Steps:
        yield from self.window.shot("empty")

    def installing(self) -> Steps:
        """The real installation is started, seen at work, and stopped; what it began is taken up by the next one."""
        result = self.window.press("install_engine")
        if "RUNNING_MODAL" not in result:
            print("no installation here:", state().said)
            return
        until = time.monotonic() + 40
        yield from self.window.until(lambda: state().fraction > 0 or time.monotonic() > until, 60, "installing")
        yield 2.0
        yield from self.window.shot("installing")
        self.window.press("cancel")
        yield from self.window.until(lambda: not state().running, 60, "the installation stops")

    def engine(self) -> Steps:
        bpy.context.preferences.addons[MODULE].preferences.engine_python = PLAN["engine"]
        yield from self._job(400)
        if not state().said:
            self.window.press("check_engine")
            yield from self._job(400)
        assert not state().is_error, state().said
        yield from self.window.shot("engine")
        self.window.press("dismiss_check")
        self.window.press("dismiss")

    def performance(self) -> Steps:
        self.window.press("import_performance", filepath=PLAN["video"])
        yield 1.0
        yield from self.window.shot("performance")

    def errors(self) -> Steps:
        """A wrong file is refused in one sentence, in the panel."""
        wrong = WORK / "holiday.npz"
        wrong.write_text("no take")
        self.window.press("import_take", filepath=str(wrong))
        assert state().is_error
        yield from self.window.shot("error")
        self.window.press("dismiss")

    def capture(self) -> Steps:
        self.window.press("capture")
        self._note_engine()
        yield from self.window.until(lambda: state().fraction > 0.1, 300, "the capture goes on")
        yield from self.window.shot("capturing")
        self.window.press("cancel")
        yield from self.window.until(lambda: not state().running, 60, "the capture stops")
        assert len(scene().takes) == 0
        yield from self.window.shot("cancelled")
        self.window.press("capture")
        self._note_engine()
        yield from self._job(600)
        assert len(scene().takes) == 1, state().said
        yield from self.window.shot("captured")

    def takes(self) -> Steps:
        """A second take: the rest of the list works as the user expects, and Ctrl Z too."""
        self.window.press("duplicate_take")
        yield 0.5
        assert len(scene().takes) == 2, state().said
        yield from self.window.shot("takes")
        self.window.key("Z", ctrl=True)
        yield from self.window.until(lambda: len(scene().takes) == 1, 20, "Ctrl Z")
        self.window.key("Z", ctrl=True, shift=True)
        yield from self.window.until(lambda: len(scene().takes) == 2, 20, "Ctrl Shift Z")

    def character(self) -> Steps:
        sys.path.insert(0, PLAN["root"])
        from rigs.characters.viola.build import build_character

        build_character()
        bpy.context.view_layer.update()
        yield 1.0
        with self.window.inside():
            bpy.ops.object.select_all(action="DESELECT")
            self._look_at_face()
        self.window.press("choose_character")
        yield 1.0
        yield from self.window.shot("whole_tab")
        yield from self._panels("character", "status", "character")
        yield from self.window.tab_of("Match", panels("match"))
        yield from self.window.shot("match_report")
        yield from self._other_looks("match_report")
        yield from self.window.close_tabs()

    def preview(self) -> Steps:
        """The take live on the character, before anything is written; then everything stands as before."""
        bpy.context.scene.frame_set(PREVIEWED_FRAME)
        self.window.press("preview")
        live = found("LIVE")
        yield from self.window.until(lambda: [one for one in live.sessions.values() if one.player], 300, "the preview")
        yield 1.0
        moved = self._jaw()
        assert any(moved), "the preview moves nothing"
        yield from self._panels("preview", "preview")
        yield from self._panels("report", "report")
        self.window.press("preview")
        yield 0.5
        assert not any(self._jaw()), "the preview leaves something behind"

    def bake(self) -> Steps:
        self.window.press("bake")
        yield from self._job(200)
        assert scene().baked, state().said
        bpy.context.scene.frame_set(self._telling_frame())
        yield 1.0
        yield from self.window.tab_of("Bake", panels("status", "bake", "bake_options"))
        yield from self.window.shot("baked")
        yield from self._other_looks("baked")
        yield from self.window.close_tabs()
        yield from self.window.shot("window_baked", whole=True)
        yield from self._panels("tuning", "neutral", "motion", "regions")
        yield from self._panels("channels", "channels")
        yield from self._panels("splice", "splice")

    def render(self) -> Steps:
        settings = scene().render
        settings.engine, settings.width, settings.height = "WORKBENCH", 320, 240
        settings.output, settings.use_output = str(WORK / "render"), "OWN"
        self.window.press("render_setup")
        bpy.context.scene.frame_end = bpy.context.scene.frame_start + 3
        yield 1.0
        self.window.press("render", still=False)
        frames = WORK / "render"
        yield from self.window.until(lambda: len(list(frames.rglob("*.png"))) == 4, 300, "four frames are rendered")
        yield from self._job(60)
        yield from self._panels("rendered", "status", "render")

    def portrait(self) -> Steps:
        yield from self.window.tab_of("Portrait", panels("status", "portrait"))
        yield 1.0
        yield from self.window.shot("portrait")
        self.window.press("animate_portrait", output=str(WORK / "portrait.mp4"))
        yield from self.window.until(lambda: state().fraction > 0.05 or not state().running, 300, "the portrait moves")
        yield from self._job(900)
        assert not state().is_error, state().said
        assert (WORK / "portrait.mp4").is_file()
        yield from self.window.shot("portrait_done", whole=True)
        yield from self.window.close_tabs()

    def save_and_load(self) -> Steps:
        """Another file is loaded while a capture runs: the engine ends with it; what was saved is there again."""
        path = str(WORK / "shot.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        self.window.press("capture")
        pid = self._note_engine()
        yield from self.window.until(lambda: state().line and state().running, 300, "the capture runs")
        with self.window.inside():
            bpy.ops.wm.open_mainfile(filepath=path)
        yield 1.0
        yield from self.window.until(lambda: not is_alive(pid), 20, "the engine of the file before ends")
        assert (len(scene().takes), bool(scene().baked)) == (2, True)
        yield from self.window.open_tab("Understudy")
        yield from self.window.shot("loaded")

    def quit_while_capturing(self) -> Steps:
        """Blender is closed while a capture runs: run.py looks whether its engine is gone."""
        self.window.press("capture")
        self._note_engine()
        yield from self.window.until(lambda: state().fraction > 0, 300, "the capture runs")

    def _panels(self, name: str, *shown: str) -> Steps:
        """A picture of some panels, open."""
        yield from self.window.tab_of(name.title(), panels(*shown))
        yield from self.window.shot(name)
        yield from self.window.close_tabs()

    def _telling_frame(self) -> int:
        """A baked frame with an open mouth and open eyes."""

        def openness(frame: int) -> float:
            bpy.context.scene.frame_set(frame)
            return values["jawOpen"].value - 2.0 * values["eyeBlinkLeft"].value

        blocks = [mesh.shape_keys.key_blocks for mesh in bpy.data.meshes if mesh.shape_keys]
        values = next(keys for keys in blocks if "jawOpen" in keys and "eyeBlinkLeft" in keys)
        return max(range(scene().baked_first, scene().baked_last, 4), key=openness)

    def _jaw(self) -> list[float]:
        """The values of what moves the jaw, lids and lips, without keys."""
        names = ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft", "mouthClose")
        keys = [mesh.shape_keys.key_blocks for mesh in bpy.data.meshes if mesh.shape_keys]
        return [block[name].value for block in keys for name in names if name in block]

    def _job(self, seconds: float) -> Steps:
        """Until nothing runs any more; one job may be followed by another, as an installation by its check."""
        yield 0.5
        for _ in range(3):
            yield from self.window.until(
                lambda: not found("DESK").busy and not state().running, seconds, "the job ends"
            )
            yield 0.4

    def _note_engine(self) -> int:
        """The engine's process number, kept for run.py."""
        run = found("DESK").run
        assert run is not None, state().said
        self.engines.append(run.pid)
        (OUT / "engines.json").write_text(json.dumps(self.engines), encoding="ascii")
        return run.pid

    def _look_at_face(self) -> None:
        view = self.window.area().spaces.active
        view.shading.type, view.shading.color_type = "SOLID", "MATERIAL"
        view.overlay.show_bones = view.overlay.show_relationship_lines = view.overlay.show_cursor = False
        view.overlay.show_extras = view.overlay.show_floor = view.overlay.show_axis_x = view.overlay.show_axis_y = False
        if bpy.context.scene.camera is not None:
            view.region_3d.view_perspective = "CAMERA"

    def _other_looks(self, name: str) -> Steps:
        """The same state in the light theme, and in German where this Blender has languages."""
        self._theme("light")
        yield from self.window.shot(f"light_{name}")
        self._theme("dark")
        view = bpy.context.preferences.view
        try:
            view.language = GERMAN
        except TypeError:
            print("this Blender has no languages", flush=True)
            return
        view.use_translate_interface = view.use_translate_tooltips = True
        yield 1.0
        yield from self.window.shot(f"german_{name}")
        view.use_translate_interface = view.use_translate_tooltips = False
        view.language = "en_US"
        yield 0.5

    def _theme(self, name: str) -> None:
        bpy.ops.preferences.reset_default_theme()
        for folder in bpy.utils.preset_paths("interface_theme") if name == "light" else ():
            path = os.path.join(folder, LIGHT_THEME)
            if os.path.isfile(path):
                bpy.ops.script.execute_preset(filepath=path, menu_idname="USERPREF_MT_interface_theme_presets")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def finish() -> None:
    sys.stdout.flush()
    bpy.ops.wm.quit_blender()


bpy.context.preferences.view.show_splash = False  # before the window is drawn for the first time
drive(Walk().steps(), finish)
