# SPDX-License-Identifier: GPL-3.0-or-later
"""`animate`: a portrait and a driving video in, the portrait moving as the video does out.

People who come from the original find its options under their own names too; what is the default here (relative motion,
adapted scale, sound) is taken without complaint.
"""

import argparse
from pathlib import Path
from typing import Any

from fomm_engine.animate.options import DEFAULTS, described
from fomm_engine.commands.command import Command, absolute
from fomm_engine.wire.job import Job

_ALIASES = {"best_frame": ["--best_frame"], "find_best_frame": ["--find_best_frame"]}
# An option that is on by default: what turns it off, what that does, and the original's word for having it on.
_TURNED_OFF = {
    "relative": ("--absolute", "take the driving positions as they are, not the motion", "--relative"),
    "adapt_scale": ("--keep-scale", "do not fit the motion to the source's size", "--adapt_scale"),
    "sound": ("--silent", "leave the driving video's sound away", "--audio"),
    "relative_jacobian": ("--absolute-jacobian", "take the Jacobians as they are", ""),
    "align_corners": ("--no-align-corners", "repeat what the original shows on torch 1.3 and later", ""),
}
_NUMBERS: dict[str, type] = {"best_frame": int, "start_s": float, "end_s": float}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    source = ["--source", "--source_image", "-s"]
    parser.add_argument(*source, required=True, nargs="+", help="pictures, or videos (see --source-frame)")
    driving = ["--driving", "--driving_video", "-d"]
    parser.add_argument(*driving, required=True, nargs="+", help="videos whose motion is taken")
    parser.add_argument(
        "-o", "--output", "--result_video", default="result.mp4", help="the film (default: %(default)s)"
    )
    parser.add_argument("--take", nargs="+", default=[], help="captures of the driving videos, in their order")
    weights = ["--weights", "--checkpoint"]
    parser.add_argument(*weights, default="default", help="default, a model's name (see `models`), or a checkpoint")
    parser.add_argument("--cpu", action="store_true", help="the same as --device cpu")
    for name in DEFAULTS:
        _add_option(parser, name)


def _add_option(parser: argparse.ArgumentParser, name: str) -> None:
    default, sentence, choices = described()[name]
    flag = "--" + name.replace("_", "-")
    if name in _TURNED_OFF:
        off, what, on = _TURNED_OFF[name]
        parser.add_argument(off, dest=name, action="store_false", default=default, help=what)
        if on:
            parser.add_argument(on, dest=name, action="store_true", default=default, help=argparse.SUPPRESS)
    elif default is False:
        parser.add_argument(flag, *_ALIASES.get(name, []), dest=name, action="store_true", help=sentence)
    else:
        kind: Any = _NUMBERS.get(name, type(default))
        text = sentence if default is None else f"{sentence} (default: %(default)s)"
        more: dict[str, Any] = {"choices": choices} if choices else {}
        parser.add_argument(flag, *_ALIASES.get(name, []), dest=name, type=kind, default=default, help=text, **more)


def _job_from(args: argparse.Namespace) -> Job:
    inputs = {
        f"{kind}_{number}" if number > 1 else kind: absolute(path)
        for kind, paths in (("source", args.source), ("driving", args.driving), ("take", args.take))
        for number, path in enumerate(paths, 1)
    }
    options = {name: getattr(args, name) for name in DEFAULTS if getattr(args, name) != DEFAULTS[name]}
    if args.cpu:
        options["device"] = "cpu"
    file = Path(args.weights).is_file()
    return Job("animate", inputs, absolute(args.output), options, absolute(args.weights) if file else args.weights)


COMMAND = Command("animate a portrait with a driving video", _add_arguments, _job_from)
