# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand in the project folder."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK_FILE = ROOT / "lock.toml"
ENVIRONMENTS = ROOT / ".venv"
DIST = ROOT / "dist"
ADDON = ROOT / "blender_addon"
ENGINE = ROOT / "fomm_engine"

ENGINE_ENVIRONMENT = "engine"
# The demo's Blender: the newest supported one that has sound in its wheel and ends cleanly.
DEMO_BLENDER = "blender-5.0"
# In the order that the tests visit them.
BLENDER_ENVIRONMENTS = ("blender-4.2", "blender-4.5", "blender-5.0")
