# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command of the engine's command line is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fomm_engine.wire.job import Job


def _path_of_result(job: Job) -> str:
    return f"{job.output}\n"


@dataclass(frozen=True)
class Command:
    """One command: a line of help, its arguments, the job they describe, and what to print when the job is done.

    answer: text for stdout; the result's path where nothing better is said (so that scripts can use it).
    """

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    job_from: Callable[[argparse.Namespace], Job]
    answer: Callable[[Job], str] = _path_of_result


def absolute(path: str | Path) -> str:
    """`path` as an absolute path: a job says nothing about the folder it was started in."""
    return str(Path(path).expanduser().absolute())
