# SPDX-License-Identifier: GPL-3.0-or-later
"""`animate`: a portrait and a driving video in, the portrait moving as the video does out."""

import argparse

from fomm_engine.commands.command import Command, absolute
from fomm_engine.wire.job import Job


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a portrait, or a video whose first frame is one")
    parser.add_argument("driving", help="the video whose motion is taken")
    parser.add_argument("-o", "--output", required=True, help="the film, *.mp4")
    parser.add_argument("--weights", default="default", help="'default', or a checkpoint's file")
    parser.add_argument(
        "--absolute", action="store_true", help="take positions, not motion relative to the first frame"
    )
    parser.add_argument("--keep-scale", action="store_true", help="do not adapt the motion to the portrait's size")
    parser.add_argument("--size", type=int, default=256, help="the film's side in pixels (default: %(default)s)")


def _job_from(args: argparse.Namespace) -> Job:
    inputs = {"source": absolute(args.source), "driving": absolute(args.driving)}
    options = {"relative": not args.absolute, "adapt_scale": not args.keep_scale, "size": args.size}
    return Job("animate", inputs, absolute(args.output), options, args.weights)


COMMAND = Command("animate a portrait with a driving video", _add_arguments, _job_from)
