# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance from video to frames by pressing the add-on's own commands in background mode."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import Cancelled, UserError

from . import paths, preferences, properties
from .baking import measure, retarget_settings
from .capturing import performance
from .characters import character
from .engine_jobs import jobs, status

INTERNAL_CODES = ("bug", "engine-crashed", "engine-bug", "engine-silent")


class InternalError(RuntimeError):
    """A command failed through no fault of the user's; the text holds the report."""


@dataclass(frozen=True)
class Request:
    """What to perform. video may be None where a take is given; frame_rate None takes the take's own."""

    out: Path
    character: Path
    engine_python: Path | None = None
    video: Path | None = None
    take: Path | None = None
    frame_rate: tuple[int, int] | None = None
    render: bool = True
    render_engine: str = "CYCLES"
    width: int = 1280
    height: int = 720
    samples: int = 4
    film: bool = False


Tell = Callable[[str, int, int | None, str], None]


def press(name: str, **options: Any) -> None:
    """Nothing, after the command bpy.ops.understudy.<name> is done.

    Raises UserError with the sentence the user would read, InternalError for a bug or a crash, Cancelled where it was
    stopped.
    """
    state = status.of(bpy.context)
    status.say(state, "")
    try:
        result = getattr(bpy.ops.understudy, name)(**options)
    except RuntimeError as error:
        raise _refusal(state, str(error)) from error
    if "FINISHED" not in result:
        raise Cancelled(f"{name} was stopped")


def perform(request: Request, tell: Tell) -> dict[str, Any]:
    """What came of it (paths, frames, what was recognised, notes, seconds of each step), as JSON can hold it."""
    clock = _Clock(tell)
    _check_inputs(request)
    with clock.step("character"):
        load_character(request.character)
    enable(request.engine_python)
    scene = bpy.context.scene
    with clock.step("capture"):
        _take_up(request)
    scene_rate = request.frame_rate or _take_rate(scene)
    retarget_settings.set_scene_rate(scene, scene_rate)
    with clock.step("bake"):
        bpy.ops.object.select_all(action="DESELECT")
        press("choose_character")
        press("bake")
    with clock.step("measure"):
        own = properties.of(scene)
        measured = measure.measure(scene, range(own.baked_first, own.baked_last + 1))
        measure.write_measured(measured, request.out / "measured.npz")
    with clock.step("save"):
        _set_up_shot(scene, request)
        blend = save_blend(request.out / "character.blend", scene)
    if request.render:
        with clock.step("render"):
            press("render")
    return _result(scene, request, blend=blend, seconds=clock.seconds)


def enable(engine_python: Path | None) -> None:
    """Nothing; the add-on is enabled, with this engine."""
    import addon_utils  # Blender's own, found only once bpy is loaded

    if addon_utils.enable(paths.PACKAGE, default_set=True) is None:
        raise InternalError("the add-on did not register")
    own = preferences.get(bpy.context)
    if own is not None and engine_python is not None:
        own.engine_python = str(engine_python.absolute())


def load_character(path: Path) -> None:
    """Nothing; the character of a .blend, or of a builder (.py with build_character()), is in the open scene.

    Raises UserError("character-missing", "character-unreadable").
    """
    if not path.is_file():
        raise _no_character(path)
    if path.suffix == ".py":
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        _builder(path)()
        bpy.context.view_layer.update()
        return
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        hint = "Give a file that this version of Blender can open."
        raise UserError("character-unreadable", f"{path.name} is no .blend that can be opened.", hint) from error


def save_blend(path: Path, scene: bpy.types.Scene) -> Path:
    """The path, after saving the open file there whole; a take beside it is named relative to it."""
    for take in properties.of(scene).takes:
        if Path(take.filepath).parent == path.parent:
            take.filepath = "//" + Path(take.filepath).name
    partial = path.with_name(f".part-{path.name}")
    bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, compress=True, check_existing=False)
    partial.replace(path)
    return path


class _Clock:
    """Times the steps and tells of each as it starts."""

    def __init__(self, tell: Tell) -> None:
        self.seconds: dict[str, float] = {}
        self._tell = tell
        self._name, self._started = "", 0.0

    def step(self, name: str) -> _Clock:
        """Itself, for a with statement around the step."""
        self._name = name
        return self

    def __enter__(self) -> None:
        """Start the step."""
        if jobs.DESK.stop_asked():
            raise Cancelled("stopped")
        self._started = time.monotonic()
        self._tell(self._name, 0, None, "")

    def __exit__(self, *_: object) -> None:
        """Note the step's seconds."""
        self.seconds[self._name] = round(time.monotonic() - self._started, 3)


