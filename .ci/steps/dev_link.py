# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources, linked into a person's own Blender, so that a change there needs no reinstalling."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from steps import environments
from steps.packaging import build_wheel
from steps.places import ADDON, ENGINE_ENVIRONMENT
from steps.terminal import Refusal, say

LINK_NAME = "understudy"
OLDEST = (4, 2)


def dev_link(blender_version: str | None) -> int:
    """0; leaves a link to blender_addon/ among the user's extensions of one Blender version, or of every one there.

    The engine's wheel, which Blender unpacks when it enables the extension, is built into blender_addon/wheels/; git
    ignores that.
    """
    folders = extension_folders(blender_version)
    environments.ensure([ENGINE_ENVIRONMENT])
    shutil.rmtree(ADDON / "wheels", ignore_errors=True)
    (ADDON / "wheels").mkdir()
    build_wheel(ADDON / "wheels")
    for folder in folders:
        _link(folder)
        say(f"{folder / LINK_NAME} -> {ADDON}")
    say("Start Blender and enable Understudy under Preferences, Add-ons.")
    return 0


def extension_folders(blender_version: str | None) -> list[Path]:
    """Where one Blender, or else each Blender from 4.2 on that has run here, looks for a user's own extensions."""
    root = _user_folder()
    if blender_version is not None:
        if not re.fullmatch(r"\d+\.\d+", blender_version):
            raise Refusal(f"A Blender version is written like 4.5, not {blender_version}.")
        versions = [blender_version]
    else:
        found = (folder.name for folder in root.glob("*.*") if re.fullmatch(r"\d+\.\d+", folder.name))
        versions = [name for name in found if tuple(int(part) for part in name.split(".")) >= OLDEST]
    if not versions:
        raise Refusal(
            f"No Blender from 4.2 on has run here yet: there is no folder in {root}.",
            "Start Blender once, or give --blender 4.5",
        )
    return [root / version / "extensions" / "user_default" for version in sorted(versions)]


def _user_folder() -> Path:
    """The folder that holds Blender's user files, one folder for each version."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Blender"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "blender"


def _link(folder: Path) -> None:
    """Nothing; sets the link, in place of an older link but never of an installed extension."""
    link = folder / LINK_NAME
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise Refusal(f"{link} is an installed extension.", "Uninstall Understudy in that Blender first.")
    folder.mkdir(parents=True, exist_ok=True)
    link.symlink_to(ADDON, target_is_directory=True)
