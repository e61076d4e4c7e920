# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that measure a character: find its landmarks, correct them, move every control, look through the engine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatVectorProperty, IntProperty

from fomm_engine.wire.job import Job
from fomm_engine.wire.names import POINT_COUNT

from ...engine.session import Phase, Session
from .. import preferences
from ..characters import character
from ..engine_jobs import jobs, status
from ..rig_measure import anchors, attach, keypoints, store
from ..rig_measure.correct import Correction, mouse_ray
from ..rig_measure.family import Family, family_of
from ..rig_measure.measuring import RigMeasure, require_points
from ..rig_measure.overlay import OVERLAY, nearest, points_now
from ..rig_measure.search import Search, read_seen
from ..translation import said, sentence, words
from .base import Command, JobCommand, Result

SLICE_S = 0.04  # how long a measuring works between two looks at the user's wishes
TIMER_S = 0.01
LEAST_DONE_FOR_AN_ESTIMATE = 0.02


def family(context: bpy.types.Context) -> Family:
    """All objects of the scene's character. Raises UserError where there is none."""
    return family_of(character.parts_of(context.scene), context.scene.objects)


def need_character(command: Any, context: bpy.types.Context) -> bool:
    """Whether a character is chosen; else the command says so."""
    if not character.is_chosen(context.scene):
        command.poll_message_set(words("Detect the character first"))
        return False
    return True


class UNDERSTUDY_OT_find_landmarks(JobCommand, bpy.types.Operator):
    """Render the character's face and let the engine find eyes, brows, nose, mouth and jaw on its mesh"""

    bl_idname = "understudy.find_landmarks"
    bl_label = "Find Landmarks"
    bl_options = {"REGISTER"}
    job_title = "Landmarks"
    changes_file = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character, and no other job running."""
        return need_character(cls, context) and super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started first round."""
        self._family = family(context)
        self._search = Search(self._family, character.scan_of(context.scene), context.scene.frame_current)
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-measure-")
        with ExitStack() as stack:
            stack.callback(self._folder.cleanup)
            started = self._round(context)
            stack.pop_all()  # the last round ends it
        return started

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """How many points there are and how sure they are."""
        found = self._search.anchors
        assert found is not None
        anchors.keep(self._family, found)
        OVERLAY.show()
        unsure = int((found.confidence < 0.4).sum())
        seen = (
            said("Found {count} landmark points, {unsure} of them unsurely.", count=POINT_COUNT, unsure=unsure)
            if unsure
            else said("Found {count} landmark points.", count=POINT_COUNT)
        )
        return " ".join([seen, *found.notes])

    def _round(self, context: bpy.types.Context) -> jobs.Run:
        """A started look at new pictures."""
        pictures = Path(tempfile.mkdtemp(dir=self._folder.name))
        self._search.shoot(pictures)
        job = Job("measure", {"pictures": str(pictures)}, str(pictures / "seen.npz"))
        return jobs.start_engine(job, preferences.engine_python(context))

    def _settle(self, context: bpy.types.Context, session: Session) -> Result:
        """As every job, but with another round where the pictures did not show enough."""
        with ExitStack() as stack:
            stack.callback(self._folder.cleanup)
            if session.phase is not Phase.DONE or self._search.learn(read_seen(Path(session.output))):
                return super()._settle(context, session)
            jobs.DESK.close()
            result = self._run_on(context, lambda: self._round(context))
            stack.pop_all()  # the next round ends it
            return result

    def _run_on(self, context: bpy.types.Context, start: Any) -> Result:
        jobs.DESK.take(self.job_title, start)
        if bpy.app.background:
            return self._settle(context, jobs.DESK.wait())
        self._timer = self._window_manager.event_timer_add(jobs.POLL_INTERVAL_S, window=context.window)
        return {"RUNNING_MODAL"}


