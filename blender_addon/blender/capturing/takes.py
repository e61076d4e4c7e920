# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: from a capture file to an entry of the list, and from an entry to the tracks that are retargeted."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.errors import UserError

from ...core import take_confidence
from ...core.array_types import FloatArray
from ...core.tracks import CropSquare, PerformanceTracks, PinholeCamera
from .. import properties
from . import live_link_takes, take_files

LAST_PLACE = "understudy_take_absolute"  # on an Action: where its take was, for other files
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
    name = free_name(scene, _stem(path)) if index is None else own.takes[index].name
    if index is None:
        own.takes.add()
        index = len(own.takes) - 1
    take = own.takes[index]
    take.video = _known_video(video or str(_source(capture).get("file", "")), path)
    _fill(take, capture, path)
    take.name = name
    take.sha256 = sha256 or take_files.digest(path)
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
    return tracks_from_capture(capture_of(take))


def capture_of(take: properties.UnderstudyTake) -> Capture:
    """What the take's file holds, in the video's own time. Raises UserError where the file is gone or broken."""
    return read_capture(take_files.path_of(take))


def times_of(capture: Capture) -> FloatArray:
    """(T,) seconds since the take's first picture: a take of a trimmed video begins later in the video, not in the
    scene."""
    return capture.time_s - capture.time_s[0]


def tracks_from_capture(capture: Capture) -> PerformanceTracks:
    """The capture's arrays as the retargeting takes them. Raises UserError("capture-broken") without camera."""
    header = capture.header
    try:
        camera = PinholeCamera(*(float(header["camera"][name]) for name in ("focal_px", "cx", "cy")))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("capture-broken", "The take does not say which camera saw it.", "Capture again.") from error
    arrays: dict[str, Any] = {name: capture.tracks[name] for name in TRACK_NAMES}
    return PerformanceTracks(
        time_s=times_of(capture),
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
    capture, found = read_capture(path), take_files.digest(path)
    if found != take.sha256 and not force:
        return False
    _fill(take, capture, path)
    take.sha256 = found
    return True


def adopt(scene: bpy.types.Scene) -> list[str]:
    """The names of the takes that were added: those that baked Actions came from and that the list lacks.

    A character that is appended from another file brings its Actions; each knows its take by place and content.
    """
    own, added = properties.of(scene), list[str]()
    for action in bpy.data.actions:
        stated, content = str(action.get("understudy_take", "")), str(action.get("understudy_take_sha256", ""))
        if not stated or any(take.sha256 == content for take in own.takes):
            continue
        places = (Path(bpy.path.abspath(stated)), *take_files.beside(str(action.get(LAST_PLACE, "")), stated))
        found = next((path for path in places if path.is_file() and take_files.digest(path) == content), None)
        if found is not None:
            added.append(add_take(scene, found, sha256=content).name)
    return added


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
    take_files.remember(take, path)
    take.frames = capture.frame_count
    take.landmarks = not live_link_takes.is_exact(capture)
    take.lost = int((~capture.valid).sum())
    take.rate_num, take.rate_den = rate_of(capture)
    take.start_s = float(capture.time_s[0])
    take.duration_s = float(times_of(capture)[-1]) + take.rate_den / take.rate_num
    audio = capture.header.get("audio")
    offset = audio.get("offset_s") if isinstance(audio, dict) else None
    take.sound_offset_s = float(offset) if isinstance(offset, int | float) else 0.0
    points = take_confidence.point_confidence(
        capture.tracks["landmarks_sigma_px"], capture.tracks["landmarks_px"], capture.valid
    )
    sure = take_confidence.frame_confidence(points, capture.valid, capture.confidences.get("face"))
    take.strip = take_confidence.strip_of(sure)
    take.outline = _outline(capture)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".npz").removesuffix(".capture")


def _outline(capture: Capture) -> str:
    """The face at rest as whole numbers of 0 to 100, x y x y ..., for a small picture of it."""
    frame = _neutral(capture.header.get("neutral"), capture.frame_count)
    seen = np.flatnonzero(capture.valid)
    if frame is None or not capture.valid[frame]:
        frame = int(seen[0]) if len(seen) else 0
    points = capture.tracks["landmarks_px"][frame].astype(np.float64)
    low, size = points.min(axis=0), max(1e-6, float(np.ptp(points, axis=0).max()))
    middle = (1 - np.ptp(points, axis=0) / size) / 2  # a narrow face stands in the middle of the picture
    return json.dumps(np.rint(100 * ((points - low) / size + middle)).astype(int).ravel().tolist())


def _known_video(stated: str, take: Path) -> str:
    """The video a take is of: where the take says, else the file of that name beside the take."""
    name = stated.replace("\\", "/").rpartition("/")[2]
    beside = take.parent / name
    return str(beside) if name and not Path(bpy.path.abspath(stated)).is_file() and beside.is_file() else stated


def _index_of(own: properties.UnderstudyScene, path: Path) -> int | None:
    return next((index for index, take in enumerate(own.takes) if take_files.path_of(take) == path), None)


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
