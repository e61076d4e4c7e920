# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of build.py: what can be asked for, and who does it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from steps import (
    checking,
    dev_link,
    engine_commands,
    environments,
    packaging,
    processes,
    reliability,
    testing,
    translating,
)
from steps.places import BLENDER_ENVIRONMENTS, ENGINE_ENVIRONMENT
from steps.terminal import EXIT_INTERRUPTED, EXIT_REFUSED, Refusal, complain, say

# Their arguments are the engine's own: they are handed on unread.
PASSED_ON = {"train": "fomm_engine.training", "bench": "fomm_engine.bench"}


def main(arguments: Sequence[str]) -> int:
    """The exit code: the command's own, 2 for one sentence about what stands in the way, 130 when interrupted."""
    try:
        with processes.interruptible():
            return _dispatch(arguments)
    except Refusal as refusal:
        complain(refusal)
        return EXIT_REFUSED
    except (processes.Interrupted, KeyboardInterrupt):
        complain(Refusal("Interrupted; nothing is left running."))
        return EXIT_INTERRUPTED


def _dispatch(arguments: Sequence[str]) -> int:
    """The exit code of the command that the arguments name; 128 + signal where a signal ended its child."""
    if list(arguments[:2]) == ["bench", "addon"]:
        code = engine_commands.bench_addon(arguments[2:])
    elif arguments and arguments[0] in PASSED_ON:
        code = engine_commands.pass_on(PASSED_ON[arguments[0]], arguments[1:])
    else:
        own, _, for_pytest = _split(arguments)
        options = _parser().parse_args(own)
        if for_pytest and options.command != "test":
            raise Refusal("Only test takes arguments after --.")
        code = _run(options, for_pytest)
    return 128 - code if code < 0 else code


def _run(options: argparse.Namespace, for_pytest: Sequence[str]) -> int:
    """The exit code of a parsed command."""
    match options.command:
        case "demo":
            return engine_commands.demo(options)
        case "test":
            return testing.test(options.ring, for_pytest)
        case "evaluate":
            return engine_commands.evaluate(options)
        case "check":
            return checking.check()
        case "reliability":
            return reliability.reliability(endurance=options.endurance, quick=options.quick, keep=options.keep)
        case "package":
            return packaging.package()
        case "texts":
            return translating.translate()
        case "dev-link":
            return dev_link.dev_link(options.blender)
        case _:
            return _set_up(options.extra)


def _set_up(extra: str | None) -> int:
    """0; leaves every environment made, the engine's with the optional packages `extra`."""
    environments.ensure([ENGINE_ENVIRONMENT, *BLENDER_ENVIRONMENTS])
    if extra is not None:
        environments.add_extra(ENGINE_ENVIRONMENT, extra)
    say("Set-up is complete: every environment is as the lock file says.")
    return 0


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], str, Sequence[str]]:
    """The arguments before and after the first --."""
    if "--" not in arguments:
        return arguments, "", ()
    place = list(arguments).index("--")
    return arguments[:place], "--", arguments[place + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py", description="Understudy: a face video in, a performing character out."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    test = commands.add_parser("test", help="run the tests, all or one ring; what follows -- goes to pytest")
    test.add_argument("ring", nargs="?", choices=testing.RINGS)
    set_up = commands.add_parser("setup", help="make every environment, or bring them up to date")
    set_up.add_argument("--extra", metavar="NAME", help="add optional packages to the engine: openvino (int8, 250 MB)")
    commands.add_parser("check", help="ruff, pyright, the import table, the lock and the versions")
    commands.add_parser("package", help="build the extension's zip into dist/")
    commands.add_parser("texts", help="bring the extension's translations up to date with its sources")
    _add_reliability(commands)
    _add_evaluate(commands)
    for name, what in (("train", "train the default weights"), ("bench", "measure speed: engine, capture or addon")):
        commands.add_parser(name, help=f"{what} (its own --help tells more)", add_help=False)
    link = commands.add_parser("dev-link", help="link the extension's sources into your own Blender")
    link.add_argument("--blender", metavar="X.Y", help="one Blender version (default: all that have run here)")
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="a video in, a film of the performing character out")
    demo.add_argument("--video", metavar="FILE", help="the performance (default: the project's own clip)")
    demo.add_argument(
        "--character", metavar="NAME|FILE.blend", help="who performs it (default: the project's own character)"
    )
    demo.add_argument("--out", metavar="DIR", help="where the results go")
    demo.add_argument("--fast", action="store_true", help="smaller and rougher pictures, in less time")


def _add_reliability(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    faults = commands.add_parser("reliability", help="every fault done on purpose; writes docs/reliability.md")
    faults.add_argument("--quick", action="store_true", help="without the 200 kills of the engine")
    faults.add_argument("--endurance", action="store_true", help="half an hour of performance, a hundred captures too")
    faults.add_argument(
        "--keep", action="store_true", help="keep rows of earlier runs that this one does not make anew"
    )


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = commands.add_parser("evaluate", help="measure captures of clips against their truth")
    evaluate.add_argument("folder", metavar="DIR", help="clips X.mp4 with X.gt.npz or X.ref.npz")
    evaluate.add_argument("--character", metavar="NAME|FILE.blend")
    evaluate.add_argument("--json", metavar="FILE", help="write the figures there as well")
