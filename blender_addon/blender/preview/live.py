# SPDX-License-Identifier: GPL-3.0-or-later
"""The previews that are on: one for each character whose switch is on, kept up to date while settings change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError

from .. import properties
from ..baking import bake_choice, retarget_settings, splicing
from ..capturing import take_files, takes
from ..characters import character, match_report, performers
from ..characters.rig_scan import Parts, Scan
from ..engine_jobs import status
from ..properties import UnderstudyPerformer
from . import standing
from .playing import Player
from .solving import Outcome, Second, Solver, Task

TICK_S = 0.1
BEAT = "beat"  # raw data of a character, changed in every tick: see `undone`
KEPT = "kept"


@dataclass
class Session:
    """The preview of one character: what it was computed from, and what plays it."""

    scene: str
    uid: str
    player: Player | None = None
    scan_key: Any = None
    scan: Scan | None = None
    parts: Parts | None = None
    asked: Any = None  # what the running or last task was made of
    seen: Any = None  # what the settings were in the last tick
    failure: str = ""
    solver: Solver = field(default_factory=Solver)

    def forget_objects(self) -> None:
        """Nothing; the character is looked at anew: undo gives objects new addresses."""
        self.player = self.scan = self.parts = self.scan_key = self.asked = None


class Live:
    """All previews. Nothing here is called while a panel is drawn but `session_of`."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self._beat = 0

    def session_of(self, performer: UnderstudyPerformer) -> Session | None:
        """The character's preview, None where it is off."""
        return self.sessions.get(performer.uid)

    def start(self, scene: bpy.types.Scene) -> None:
        """Nothing; the chosen character's preview is on. With a window it shows when it is solved, without at once.

        Raises UserError or ValueError where take or character cannot be used.
        """
        performer = properties.of(scene).performer
        session = Session(scene.name, performer.uid)
        self.sessions[performer.uid] = session
        try:
            bake_choice.require_reachable(character.parts_of(scene))
            self._ask(scene, session, self._wanted(scene))
            if bpy.app.background:
                self._take_over(scene, session, session.solver.wait())
        except Exception:
            self.stop(scene, performer)
            raise
        if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
            bpy.app.timers.register(_tick, first_interval=TICK_S)

    def stop(self, scene: bpy.types.Scene, performer: UnderstudyPerformer) -> bool:
        """Whether the character's preview was on; it is off, and everything stands as before."""
        self._put_back(performer)
        was_on = self.sessions.pop(performer.uid, None) is not None
        if was_on:
            scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)  # what was muted plays again
        return was_on

    def end_all(self) -> None:
        """Nothing; all previews are off, and everything stands as before."""
        self.pause()
        self.sessions.clear()
        if bpy.app.timers.is_registered(_tick):
            bpy.app.timers.unregister(_tick)

    def drop_all(self) -> None:
        """Nothing; all previews are off; their data is about to go."""
        self.sessions.clear()

    def pause(self) -> None:
        """Nothing; everything stands as before any preview; those that are on can go on with `resume`."""
        for scene in getattr(bpy.data, "scenes", ()):  # not there while Blender starts or ends
            for performer in properties.of(scene).performers:
                self._put_back(performer)

    def resume(self) -> None:
        """Nothing; the previews that are on show again."""
        for session in list(self.sessions.values()):
            with self._acting(session) as scene:
                if scene is not None and session.player is not None:
                    self._enter(scene, session)

    def shown(self, scene: bpy.types.Scene) -> None:
        """Nothing; the characters stand as on the scene's present frame."""
        self._next_beat()
        for session in list(self.sessions.values()):
            if session.scene != scene.name:
                continue
            if bpy.app.background:
                self._follow_at_once(session)
            with self._acting(session) as own:
                if own is not None and session.player is not None and properties.of(own).performer.stood:
                    self._show(session.player, own, session)

    def tick(self) -> float | None:
        """Seconds to the next tick, None when no preview is on: takes results over and asks for new ones."""
        self._next_beat()
        for session in list(self.sessions.values()):
            with self._acting(session) as scene:
                if scene is None:
                    del self.sessions[session.uid]
                    continue
                self._turn(scene, session)
        return TICK_S if self.sessions else None

    def _turn(self, scene: bpy.types.Scene, session: Session) -> None:
        """One tick of one preview: what changed is solved again when it has stood still for a tick."""
        outcome = session.solver.poll()
        try:
            if outcome is not None:
                self._take_over(scene, session, outcome)
            wanted = self._wanted(scene)
            if wanted != session.asked and wanted == session.seen and not session.solver.busy:
                self._ask(scene, session, wanted)
            session.seen = wanted
        except (UserError, ValueError) as error:
            self._fail(scene, session, str(error))
        except Exception:  # a bug: nothing of the preview stays behind, and Blender shows the trace
            self.end_all()
            raise

    def _follow_at_once(self, session: Session) -> None:
        """Without windows there are no ticks: what changed is solved when the frame changes."""
        with self._acting(session) as scene:
            wanted = self._wanted(scene) if scene is not None else session.asked
            if scene is not None and wanted != session.asked:
                self._ask(scene, session, wanted)
                self._take_over(scene, session, session.solver.wait())

    def _wanted(self, scene: bpy.types.Scene) -> Any:
        """All that decides how the character performs, to be compared."""
        own = properties.of(scene)
        take = takes.require_chosen(scene)
        settings = retarget_settings.settings_of(own.retarget, scene)
        second = splicing.told(splicing.second_take(scene), own.splice) if own.splice.use else ""
        selected = tuple(channel.selected for channel in own.retarget.channels) if own.bake.selected_only else ()
        rig = repr((match_report.choice_of(own.character), [thing.name for thing in _objects(scene)]))
        said = retarget_settings.settings_json(settings)
        return take.uid, take.filepath, said, second, selected, own.bake.head, rig

    def _ask(self, scene: bpy.types.Scene, session: Session, wanted: Any) -> None:
        own, take = properties.of(scene), takes.require_chosen(scene)
        session.asked = session.seen = wanted
        if session.scan_key != wanted[-1]:
            session.parts, session.scan = character.parts_of(scene), character.scan_of(scene)
            session.scan_key = wanted[-1]
        settings = retarget_settings.settings_of(own.retarget, scene)
        second = None
        if own.splice.use:
            other = splicing.second_take(scene)
            theirs = splicing.second_settings(scene, settings, other)
            span = splicing.span_of(own.splice, settings.frame_rate)
            second = Second(take_files.path_of(other), theirs, frozenset(own.splice.regions), span)
        assert session.scan is not None  # it was looked up just now, or before for the same key
        session.solver.start(Task(take_files.path_of(take), session.scan.rig, settings, second))
        status.redraw(bpy.context)

    def _take_over(self, scene: bpy.types.Scene, session: Session, outcome: Outcome | None) -> None:
        """Nothing; the outcome plays from now on. Raises what the solver raised."""
        own = properties.of(scene)
        if outcome is None or session.scan is None or session.parts is None:
            return
        if outcome.error is not None:
            self._put_back(own.performer)
            session.player = None
            raise outcome.error
        assert outcome.curves is not None  # an outcome without an error has them
        curves = bake_choice.chosen_curves(outcome.curves, session.scan.rig, own)
        player = Player(curves, session.parts, session.scan, scene.objects)
        if session.player is None or session.player.paths != player.paths:
            self._put_back(own.performer)
        session.player, session.failure = player, ""
        own.performer.report = outcome.report.to_json() if outcome.report is not None else ""
        if own.retarget.auto_neutral and own.retarget.neutral_frame != outcome.neutral_frame:
            own.retarget.neutral_frame = outcome.neutral_frame
        self._enter(scene, session)
        status.redraw(bpy.context)

    def _enter(self, scene: bpy.types.Scene, session: Session) -> None:
        performer, player = properties.of(scene).performer, session.player
        if player is None:
            return
        if not performer.stood:
            standing.take_down(performer, player.paths)
        self._show(player, scene, session)

    def _show(self, player: Player, scene: bpy.types.Scene, session: Session) -> None:
        try:
            player.show(scene.frame_current_final)
        except ReferenceError:  # an object was freed under it; the next tick looks again at what there is
            session.forget_objects()

    def _fail(self, scene: bpy.types.Scene, session: Session, sentence: str) -> None:
        """Nothing; the preview shows nothing but why, and tries again when something is changed."""
        self._put_back(properties.of(scene).performer)
        session.player, session.failure = None, sentence
        status.redraw(bpy.context)

    def _put_back(self, performer: UnderstudyPerformer) -> None:
        if performer.stood:
            standing.put_back(performer)
            standing.forget(performer)

    def _next_beat(self) -> None:
        """Nothing; the scene's data differs from every earlier moment of a preview: see `before_undo`."""
        self._beat += 1
        for session in self.sessions.values():
            with self._acting(session) as scene:
                if scene is not None:
                    properties.of(scene).performer[BEAT] = self._beat

    @contextlib.contextmanager
    def _acting(self, session: Session) -> Iterator[bpy.types.Scene | None]:
        """The session's scene with its character chosen, None where either is gone."""
        scene, index = _place_of(session)
        if scene is None:
            yield None
            return
        session.scene = scene.name
        if index == properties.of(scene).performer_index:
            yield scene
        else:
            with properties.acting(scene, index):
                yield scene


