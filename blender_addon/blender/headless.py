# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on without windows, for pipelines: python -m blender_addon.blender.headless perform|measure ...

Progress and the end are told as JSON lines on stdout, in the engine's own vocabulary (fomm_engine/wire/events.py). Exit
codes: 0 done, 1 a fault of the product, 2 something the user can mend, 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, TextIO

from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.events import format_event

from ..engine.process import CancelTimes
from ..engine.session import Session
from .engine_jobs.stopping import INTERRUPTED, StopWatch

DONE, FAULT, USER = 0, 1, 2
# Ctrl-C should be over within a second, so the engine gets less time than a button gives it.
QUICK_STOP = CancelTimes(ask_s=0.35, terminate_s=0.15)
ENGINES = {"cycles": "CYCLES", "workbench": "WORKBENCH", "eevee": "EEVEE"}


class Teller:
    """Writes events to the real stdout, which Blender's own lines cannot reach: they go to stderr."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._stream: TextIO = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
        os.dup2(2, 1)
        self._last: tuple[object, ...] = ()

    def tell(self, kind: str, **fields: Any) -> None:
        """Nothing; one line is written. A reader that has gone is no error."""
        try:
            self._stream.write(format_event(kind, **fields))
            self._stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def progress(self, stage: str, current: int, total: int | None, message: str) -> None:
        """Nothing; tells how far a step is, once for each change."""
        news = (stage, current, total, message)
        if news != self._last:
            self._last = news
            self.tell("progress", stage=stage, current=current, total=total, message=message)

    def session(self, title: str, session: Session) -> None:
        """Nothing; tells how far a job is; the message names the job's own stage."""
        self.progress(title.lower(), session.current, session.total, session.stage)


def main(arguments: list[str]) -> int:
    """The exit code."""
    args = _parser().parse_args(arguments)
    teller = Teller()
    user_folder = _throw_away_user_folder()
    stop = StopWatch(lambda: _clean_up(user_folder, args))
    stop.start()
    try:
        result = _run(args, teller, stop)
    except Cancelled:
        teller.tell("done", status="cancelled", output="")
        return INTERRUPTED
    except UserError as error:
        teller.tell("failed", code=error.code, message=error.message, hint=error.hint)
        return USER
    except Exception as error:  # noqa: BLE001 - the door: a fault must reach the caller as an event, not as silence
        traceback.print_exc()
        detail = traceback.format_exc()
        teller.tell("failed", code="bug", message=str(error) or type(error).__name__, hint="Report it.", detail=detail)
        return INTERRUPTED if stop.asked() else FAULT
    finally:
        _clean_up(user_folder, args)
    _write_json(args.json, result)
    teller.tell("done", status="ok", output=str(args.json or args.out))
    return DONE


def _run(args: argparse.Namespace, teller: Teller, stop: StopWatch) -> dict[str, Any]:
    from . import pipeline
    from .engine_jobs import jobs

    jobs.DESK.listener, jobs.DESK.stop_asked, jobs.DESK.times = teller.session, stop.asked, QUICK_STOP
    if args.command == "measure":
        frames = range(args.frames[0], args.frames[1] + 1) if args.frames else None
        return pipeline.measure_blend(args.blend, args.out, frames)
    _make_folder(args.out)
    request = pipeline.Request(
        out=args.out.absolute(),
        character=args.character,
        engine_python=args.engine_python,
        video=args.video,
        take=args.take,
        frame_rate=args.frame_rate,
        render=not args.no_render,
        render_engine=ENGINES[args.render_engine],
        width=args.width,
        height=args.height,
        samples=args.samples,
        film=args.film,
    )
    return pipeline.perform(request, teller.progress)


def _throw_away_user_folder() -> Path | None:
    """A folder for Blender's user files where none is set: nothing of this machine's Blender comes in or is changed."""
    if "BLENDER_USER_RESOURCES" in os.environ or "bpy" in sys.modules:
        return None
    folder = Path(tempfile.mkdtemp(prefix="understudy-user-"))
    os.environ["BLENDER_USER_RESOURCES"] = str(folder)
    return folder


def _clean_up(user_folder: Path | None, args: argparse.Namespace) -> None:
    jobs = sys.modules.get(f"{__package__}.jobs")
    if jobs is not None:
        jobs.DESK.close()
    if user_folder is not None:
        shutil.rmtree(user_folder, ignore_errors=True)
    folder = args.out if args.command == "perform" else args.out.parent
    for partial in (*folder.glob(".part-*"), *folder.glob("frames/.part-*"), *folder.glob("*.part.npz")):
        shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else partial.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {folder} cannot be made ({error.strerror})."
        raise UserError("not-writable", message, "Choose another one.") from error
    if not os.access(folder, os.W_OK):
        raise UserError("not-writable", f"The folder {folder} cannot be written.", "Choose another one.")


def _write_json(path: Path | None, result: dict[str, Any]) -> None:
    if path is None:
        return
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(result, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
    partial.replace(path)


def _rate(text: str) -> tuple[int, int]:
    num, _, den = text.partition("/")
    rate = int(num), int(den or 1)
    if min(rate) <= 0:
        raise ValueError(text)
    return rate


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="understudy", description="A performance on a character, without windows.")
    commands = parser.add_subparsers(dest="command", required=True)
    perform = commands.add_parser("perform", help="capture, bake, save and render")
    perform.add_argument("--video", type=Path, help="the actor's video; needed where no take is given")
    perform.add_argument("--take", type=Path, help="a take that was captured before")
    perform.add_argument("--character", type=Path, required=True, help="a .blend, or a builder's .py")
    perform.add_argument("--engine-python", type=Path, help="the engine's interpreter; needed to capture")
    perform.add_argument("--out", type=Path, required=True, help="the folder for everything")
    perform.add_argument("--json", type=Path, help="where the result is described")
    perform.add_argument("--frame-rate", type=_rate, help="the scene's, as 24 or 30000/1001; the take's own otherwise")
    perform.add_argument("--no-render", action="store_true")
    perform.add_argument("--film", action="store_true", help="one mp4 instead of stills")
    perform.add_argument("--render-engine", choices=sorted(ENGINES), default="cycles")
    perform.add_argument("--width", type=int, default=1280)
    perform.add_argument("--height", type=int, default=720)
    perform.add_argument("--samples", type=int, default=4)
    measure = commands.add_parser("measure", help="write the evaluated values of a saved character")
    measure.add_argument("--blend", type=Path, required=True)
    measure.add_argument("--out", type=Path, required=True, help="the npz to write")
    measure.add_argument("--frames", type=int, nargs=2, metavar=("FIRST", "LAST"))
    measure.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Callbacks that are still registered make the bpy wheels crash or hang in their exit handlers.
    os._exit(code)
