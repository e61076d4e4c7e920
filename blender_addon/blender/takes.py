# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: from a capture file to an entry of the list, and from an entry to the tracks that are retargeted."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.errors import UserError

from ..core.tracks import CropSquare, PerformanceTracks, PinholeCamera
from . import live_link_takes, properties

TRACK_NAMES = (
    "landmarks_px",
    "landmarks_sigma_px",
    "irises_px",
    "irises_sigma_px",
    "head_rotation",
    "head_translation_cm",
    "fomm_value",
    "fomm_jacobian",
    "arkit",
)


def add_take(scene: bpy.types.Scene, path: Path, *, video: str = "", sha256: str = "") -> properties.UnderstudyTake:
    """The new entry of the list for the capture at `path`, which becomes the chosen one.

    An entry that already shows this file is renewed instead. Raises UserError where the file is no take.
    """
    capture = read_capture(path)
    own = properties.of(scene)
    index = _index_of(own, path)
    if index is None:
        own.takes.add()
        index = len(own.takes) - 1
    take = own.takes[index]
    _fill(take, capture, path)
    take.video = video or str(_source(capture).get("file", ""))
    take.sha256 = sha256 or _sha256(path)
    own.take_index = index
    return take


def require_chosen(scene: bpy.types.Scene) -> properties.UnderstudyTake:
    """The take that is chosen in the list. Raises UserError("no-take") where there is none."""
    take = properties.chosen_take(scene)
    if take is None:
        raise UserError("no-take", "There is no take.", "Capture a performance, or import a take.")
    return take


def tracks_of(take: properties.UnderstudyTake) -> PerformanceTracks:
    """The take's tracks, read from its file.

    Raises UserError where the file is gone or broken, ValueError where a track cannot be used.
    """
    return tracks_from_capture(read_capture(Path(bpy.path.abspath(take.filepath))))


def tracks_from_capture(capture: Capture) -> PerformanceTracks:
    """The capture's arrays as the retargeting takes them. Raises UserError("capture-broken") without camera."""
    header = capture.header
    try:
        camera = PinholeCamera(*(float(header["camera"][name]) for name in ("focal_px", "cx", "cy")))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("capture-broken", "The take does not say which camera saw it.", "Capture again.") from error
    arrays: dict[str, Any] = {name: capture.tracks[name] for name in TRACK_NAMES}
    return PerformanceTracks(
        time_s=capture.time_s,
        valid=capture.valid,
        neutral_cm=capture.models["neutral_cm"],
        basis_cm=capture.models["basis_cm"],
        camera=camera,
        crop=_crop(header.get("crop")),
        suggested_neutral_frame=_neutral(header.get("neutral"), capture.frame_count),
        arkit_is_exact=live_link_takes.is_exact(capture),
        **arrays,
    )


def relink(take: properties.UnderstudyTake, path: Path, *, force: bool = False) -> bool:
    """Whether the take now stands for the file at `path`: it must hold the same take, or be forced.

    Raises UserError where the file is no take.
    """
    capture, found = read_capture(path), _sha256(path)
    if found != take.sha256 and not force:
        return False
    name = take.name
    _fill(take, capture, path)
    take.name, take.sha256 = name, found
    return True


def is_there(take: properties.UnderstudyTake) -> bool:
    """Whether the take's file exists."""
    return Path(bpy.path.abspath(take.filepath)).is_file()


def free_name(scene: bpy.types.Scene, name: str) -> str:
    """The name, with a number where a take of the list has it."""
    taken = {take.name for take in properties.of(scene).takes}
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name} {number}", number + 1
    return chosen


def rate_of(capture: Capture) -> tuple[int, int]:
    """The video's frame rate (num, den) from the header, or from the time stamps where it is not stated."""
    stated = _source(capture).get("frame_rate")
    if isinstance(stated, list) and len(stated) == 2 and all(isinstance(n, int) and n > 0 for n in stated):
        return stated[0], stated[1]
    if capture.frame_count < 2:
        return 24, 1
    spacing = float(capture.time_s[-1] - capture.time_s[0]) / (capture.frame_count - 1)
    rate = Fraction(1 / spacing).limit_denominator(1001)
    return rate.numerator, rate.denominator


def _fill(take: properties.UnderstudyTake, capture: Capture, path: Path) -> None:
    take.name = path.name.removesuffix(".npz").removesuffix(".capture")
    take.filepath = str(path)
    take.frames = capture.frame_count
    take.landmarks = not live_link_takes.is_exact(capture)
    take.lost = int((~capture.valid).sum())
    take.rate_num, take.rate_den = rate_of(capture)
    take.duration_s = float(capture.time_s[-1]) + take.rate_den / take.rate_num


def _index_of(own: properties.UnderstudyScene, path: Path) -> int | None:
    for index, take in enumerate(own.takes):
        if Path(bpy.path.abspath(take.filepath)) == path:
            return index
    return None


def _source(capture: Capture) -> dict[str, Any]:
    source = capture.header.get("source")
    return source if isinstance(source, dict) else {}


def _crop(crop: Any) -> CropSquare | None:
    if not isinstance(crop, dict):
        return None
    return CropSquare(float(crop["x"]), float(crop["y"]), float(crop["size"]))


def _neutral(neutral: Any, count: int) -> int | None:
    frame = neutral.get("frame") if isinstance(neutral, dict) else None
    return frame if isinstance(frame, int) and 0 <= frame < count else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
