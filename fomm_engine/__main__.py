# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fomm_engine`: the engine for people and for hosts."""

import os

# Small matrices, many of them: numpy's own threads only get in each other's way. Must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from fomm_engine.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
