# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the Blender ring with pytest in the bpy of this interpreter: python tests/blender/run.py [pytest arguments]."""

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    """Does not come back: the process ends with pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="understudy-blender-") as user_folder:
        # Before the first import of bpy: no preferences, extensions or start-up file of this machine.
        os.environ["BLENDER_USER_RESOURCES"] = user_folder
        # Small matrices: threads of the linear algebra would only stand in each other's way.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        sys.path.insert(0, str(ROOT))
        import bpy  # noqa: F401 - the module must be loaded from the main thread, once, before pytest's imports
        import pytest

        arguments = sys.argv[1:] or ["-q"]
        targets = [] if any(Path(word.split("::")[0]).exists() for word in arguments) else [str(HERE)]
        code = pytest.main([*arguments, *targets, "-p", "no:cacheprovider"])
    sys.stdout.flush()
    sys.stderr.flush()
    # Callbacks that are still registered make the wheels of 4.2 crash and those of 4.5 hang in their exit handlers.
    os._exit(int(code))


if __name__ == "__main__":
    main()
