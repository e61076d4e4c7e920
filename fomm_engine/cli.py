# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's command line: `run JOB --events` for hosts; `capture`, `animate` and `doctor` for people."""

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from fomm_engine import __version__
from fomm_engine.jobs import BAD_INPUT, FAILED, OK, run_job, say_hello
from fomm_engine.stdio import CancelFlag, EventSink, Reporter, TerminalSink
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.job import Job, read_job

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    args = _parser().parse_args(arguments)
    return _run_for_host(args) if args.command == "run" else _run_for_person(_job_from(args))


def _run_for_host(args: argparse.Namespace) -> int:
    sink, cancel = EventSink(), CancelFlag()
    say_hello(sink)
    cancel.watch_stdin()
    try:
        job = read_job(args.job)
    except (UserError, ProtocolError) as error:
        code = error.code if isinstance(error, UserError) else "bad-job"
        sink.emit("failed", code=code, message=str(error), hint="Start the job again.", detail="")
        return FAILED
    return run_job(job, sink, Reporter(sink, cancel))


class _PersonSink:
    """A terminal that also remembers how the job ended."""

    def __init__(self) -> None:
        self._terminal = TerminalSink()
        self.last: dict[str, Any] = {}

    def emit(self, kind: str, **fields: Any) -> None:
        self._terminal.emit(kind, **fields)
        self.last = {"type": kind, **fields}


def _run_for_person(job: Job) -> int:
    sink, cancel = _PersonSink(), CancelFlag()
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    run_job(job, sink, Reporter(sink, cancel))
    last = sink.last
    if last["type"] == "failed":
        sys.stderr.write(f"{last['message']} {last['hint']}".rstrip() + "\n" + last["detail"])
        return FAILED if last["code"] == "engine-bug" else BAD_INPUT
    if last["status"] == "cancelled":
        sys.stderr.write("\nStopped; nothing was written.\n")
        return INTERRUPTED
    sys.stdout.write(f"{last['output']}\n")
    return OK


def _job_from(args: argparse.Namespace) -> Job:
    output = str(Path(args.output).absolute())
    if args.command == "capture":
        options = {"focal_px": args.focal_px, "start_s": args.start_s, "end_s": args.end_s, "face": args.face}
        return Job("capture", {"video": str(Path(args.video).absolute())}, output, options)
    if args.command == "animate":
        inputs = {"source": str(Path(args.source).absolute()), "driving": str(Path(args.driving).absolute())}
        options = {"relative": not args.absolute, "adapt_scale": not args.keep_scale, "size": args.size}
        return Job("animate", inputs, output, options, args.weights)
    return Job("doctor", {}, output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fomm_engine", description="Face video in, take or animated portrait out.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a job file and tell about it in events (for hosts)")
    run.add_argument("job", type=Path)
    run.add_argument("--events", action="store_true", help="JSON lines on stdout (the only form there is)")
    _add_capture(commands.add_parser("capture", help="write a take of the face in a video"))
    _add_animate(commands.add_parser("animate", help="animate a portrait with a driving video"))
    doctor = commands.add_parser("doctor", help="say what works here and what does not")
    doctor.add_argument("-o", "--output", default="doctor.json")
    return parser


def _add_capture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video")
    parser.add_argument("-o", "--output", required=True, help="the take, *.capture.npz")
    parser.add_argument("--focal-px", type=float, default=None, help="the lens, in pixels, where it is known")
    parser.add_argument("--start-s", type=float, default=None)
    parser.add_argument("--end-s", type=float, default=None)
    parser.add_argument("--face", choices=("largest", "first"), default="largest")


def _add_animate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a portrait, or a video whose first frame is one")
    parser.add_argument("driving", help="the video whose motion is taken")
    parser.add_argument("-o", "--output", required=True, help="the film, *.mp4")
    parser.add_argument("--weights", default="default", help="'default', or an official checkpoint's file")
    parser.add_argument(
        "--absolute", action="store_true", help="take positions, not motion relative to the first frame"
    )
    parser.add_argument("--keep-scale", action="store_true", help="do not adapt the motion to the portrait's size")
    parser.add_argument("--size", type=int, default=256)