class UNDERSTUDY_OT_measure_rig(Command, bpy.types.Operator):
    """Move every control of the character in turn and keep what it does to the face; everything is put back"""

    bl_idname = "understudy.measure_rig"
    bl_label = "Measure Controls"
    bl_options = {"REGISTER", "UNDO"}

    _steps: Iterator[float]
    _timer: Any = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character that has landmark points, and no job running."""
        if not need_character(cls, context):
            return False
        if not attach.has_points(context.scene):
            cls.poll_message_set(words("Find the landmarks first"))
            return False
        if jobs.DESK.busy:
            cls.poll_message_set(words("Another job is still running"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED with the measure kept; measures at one go."""
        return self.behind_door(context, lambda: self._at_once(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """RUNNING_MODAL: measures in slices, so that the window lives and Escape stops it."""
        del event
        if bpy.app.background:
            return self.execute(context)
        return self.behind_door(context, lambda: self._begin(context))

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """RUNNING_MODAL until all is measured; other events wait, since the character is being moved."""
        if event.type == "ESC":
            return self._stopped(context)
        if event.type == "TIMER":
            return self.behind_door(context, lambda: self._slice(context))
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Nothing; Blender is closing or loading another file, so everything is put back."""
        self._end(context)

    def act(self, context: bpy.types.Context) -> str:
        """What was measured; the measure is kept with the character."""
        store.keep(self._family, self._measure.basis)
        character.refresh(context.scene)
        return measured_words(self._measure)

    def _set_up(self, context: bpy.types.Context) -> None:
        self._family = family(context)
        self._measure = RigMeasure(self._family, context.scene.frame_current)
        self._steps = self._measure.steps()

    def _at_once(self, context: bpy.types.Context) -> Result:
        self._set_up(context)
        for _ in self._steps:
            pass
        return self.finish(context, self.act(context))

    def _begin(self, context: bpy.types.Context) -> Result:
        self._set_up(context)
        manager = context.window_manager
        self._timer = manager.event_timer_add(TIMER_S, window=context.window)
        manager.modal_handler_add(self)
        self._started_s = time.monotonic()
        self._tell(context, 0.0)
        return {"RUNNING_MODAL"}

    def _slice(self, context: bpy.types.Context) -> Result:
        """One slice of the work; an error ends it with everything put back."""
        started, done = time.monotonic(), 0.0
        try:
            for done in self._steps:
                if time.monotonic() - started > SLICE_S:
                    self._tell(context, done)
                    return {"RUNNING_MODAL"}
        except BaseException:
            self._end(context)
            raise
        self._end(context)
        return self.finish(context, self.act(context))

    def _tell(self, context: bpy.types.Context, done: float) -> None:
        """Nothing; panel and status bar show how far it is and about how long it takes."""
        line = words("Escape stops it")
        if done > LEAST_DONE_FOR_AN_ESTIMATE:
            left_s = (time.monotonic() - self._started_s) * (1 - done) / done
            line = words("{time} left; Escape stops it", time=status.time_words(left_s))
        status.show_work(context, words("Measuring"), line, done)

    def _stopped(self, context: bpy.types.Context) -> Result:
        self._end(context)
        message = "Measuring was stopped; nothing was changed."
        status.say(status.of(context), message)
        status.redraw(context)
        self.report({"WARNING"}, sentence(message))
        return {"CANCELLED"}

    def _end(self, context: bpy.types.Context) -> None:
        self._steps.close()  # type: ignore[attr-defined] - a generator: what it holds is put back
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            status.end_work(context)


class UNDERSTUDY_OT_look_at_controls(JobCommand, bpy.types.Operator):
    """Render each control's face and keep what the engine's keypoints do on it (slow; the landmarks alone will do)"""

    bl_idname = "understudy.look_at_controls"
    bl_label = "Look at Controls"
    bl_options = {"REGISTER"}
    job_title = "Look"
    changes_file = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a measured character, and no other job running."""
        return need_character(cls, context) and super().poll(context)

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started look, after rendering."""
        self._family = family(context)
        self._basis = attach.basis_of(character.scan_of(context.scene))
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-measure-")
        folder = Path(self._folder.name)
        with ExitStack() as stack:
            stack.callback(self._folder.cleanup)
            keypoints.shoot(self._family, self._basis, context.scene.frame_current, folder)
            stack.pop_all()  # the engine looks at the pictures
        job = Job("measure", {"pictures": str(folder)}, str(folder / "seen.npz"), {"steady": True})
        return jobs.start_engine(job, preferences.engine_python(context))

    def _settle(self, context: bpy.types.Context, session: Session) -> Result:
        """As every job; the pictures go."""
        try:
            return super()._settle(context, session)
        finally:
            self._folder.cleanup()

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """How many controls the engine has seen."""
        basis = keypoints.with_keypoints(self._basis, Path(session.output))
        if basis.keypoint_value is None:
            return "The engine does not see the face; the landmark points are used alone."
        store.keep(self._family, basis)
        seen = int(basis.keypoint_value.any(axis=(1, 2)).sum())
        return f"The engine has seen {seen} of {len(basis.controls)} controls."


class UNDERSTUDY_OT_forget_measure(Command, bpy.types.Operator):
    """Forget the measure, so that the character is driven by the names of its controls; landmark points stay"""

    bl_idname = "understudy.forget_measure"
    bl_label = "Forget Measure"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        return need_character(cls, context)

    def act(self, context: bpy.types.Context) -> str:
        """What is gone."""
        store.forget(family(context).main)
        character.refresh(context.scene)
        return "The measure is forgotten; the character is driven by names."


class UNDERSTUDY_OT_show_landmarks(Command, bpy.types.Operator):
    """Draw the landmark points over the character, or no longer"""

    bl_idname = "understudy.show_landmarks"
    bl_label = "Show Landmarks"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        return need_character(cls, context)

    def act(self, context: bpy.types.Context) -> str:
        """Whether they are drawn now."""
        if OVERLAY.shown:
            OVERLAY.hide()
            return "The landmark points are hidden."
        require_points(family(context))
        OVERLAY.show()
        return "The landmark points are shown: green is sure, orange is not, blue was set by hand."


class UNDERSTUDY_OT_edit_landmarks(Command, bpy.types.Operator):
    """Drag landmark points over the character's mesh; Enter or Escape ends"""

    bl_idname = "understudy.edit_landmarks"
    bl_label = "Correct Landmarks"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Point", description="Number of the point, 0 to 69", default=0, min=0, max=POINT_COUNT - 1)
    location: FloatVectorProperty(name="Place", description="Where it should be, in the world", subtype="XYZ")
    alone: BoolProperty(name="This Point Alone", default=False, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True with a character."""
        return need_character(cls, context)

    def act(self, context: bpy.types.Context) -> str:
        """Where the point is now: the place on the mesh nearest to the one that was given."""
        correction = Correction(family(context), context.scene.frame_current)
        hit = correction.near(np.array(self.location, np.float64))
        assert hit is not None  # a family has a mesh
        correction.set_point(self.index, hit)
        return f"Point {self.index} was set."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """RUNNING_MODAL while the user drags."""
        del event
        return self.behind_door(context, lambda: self._begin(context))

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """RUNNING_MODAL until Enter or Escape; the view can be turned meanwhile."""
        if event.type in {"RET", "NUMPAD_ENTER", "ESC"} and event.value == "PRESS":
            context.workspace.status_text_set(None)
            return self.finish(context, f"{self._moved} landmark points were set.")
        mouse = (event.mouse_region_x, event.mouse_region_y)
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            found = points_now(context)
            self._held = nearest(context, found[1], mouse) if found is not None else None
            return {"RUNNING_MODAL"} if self._held is not None else {"PASS_THROUGH"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._held is not None:
            self._held = None
            self._moved += 1
            return {"RUNNING_MODAL"}
        if event.type == "MOUSEMOVE" and self._held is not None:
            return self.behind_door(context, lambda: self._drag(context, mouse))
        return {"PASS_THROUGH"}

    def _begin(self, context: bpy.types.Context) -> Result:
        self._correction = Correction(family(context), context.scene.frame_current)
        require_points(family(context))
        self._held: int | None = None
        self._moved = 0
        OVERLAY.show()
        context.workspace.status_text_set(words("Drag the points over the face; Enter ends"))
        context.window_manager.modal_handler_add(self)
        status.redraw(context)
        return {"RUNNING_MODAL"}

    def _drag(self, context: bpy.types.Context, mouse: tuple[float, float]) -> Result:
        hit = self._correction.under(*mouse_ray(context, mouse))
        if hit is not None and self._held is not None:
            self._correction.set_point(self._held, hit)
            context.area.tag_redraw()
        return {"RUNNING_MODAL"}


def measured_words(measure: RigMeasure) -> str:
    """What was measured, in one sentence for the user."""
    kinds = [control.kind for control in measure.basis.controls]
    parts = [
        (kinds.count("shape"), "shape keys"),
        (kinds.count("property"), "properties"),
        (kinds.count("bone"), "bone channels"),
    ]
    counted = ", ".join(f"{number} {name}" for number, name in parts if number)
    return " ".join([f"Measured {counted}.", *measure.basis.notes])


CLASSES: tuple[type, ...] = (
    UNDERSTUDY_OT_find_landmarks,
    UNDERSTUDY_OT_measure_rig,
    UNDERSTUDY_OT_look_at_controls,
    UNDERSTUDY_OT_forget_measure,
    UNDERSTUDY_OT_show_landmarks,
    UNDERSTUDY_OT_edit_landmarks,
)