LIVE = Live()


def _tick() -> float | None:
    """A plain function, because Blender knows its timers by the object: a bound method is a new one each time."""
    return LIVE.tick()


def before_undo() -> None:
    """Nothing; what is in memory stands as before any preview, and the record stays.

    Undo may keep data-blocks that do not differ between two steps as they are in memory, preview and all; so the
    preview is out of memory before. Afterwards `after_undo` must know whether the record that it finds is the step's
    own: a mark tells whether the scene was read again or kept. While a preview is on, the scene differs from step to
    step by its beat, so a kept scene means steps of before the preview.
    """
    for scene in bpy.data.scenes:
        for performer in properties.of(scene).performers:
            standing.put_back(performer)
            if performer.stood:
                performer[KEPT] = True


def after_undo() -> None:
    """Nothing; everything stands as it stood before any preview in the step that was gone to."""
    for scene in bpy.data.scenes:
        for performer in properties.of(scene).performers:
            if not performer.get(KEPT):
                standing.put_back(performer)
            standing.forget(performer)
            if performer.get(KEPT):
                del performer[KEPT]
    for session in LIVE.sessions.values():
        session.forget_objects()
    if bpy.app.background:
        LIVE.drop_all()


def _place_of(session: Session) -> tuple[bpy.types.Scene | None, int]:
    """The scene and the place in its list of a preview's character; its own scene first, for scenes can be copied."""
    for scene in sorted(bpy.data.scenes, key=lambda scene: scene.name != session.scene):
        for index, performer in enumerate(properties.of(scene).performers):
            if performer.uid == session.uid:
                return scene, index
    return None, 0


def _objects(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return performers.objects_of(scene, properties.of(scene).performer)
