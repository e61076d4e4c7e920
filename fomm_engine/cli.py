# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's command line: `run JOB --events` for hosts, and one command for each job for people."""

import argparse
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from fomm_engine import __version__
from fomm_engine.commands import animate, capture, doctor, models, train
from fomm_engine.commands.command import Command
from fomm_engine.jobs import BAD_INPUT, FAILED, OK, run_job, say_hello
from fomm_engine.stdio import CancelFlag, EventSink, Reporter, TerminalSink
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.job import Job, read_job

INTERRUPTED = 130
COMMANDS: dict[str, Command] = {
    "capture": capture.COMMAND,
    "animate": animate.COMMAND,
    "train": train.COMMAND,
    "reconstruct": train.RECONSTRUCT,
    "models": models.COMMAND,
    "convert": models.CONVERT,
    "doctor": doctor.COMMAND,
}
EXIT_CODES = "Exit codes: 0 done, 1 the engine's own fault, 2 input that cannot be used, 130 stopped."


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["run"]:  # with the standard library alone: the job that installs the engine has nothing else yet
        return _run_for_host(_add_run(argparse.ArgumentParser(prog="fomm_engine run")).parse_args(given[1:]))
    args = _parser().parse_args(given)
    command = COMMANDS[args.command]
    try:
        job = command.job_from(args)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    return _run_for_person(job, command)


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


def _run_for_person(job: Job, command: Command) -> int:
    sink, cancel = _PersonSink(), CancelFlag()
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    run_job(job, sink, Reporter(sink, cancel))
    last = sink.last
    if last["type"] == "failed":
        sys.stderr.write(f"{last['message']} {last['hint']}".rstrip() + "\n" + last["detail"])
        return FAILED if last["code"] == "engine-bug" else BAD_INPUT
    if last["status"] == "cancelled":
        sys.stderr.write("\nStopped.\n")
        return INTERRUPTED
    sys.stdout.write(command.answer(replace(job, output=last["output"])))
    return OK


def _parser() -> argparse.ArgumentParser:
    about = "Face video in; a take, an animated portrait or a trained model out."
    parser = argparse.ArgumentParser(prog="fomm_engine", description=about, epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.help, description=command.help, epilog=EXIT_CODES))
    _add_run(commands.add_parser("run", help="run a job file and tell about it in events (for hosts)"))
    return parser


def _add_run(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("job", type=Path)
    parser.add_argument("--events", action="store_true", help="JSON lines on stdout (the only form there is)")
    return parser
