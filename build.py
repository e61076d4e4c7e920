#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one entry point: every command of the project, each doing all of its own set-up. Needs Python 3.11 alone."""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
PYTHON = (3, 11)


def refuse_other_pythons():
    """Nothing on Python 3.11; on any other one says so and leaves with exit code 2.

    The wheels of Blender and the lock file are for 3.11 alone. This file is kept readable for older Pythons,
    so that they reach this sentence instead of a syntax error.
    """
    if sys.version_info[:2] != PYTHON:
        here = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write("build.py needs Python 3.11, and this is Python %s.\nRun: python3.11 build.py\n" % here)
        sys.exit(2)
    if os.name != "posix":
        sys.stderr.write("build.py runs on Linux and macOS; here, install the extension from its zip instead.\n")
        sys.exit(2)


if __name__ == "__main__":
    refuse_other_pythons()
    sys.path.insert(0, os.path.join(ROOT, ".ci"))
    sys.dont_write_bytecode = True
    from steps.commands import main

    sys.exit(main(sys.argv[1:]))
