# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own rig maps: JSON files in the extension's user folder, which may also hold settings of channels."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.strict_json import parse_json

from ...core import rig_map
from .. import paths

LARGEST_FILE_BYTES = 2_000_000
ENDING = ".rigmap.json"


def folder() -> Path:
    """Where the user's rig maps are kept; it may not exist yet."""
    return paths.user_folder("rig_maps", create=False)


def own_maps() -> tuple[rig_map.Convention, ...]:
    """The user's rig maps by name; files that cannot be read are left out (importing them says why)."""
    found: list[rig_map.Convention] = []
    for path in sorted(folder().glob(f"*{ENDING}")):
        try:
            found.append(read_map(path)[0])
        except (UserError, ValueError):
            continue
    return tuple(found)


def read_map(path: Path) -> tuple[rig_map.Convention, dict[str, Any]]:
    """The rig map in a file, and the settings that stand beside it ({} where there are none).

    Raises UserError("rig-map-missing", "rig-map-broken", "version-unsupported").
    """
    if not path.is_file():
        raise UserError("rig-map-missing", f"There is no file {path}.", "Choose the file again.")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise _broken(path, "it is too large")
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != rig_map.FORMAT:
            raise _broken(path, "it is of another kind")
        settings = data.get("settings", {})
        return rig_map.parse_convention(data), settings if isinstance(settings, dict) else {}
    except (OSError, ValueError) as error:  # JSON's and text's own errors are ValueErrors
        raise _broken(path, str(error)) from error


def write_map(path: Path, convention: rig_map.Convention, settings: dict[str, Any]) -> None:
    """Nothing; the file holds the map and the settings, whole or not at all. Raises UserError("not-writable")."""
    data = {**rig_map.to_plain(convention), "settings": settings}
    partial = path.with_name(f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(data, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"The rig map cannot be written to {path} ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder.") from error


def path_of(name: str) -> Path:
    """The preset's file. Raises UserError("bad-name") for a name that no file can have."""
    plain = re.sub(r"[^\w .()-]", "_", name).strip(" .")
    if not plain:
        raise UserError("bad-name", "The preset needs a name.", "Type one.")
    return folder() / f"{plain[:80]}{ENDING}"


def free_name(name: str) -> str:
    """The name, with a number where a shipped map or a preset has it already."""
    taken = {path.name.removesuffix(".json").removesuffix(".rigmap") for path in paths.convention_files()}
    taken |= {path.name.removesuffix(ENDING) for path in folder().glob(f"*{ENDING}")}
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name} {number}", number + 1
    return chosen


def _broken(path: Path, why: str) -> UserError:
    return UserError("rig-map-broken", f"{path.name} is no rig map that can be read: {why}.", "Export it again.")