def _check_inputs(request: Request) -> None:
    """Nothing, if the inputs are there: a wrong name should not be found out after the character is built."""
    if request.video is None and request.take is None:
        raise UserError("no-performance", "There is neither a video nor a take.", "Give one of them.")
    if request.video is not None:
        performance.read_video_facts(request.video)
    if request.take is not None:
        read_capture(request.take)
    if not request.character.is_file():
        raise _no_character(request.character)


def _no_character(path: Path) -> UserError:
    return UserError("character-missing", f"There is no character at {path}.", "Give a .blend or a builder's .py.")


def _take_up(request: Request) -> None:
    if request.video is not None:
        press("import_performance", filepath=str(request.video.absolute()))
    if request.take is not None:
        press("import_take", filepath=str(request.take.absolute()))
    else:
        press("capture", output=str(request.out.absolute() / "take.capture.npz"))


def _take_rate(scene: bpy.types.Scene) -> tuple[int, int]:
    take = properties.chosen_take(scene)
    return (take.rate_num, take.rate_den) if take is not None else (24, 1)


def _set_up_shot(scene: bpy.types.Scene, request: Request) -> None:
    own = properties.of(scene).render
    own.use_output = "OWN"
    own.engine, own.format = request.render_engine, "MP4" if request.film else "PNG"
    own.width, own.height, own.samples = request.width, request.height, request.samples
    own.output = str(request.out.absolute() / ("" if request.film else "frames"))
    press("render_setup")


def _result(scene: bpy.types.Scene, request: Request, *, blend: Path, seconds: dict[str, float]) -> dict[str, Any]:
    own, take = properties.of(scene), properties.chosen_take(scene)
    folder = request.out / "frames"
    return {
        "take": str(request.take or request.out / "take.capture.npz"),
        "take_frames": take.frames if take is not None else 0,
        "take_lost": take.lost if take is not None else 0,
        "blend": str(blend),
        "measured": str(request.out / "measured.npz"),
        "frames_folder": str(folder) if request.render and not request.film else None,
        "film": str(request.out / "render.mp4") if request.render and request.film else None,
        "frames": [own.baked_first, own.baked_last],
        "frame_rate": list(retarget_settings.scene_rate(scene)),
        "start_frame": own.retarget.start_frame,
        "neutral_frame": own.retarget.neutral_frame,
        "actions": own.baked.split(", "),
        "character": {
            "summary": own.character.summary,
            "rig_map": own.character.rig_map,
            "channels": own.character.matched,
            "bones": {entry.role: entry.name for entry in own.character.bones},
            "remarks": own.character.remarks.splitlines(),
        },
        "notes": own.notes.splitlines(),
        "seconds": seconds,
        "blender": bpy.app.version_string,
    }


def _refusal(state: status.UnderstudyStatus, text: str) -> Exception:
    if state.error_code in INTERNAL_CODES:
        return InternalError(f"{state.said}\n{state.detail}".strip())
    if state.is_error:
        return UserError(state.error_code, state.said, state.hint)
    # A command that may not run now: Blender's own text ends with the command's reason.
    reason = text.strip().split("failed, ")[-1].splitlines()[0].removeprefix("Error: ")
    return UserError("not-now", reason)


def _builder(path: Path) -> Callable[[], Any]:
    """The function of a builder's file that builds the character into the open scene.

    The file is loaded as it would be run, without a package; its imports are its own affair.
    """
    spec = importlib.util.spec_from_file_location("understudy_character_builder", path)
    if spec is None or spec.loader is None:
        raise UserError("character-unreadable", f"{path.name} is no Python file.", "Give a builder or a .blend.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    build = getattr(module, "build_character", None)
    if not callable(build):
        hint = "Give a builder or a .blend."
        raise UserError("character-unreadable", f"{path.name} has no function build_character().", hint)
    return build


def measure_blend(blend: Path, out: Path, frames: range | None) -> dict[str, Any]:
    """Where the evaluated values of a saved character went, and which frames they are of."""
    load_character(blend)
    enable(None)
    scene = bpy.context.scene
    own = properties.of(scene)
    if not character.is_chosen(scene):
        press("choose_character")
    baked = range(own.baked_first, own.baked_last + 1) if own.baked else None
    chosen = frames or baked or range(scene.frame_start, scene.frame_end + 1)
    measure.write_measured(measure.measure(scene, chosen), out)
    return {"measured": str(out), "frames": [chosen.start, chosen.stop - 1]}
