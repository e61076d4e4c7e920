# SPDX-License-Identifier: GPL-3.0-or-later
"""`capture`: a video in, a take out."""

import argparse

from fomm_engine.commands.command import Command, absolute
from fomm_engine.wire.job import Job

_WHOM = "whom, where there are several: largest, first, a number from the left (from 0), X,Y or X,Y,WIDTH,HEIGHT in px"


def _face(text: str) -> str | int | list[float]:
    """What --face means, as the job's option wants it; the job says what is wrong with it."""
    try:
        if "," in text:
            return [float(part) for part in text.split(",")]
        return int(text)
    except ValueError:
        return text


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video")
    parser.add_argument("-o", "--output", required=True, help="the take, *.capture.npz")
    parser.add_argument("--focal-px", type=float, default=None, help="the lens, in pixels, where it is known")
    parser.add_argument("--start-s", type=float, default=None, help="where to begin (default: the video's start)")
    parser.add_argument("--end-s", type=float, default=None, help="where to stop (default: the video's end)")
    parser.add_argument("--face", type=_face, default="largest", help=_WHOM)
    backends = ("default", "face-alignment", "auto")
    parser.add_argument("--landmarks", choices=backends, default="default", help="auto: face-alignment if it is here")


def _job_from(args: argparse.Namespace) -> Job:
    options = {"focal_px": args.focal_px, "start_s": args.start_s, "end_s": args.end_s, "face": args.face}
    options["landmarks"] = args.landmarks
    return Job("capture", {"video": absolute(args.video)}, absolute(args.output), options)


COMMAND = Command("write a take of the face in a video", _add_arguments, _job_from)
