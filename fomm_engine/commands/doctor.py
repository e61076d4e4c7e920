# SPDX-License-Identifier: GPL-3.0-or-later
"""`doctor`: what works here and what does not."""

import argparse

from fomm_engine.commands.command import Command, absolute
from fomm_engine.wire.job import Job


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", default="doctor.json", help="the report (default: %(default)s)")


def _job_from(args: argparse.Namespace) -> Job:
    return Job("doctor", {}, absolute(args.output))


COMMAND = Command("say what works here and what does not", _add_arguments, _job_from)
