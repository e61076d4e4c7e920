# SPDX-License-Identifier: GPL-3.0-or-later
"""`models`: published weights, listed, downloaded, imported, verified, removed, converted; `convert` for short."""

import argparse
import json
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from fomm_engine.commands.command import Command, absolute
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.model_table import TABLE, named_entry, read_table

_STATES = {"absent": "-", "known": "here, as published", "pinned": "here, pinned", "changed": "CHANGED: verify it"}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", default="", help="of the weights (default: UNDERSTUDY_MODELS, or your cache)")
    parser.add_argument("--table", default=str(TABLE), help="another table of weights, such as a studio's own")
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("list", help="which weights there are, and which are here")
    download = actions.add_parser("download", help="fetch weights, after showing their licence")
    download.add_argument("name")
    download.add_argument("--accept-licence", action="store_true", help="do not ask")
    bring = actions.add_parser("import", help="take in a file that is on this machine")
    bring.add_argument("file")
    bring.add_argument("--name", default="", help="which weights it is (default: by its name and its tensors)")
    verify = actions.add_parser("verify", help="check that files are what they were, by their checksums")
    verify.add_argument("name", nargs="?", default="", help="default: everything that is here")
    actions.add_parser("remove", help="delete weights from this machine").add_argument("name")
    path = actions.add_parser("path", help="where weights are")
    path.add_argument("name", nargs="?", default="", help="default: the folder of all")
    _add_convert(actions.add_parser("convert", help="write a checkpoint as safetensors, with a report"))


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="the checkpoint, in any published form")
    parser.add_argument("target", help="the result, *.safetensors")
    parser.add_argument("--half", action="store_true", help="in half precision: half the size")


def _job_from(args: argparse.Namespace) -> Job:
    options: dict[str, Any] = {"action": args.action, "folder": absolute(args.folder) if args.folder else ""}
    options["name"] = getattr(args, "name", "")
    inputs = {"table": absolute(args.table)}
    if args.action == "download":
        options["accept_licence"] = args.accept_licence or _asked(args)
    if args.action in ("import", "convert"):
        inputs["file"] = absolute(args.file)
    if args.action == "convert":
        inputs["target"], options["half"] = absolute(args.target), args.half
    return Job("models", inputs, str(Path(tempfile.gettempdir()) / f"models-{uuid.uuid4().hex}.json"), options)


def _convert_job_from(args: argparse.Namespace) -> Job:
    return _job_from(argparse.Namespace(**vars(args), action="convert", folder="", table=str(TABLE)))


def _asked(args: argparse.Namespace) -> bool:
    """Whether the person at the terminal accepts the licence, which is shown; without a terminal nobody does."""
    entry = named_entry(args.name, read_table(Path(args.table)))
    sys.stderr.write(f"{entry.name}: {entry.subject}, about {entry.size_about / 1e6:.0f} MB.\n{entry.licence}\n")
    sys.stderr.write("".join(f"  from {source.origin}: {source.url}\n" for source in entry.sources))
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("Download it under these terms? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserError("licence-not-accepted", "Nothing was downloaded.")
    return True


def _answer(job: Job) -> str:
    """The table as text for `list`, the path for `path`; the rest was said while it was done."""
    path = Path(job.output)
    answer = json.loads(path.read_text(encoding="ascii"))
    path.unlink()
    if answer["action"] == "path":
        return f"{answer['notes'][0]}\n"
    return _as_table(answer) if answer["action"] == "list" else ""


def _as_table(answer: dict[str, Any]) -> str:
    rows = [("name", "size", "state", "what it is")]
    rows += [
        (row["name"], f"{row['size_bytes'] / 1e6:.0f} MB", _STATES[row["state"]], row["subject"])
        for row in answer["models"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]) for row in rows]
    return "\n".join([f"Folder: {answer['folder']}", "", *lines]) + "\n"


COMMAND = Command(
    "published weights: list, download, import, verify, remove, convert", _add_arguments, _job_from, _answer
)
CONVERT = Command("write a checkpoint as safetensors, with a report", _add_convert, _convert_job_from, _answer)
