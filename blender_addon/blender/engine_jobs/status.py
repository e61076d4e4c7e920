# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel and the status bar show about the running job and the last message; lives in the window manager,
so it is neither saved in the file nor touched by undo."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from ...engine.session import Failure, Phase, Session
from ..translation import words

STAGE_WORDS = {
    "": "Working",
    "start": "Starting",
    "load": "Loading",
    "decode": "Reading the video",
    "track": "Tracking the face",
    "solve": "Solving the take",
    "animate": "Animating",
    "write": "Writing",
    "check": "Checking",
    "prepare": "Making the environment",
    "resolve": "Looking for the packages",
    "download": "Downloading",
    "unpack": "Unpacking",
    "verify": "Verifying",
    "widen": "Writing 1920 x 1080",
}


class UnderstudyStatus(bpy.types.PropertyGroup):
    """The running job, and the last thing that was said to the user."""

    running: BoolProperty(name="Running", default=False, options={"SKIP_SAVE"})
    cancelling: BoolProperty(name="Stopping", default=False, options={"SKIP_SAVE"})
    title: StringProperty(name="Job", options={"SKIP_SAVE"})
    line: StringProperty(name="Step", options={"SKIP_SAVE"})
    fraction: FloatProperty(name="Progress", min=0.0, max=1.0, subtype="FACTOR", options={"SKIP_SAVE"})
    said: StringProperty(name="Message", options={"SKIP_SAVE"})
    hint: StringProperty(name="What to do", options={"SKIP_SAVE"})
    is_error: BoolProperty(name="Error", default=False, options={"SKIP_SAVE"})
    error_code: StringProperty(name="Error code", options={"SKIP_SAVE"})
    detail: StringProperty(name="Details", options={"SKIP_SAVE"})


def of(context: bpy.types.Context) -> UnderstudyStatus:
    """The status that the panel shows."""
    return context.window_manager.understudy_status


def show_session(status: UnderstudyStatus, title: str, session: Session) -> None:
    """Nothing; the status shows this moment of the job."""
    status.running = not session.is_final
    status.cancelling = session.phase is Phase.CANCELLING
    status.title = words(title)
    status.line = session_line(session)
    status.fraction = session.fraction or 0.0


def show_work(context: bpy.types.Context, title: str, line: str, fraction: float) -> None:
    """Nothing; the panel and the status bar show how far work in Blender's own process is. `end_work` ends it."""
    state = of(context)
    state.running, state.cancelling = True, False
    state.title, state.line, state.fraction = title, line, fraction
    redraw(context)


def end_work(context: bpy.types.Context) -> None:
    """Nothing; no work of Blender's own is shown any more."""
    of(context).running = False
    redraw(context)
    redraw_status_bar(context)


def session_line(session: Session) -> str:
    """One line about the job: the step, how far it is, and about how long it will take."""
    if session.phase is Phase.CANCELLING:
        return words("Stopping")
    if session.phase is Phase.STARTING:
        return words("Starting the engine")
    if session.stage == "resume":
        return words("Resuming at frame {frame}", frame=session.message)
    step = words(STAGE_WORDS.get(session.stage, session.stage))
    if session.stage == "download" and session.total:  # the engine knows its speed, and what was there already
        return f"{step} {session.current}/{session.total} {session.message}"
    if session.total:
        step = f"{step} {session.current}/{session.total}"
    if session.seconds_left is None:
        return step
    return words("{step}, {time} left", step=step, time=time_words(session.seconds_left))


def time_words(seconds: float) -> str:
    """A time for people: "8 s", "3 min", "1 h 20 min"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def say(status: UnderstudyStatus, text: str) -> None:
    """Nothing; the status shows what has been done."""
    status.said, status.hint, status.detail, status.error_code, status.is_error = text, "", "", "", False


def say_failure(status: UnderstudyStatus, failure: Failure) -> None:
    """Nothing; the status shows what went wrong and what to do."""
    status.said, status.hint, status.detail = failure.message, failure.hint, failure.detail
    status.error_code, status.is_error = failure.code, True


def redraw(context: bpy.types.Context) -> None:
    """Nothing; asks Blender to draw the sidebars again (and the preferences), not the scene beside them."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
            elif area.type in {"VIEW_3D", "IMAGE_EDITOR"}:
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def redraw_status_bar(context: bpy.types.Context) -> None:
    """Nothing; has the status bar drawn, which is no area of any screen.

    This takes away the key hints that another tool may show there, so nothing is done while such a tool runs.
    """
    own = "UNDERSTUDY_OT_"
    others = [tool for window in context.window_manager.windows for tool in window.modal_operators]
    if context.workspace is not None and all(tool.bl_idname.startswith(own) for tool in others):
        context.workspace.status_text_set(None)
