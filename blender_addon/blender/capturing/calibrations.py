# SPDX-License-Identifier: GPL-3.0-or-later
"""Actors' calibrations, kept in the scene by the actor's name and as files for other scenes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import bpy

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.strict_json import parse_json

from ...core.actor_calibration import ActorCalibration, calibration_from_plain, calibration_to_plain
from .. import properties

LARGEST_FILE_BYTES = 1_000_000


def of_take(scene: bpy.types.Scene, take: properties.UnderstudyTake | None) -> ActorCalibration | None:
    """The calibration of the take's actor, None where there is none. Raises ValueError where it cannot be read."""
    if take is None or not take.actor:
        return None
    entry = properties.of(scene).calibrations.get(take.actor)
    return calibration_from_plain(parse_json(entry.data)) if entry is not None else None


def keep(scene: bpy.types.Scene, calibration: ActorCalibration, take: str) -> None:
    """Nothing; the scene knows the actor's ranges, in place of earlier ones."""
    kept = properties.of(scene).calibrations
    entry = kept.get(calibration.actor) or kept.add()
    entry.name, entry.take = calibration.actor, take
    entry.data = json.dumps(calibration_to_plain(calibration), ensure_ascii=True, allow_nan=False)


def forget(scene: bpy.types.Scene, actor: str) -> bool:
    """Whether there was a calibration of the actor; it is gone."""
    kept = properties.of(scene).calibrations
    place = kept.find(actor)
    if place >= 0:
        kept.remove(place)
    return place >= 0


def write(calibration: ActorCalibration, path: Path) -> None:
    """Nothing; the file holds the calibration, whole or not at all. Raises UserError("not-writable")."""
    partial = path.with_name(f".part-{path.name}")
    try:
        data = json.dumps(calibration_to_plain(calibration), ensure_ascii=True, allow_nan=False, indent=1)
        partial.write_text(data, encoding="ascii")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"The calibration cannot be written to {path} ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder.") from error


def read(path: Path) -> ActorCalibration:
    """The calibration in a file. Raises UserError("calibration-missing", "calibration-broken")."""
    if not path.is_file():
        raise UserError("calibration-missing", f"There is no file {path}.", "Choose the file again.")
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ValueError("It is too large.")
        return calibration_from_plain(parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        message = f"{path.name} is no calibration that can be read: {error}"
        raise UserError("calibration-broken", message, "Export it again.") from error
