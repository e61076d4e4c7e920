# SPDX-License-Identifier: GPL-3.0-or-later
"""`train` and `reconstruct`: a model of one's own kind of object, and how good it is."""

import argparse

from fomm_engine.commands.command import Command, absolute
from fomm_engine.wire.job import Job


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    from fomm_engine.model.config import config_names  # needs PyYAML, which is not there while the engine is installed

    parser.add_argument("data", help="a folder of clips: videos, folders of frames; or its folders train and test")
    parser.add_argument("-o", "--output", required=True, help="the model, *.safetensors; beside it *.training/")
    config_help = f"a YAML file, or one of {', '.join(config_names())} (default: %(default)s)"
    parser.add_argument("--config", default="vox-256", help=config_help)
    parser.add_argument("--weights", default=None, help="start from these weights (a file, or a name of `models list`)")
    parser.add_argument("--resume", action="store_true", help="go on with the training beside the output")
    parser.add_argument("--steps", type=int, default=None, help="stop after so many in all (default: all epochs)")
    parser.add_argument("--minutes", type=float, default=None, help="stop after so many minutes")
    parser.add_argument("--batch", type=int, default=None, help="pictures in a step (default: the config's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--look-every", type=int, default=500, help="steps between previews (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="processes that read clips (default: none of their own)")
    _add_device(parser)
    kinds = ("auto", "vgg19", "faces", "filters")
    parser.add_argument("--perceptual", choices=kinds, default="auto", help="auto: VGG19 where its weights are here")
    parser.add_argument("--vgg19", default=None, help="torchvision's vgg19-dcbf9e9d.pth, where it is not downloaded")


def _job_from(args: argparse.Namespace) -> Job:
    names = ("resume", "steps", "minutes", "batch", "seed", "look_every", "workers", "device", "perceptual")
    options = {name: getattr(args, name) for name in names}
    options["config"] = absolute(args.config) if args.config.endswith((".yaml", ".yml")) else args.config
    inputs = {"data": absolute(args.data)}
    if args.vgg19:
        inputs["vgg19"] = absolute(args.vgg19)
    return Job("train", inputs, absolute(args.output), options, args.weights)


def _add_reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="a folder of clips; those held out of training are used")
    parser.add_argument("--weights", required=True, help="the model: a file, or a name of `models list`")
    parser.add_argument("-o", "--output", required=True, help="the report, *.json; beside it *.films/")
    parser.add_argument("--no-pictures", action="store_true", help="figures only, no films")
    parser.add_argument("--no-landmarks", action="store_true", help="do not look for faces (no AKD)")
    parser.add_argument("--clips", type=int, default=0, help="how many at most (default: all)")
    _add_device(parser)


def _reconstruct_job_from(args: argparse.Namespace) -> Job:
    options = {
        "pictures": not args.no_pictures,
        "landmarks": not args.no_landmarks,
        "clips": args.clips,
        "device": args.device,
    }
    return Job("reconstruct", {"data": absolute(args.data)}, absolute(args.output), options, args.weights)


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")


COMMAND = Command("train a model on your own clips", _add_arguments, _job_from)
RECONSTRUCT = Command("measure a model on held-out clips", _add_reconstruct, _reconstruct_job_from)
