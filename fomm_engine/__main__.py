# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fomm_engine`: the engine for people and for hosts."""

from fomm_engine.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
