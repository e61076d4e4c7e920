# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that does no work, so that hosts and panels can be tested: it counts, fails, crashes or babbles as told."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

DEFAULTS: dict[str, Any] = {
    "steps": 5,
    "sleep_s": 0.01,
    "fail": False,
    "crash": False,
    "garbage": False,
}


def run(job: Job, reporter: Reporter) -> Path:
    """The output path, after counting `steps`; raises UserError("fake-failure") where told to fail."""
    options = checked_options(job, DEFAULTS)
    for step in range(options["steps"]):
        reporter.progress("check", step + 1, options["steps"], "counting")
        time.sleep(options["sleep_s"])
        if options["garbage"]:
            print("not an event")  # noqa: T201 - the point: it must not reach the host's pipe
            subprocess.run(["echo", "nor this"], check=False)
    if options["crash"]:
        os._exit(139)
    if options["fail"]:
        raise UserError("fake-failure", "The fake job failed, as it was told to.", "Tell it not to.")
    Path(job.output).write_text("fake\n", encoding="ascii")
    return Path(job.output)
