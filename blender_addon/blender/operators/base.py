# SPDX-License-Identifier: GPL-3.0-or-later
"""What all commands share: one door for errors, and the life of a job that runs beside Blender."""

from __future__ import annotations

import time
import traceback
from typing import Any

import bpy

from fomm_engine.wire.errors import UserError

from ...engine.session import Failure, Phase, Session, failure_from_error
from .. import properties
from ..engine_jobs import jobs, status
from ..translation import sentence, words

Result = set[str]
STATUS_BAR_INTERVAL_S = 1.0


class Refusal(ValueError):
    """A command that cannot be done, with the sentence that says why."""


class Command:
    """Base of the commands: `act` does the work; what it raises becomes one clear sentence.

    A UserError or a ValueError is the user's to mend and is shown without a trace. Anything else is a bug: its report
    is kept in the status for copying, and it goes on to Blender, which shows the trace.
    """

    report: Any

    def act(self, context: bpy.types.Context) -> str:
        """The sentence that says what has been done."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED, or CANCELLED with a report."""
        properties.ensure(context.scene)  # a scene that was added a moment ago
        return self.behind_door(context, lambda: self.finish(context, self.act(context)))

    def finish(self, context: bpy.types.Context, said: str) -> Result:
        """FINISHED; the user reads what has been done."""
        status.say(status.of(context), said)
        status.redraw(context)
        self.report({"INFO"}, sentence(said))
        return {"FINISHED"}

    def refuse(self, context: bpy.types.Context, failure: Failure) -> Result:
        """CANCELLED; the user reads what is wrong and what to do."""
        status.say_failure(status.of(context), failure)
        status.redraw(context)
        self.report({"ERROR"}, f"{sentence(failure.message)} {sentence(failure.hint)}".rstrip())
        return {"CANCELLED"}

    def behind_door(self, context: bpy.types.Context, work: Any) -> Result:
        """What `work` gives, with its errors turned into what people can use."""
        try:
            return work()
        except UserError as error:
            return self.refuse(context, failure_from_error(error))
        except ValueError as error:
            return self.refuse(context, Failure("refused", str(error)))
        except Exception as error:  # the door for bugs: keep a report that can be copied, and let it go on
            message = f"Understudy met an error of its own ({type(error).__name__})."
            detail = f"Blender {bpy.app.version_string}\n{traceback.format_exc()}"
            status.say_failure(status.of(context), Failure("bug", message, "Please report it.", detail))
            raise


class JobCommand(Command):
    """Base of the commands that run the engine: a timer follows the job in a window; without windows it waits.

    `start` starts the run; `accept` takes its result when it is done and gives the sentence to show.
    """

    job_title = "Job"
    changes_file = False  # where it does, the result is an undo step of its own
    _timer: Any = None
    _window_manager: Any = None
    _shown: tuple[str, float, bool] = ("", 0.0, False)
    _bar_drawn_s = 0.0

    def start(self, context: bpy.types.Context) -> jobs.Run:
        """The started run."""
        raise NotImplementedError

    def accept(self, context: bpy.types.Context, session: Session) -> str:
        """The sentence that says what came of it."""
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """False while another job runs."""
        if jobs.DESK.busy:
            cls.poll_message_set(words("Another job is still running"))  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """FINISHED or CANCELLED after waiting (no windows), RUNNING_MODAL with a window."""
        return self.behind_door(context, lambda: self._run(context))

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """PASS_THROUGH while the job runs, so that the user can go on working."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        run = jobs.DESK.run
        if run is None:
            self._stop_timer()
            return {"CANCELLED"}
        session = run.poll(time.monotonic())
        self._show(context, session)
        if not session.is_final:
            return {"PASS_THROUGH"}
        self._stop_timer()
        status.redraw_status_bar(context)
        return self.behind_door(context, lambda: self._settle(context, session))

    def cancel(self, context: bpy.types.Context) -> None:
        """Nothing; Blender is closing or loading another file, so the engine ends too."""
        self._stop_timer()
        jobs.DESK.close()
        status.of(context).running = False

    def _run(self, context: bpy.types.Context) -> Result:
        jobs.DESK.take(self.job_title, lambda: self.start(context))
        status.say(status.of(context), "")
        if bpy.app.background:
            return self._settle(context, jobs.DESK.wait())
        self._window_manager = context.window_manager
        self._timer = self._window_manager.event_timer_add(jobs.POLL_INTERVAL_S, window=context.window)
        self._window_manager.modal_handler_add(self)
        status.show_session(status.of(context), self.job_title, jobs.DESK.run.session)  # type: ignore[union-attr]
        status.redraw_status_bar(context)
        return {"RUNNING_MODAL"}

    def stopped(self, context: bpy.types.Context) -> str:
        """What a job that the user has stopped leaves, in one sentence."""
        return f"{self.job_title} was stopped; nothing was changed."

    def _settle(self, context: bpy.types.Context, session: Session) -> Result:
        jobs.DESK.close()
        status.show_session(status.of(context), self.job_title, session)
        if session.phase is Phase.DONE:
            said = self.accept(context, session)
            if self.changes_file:
                bpy.ops.ed.undo_push(message=self.job_title)
            return self.finish(context, said)
        if session.phase is Phase.CANCELLED:
            message = self.stopped(context)
            status.say(status.of(context), message)
            self.report({"WARNING"}, sentence(message))
            return {"CANCELLED"}
        return self.refuse(context, session.failure or Failure("unknown", f"{self.job_title} failed."))

    def _show(self, context: bpy.types.Context, session: Session) -> None:
        """Nothing; draws again what has changed: the sidebar at once, the status bar about once a second."""
        state, before = status.of(context), self._shown
        status.show_session(state, self.job_title, session)
        self._shown = (state.line, round(state.fraction, 3), state.cancelling)
        if self._shown != before:
            status.redraw(context)
        now_s = time.monotonic()
        if now_s - self._bar_drawn_s > STATUS_BAR_INTERVAL_S:
            self._bar_drawn_s = now_s
            status.redraw_status_bar(context)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._window_manager.event_timer_remove(self._timer)
            self._timer = None
