# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment's folder: finished where a half-made one can be used, made anew where it cannot."""

import os
import shutil
import sys
from pathlib import Path

from fomm_engine.installation.children import answers, run
from fomm_engine.stdio import Reporter
from fomm_engine.wire.errors import UserError

_USABLE = "import pip, sys; print(*sys.version_info[:2])"


def python_in(folder: Path) -> Path:
    """Where an environment in `folder` has its interpreter."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def ready_environment(folder: Path, reporter: Reporter) -> Path:
    """The interpreter of the environment in `folder`, which is made with this process's Python where it is missing,
    where its own Python is gone, or where it never got its pip. Raises UserError("not-writable", "install-failed")."""
    python = python_in(folder)
    own = f"{sys.version_info[0]} {sys.version_info[1]}"
    if python.is_file() and answers(python, _USABLE) == own:
        reporter.log("The environment that is there is used.")
        return python
    reporter.progress("prepare", 0, None, "environment")
    try:
        if folder.exists() and any(folder.iterdir()):
            reporter.log("An unfinished environment is replaced.")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "Close programs that use it, or choose another folder."
        raise UserError("not-writable", f"{folder} cannot be written ({error.strerror}).", hint) from error
    run([sys.executable, "-m", "venv", folder], reporter, doing="Making the environment")
    return python
