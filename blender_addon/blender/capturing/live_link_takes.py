# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face recordings as takes, and takes as Live Link Face recordings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import KEYPOINTS
from fomm_engine.wire.standard_face import standard_face

from ...core import live_link, projection, timecode
from ...core.curves import RetargetResult
from ...core.live_link import LiveLinkTake
from ...core.timecode import Timecode
from ...core.tracks import PinholeCamera

LARGEST_FILE_BYTES = 1_000_000_000
KIND = "live-link-face"
EYES_TRACK = "live_link_eye_roll_rad"
GAZE_TRACK = "live_link_gaze_rad"
SIZE_PX, FOCAL_PX, DISTANCE_CM = 512, 900.0, 60.0  # of the camera that the made landmarks are seen by
CAMERA = PinholeCamera(FOCAL_PX, SIZE_PX / 2, SIZE_PX / 2)
SIGMA_PX = 0.5
MIDNIGHT = Timecode(0, 0, 0, 0.0)


def read_recording(path: Path, frame_rate: tuple[int, int] | None = None) -> LiveLinkTake:
    """The recording in a CSV file.

    Raises UserError("csv-missing", "csv-broken") with the line that is wrong.
    """
    if not path.is_file():
        raise UserError("csv-missing", f"There is no file {path}.", "Choose the file again.")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise UserError("csv-broken", f"{path.name} is too large for a recording.", "Choose another file.")
    try:
        return live_link.parse_csv(path.read_text(encoding="utf-8-sig"), frame_rate)
    except UnicodeDecodeError as error:
        raise UserError("csv-broken", f"{path.name} is no text.", "Choose the recording's .csv file.") from error
    except ValueError as error:
        raise UserError("csv-broken", f"{path.name} cannot be used: {error}", "Choose another file.") from error


def write_take(take: LiveLinkTake, source: Path, target: Path) -> None:
    """Nothing; the recording stands as a take in `target`, its origin in the header.

    The landmarks are those of the standard face making the recorded expressions before a camera, so that whatever looks
    at landmarks (contacts, measured rigs) works; the channels themselves are kept as they are.
    """
    face, count = standard_face(), len(take.time_s)
    where = np.tile([0.0, 0.0, -DISTANCE_CM], (count, 1))
    points = face.neutral_cm + np.einsum("tc,cpi->tpi", take.arkit, face.expression_cm)
    seen = projection.project(points, take.head_rotation, where, camera=CAMERA)
    shown = take.valid.astype(np.float64)
    tracks = {
        "landmarks_px": seen[:, :68] * shown[:, None, None],
        "landmarks_sigma_px": np.full((count, 68), SIGMA_PX) * shown[:, None],
        "irises_px": seen[:, 68:] * shown[:, None, None],
        "irises_sigma_px": np.full((count, 2), SIGMA_PX) * shown[:, None],
        "head_rotation": take.head_rotation,
        "head_translation_cm": where * shown[:, None],
        "fomm_value": np.zeros((count, len(KEYPOINTS), 2)),
        "fomm_jacobian": np.zeros((count, len(KEYPOINTS), 2, 2)),
        "arkit": take.arkit * shown[:, None],
        GAZE_TRACK: take.gaze_rad,
        EYES_TRACK: take.eye_roll_rad,
    }
    models = {"neutral_cm": face.neutral_cm, "basis_cm": face.expression_cm}
    write_capture(Capture(_header(take, source), take.time_s, take.valid, tracks, models), target)


def recording_of(result: RetargetResult, capture: Capture, frame_rate: tuple[int, int]) -> LiveLinkTake:
    """The recording of a take as it is performed with the settings of the bake, at the take's own frames."""
    count = len(result.time_s)
    time_s = result.time_s - result.time_s[0]
    return LiveLinkTake(
        frame_rate=frame_rate,
        counted_rate=timecode.plain_rate(frame_rate),
        start=start_of(capture),
        time_s=time_s,
        valid=np.ones(count, np.bool_),  # frames without a face are bridged
        arkit=result.arkit_weights,
        head_rotation=result.head_rotation_relative,
        gaze_rad=result.gaze_rad,
        eye_roll_rad=np.zeros((count, 2)),
    )


def raw_recording(capture: Capture, frame_rate: tuple[int, int]) -> LiveLinkTake:
    """The recording of a take as it was captured, without any editing."""
    count = capture.frame_count
    return LiveLinkTake(
        frame_rate=frame_rate,
        counted_rate=timecode.plain_rate(frame_rate),
        start=start_of(capture),
        time_s=capture.time_s - capture.time_s[0],
        valid=capture.valid,
        arkit=np.clip(capture.tracks["arkit"].astype(np.float64), 0.0, 1.0),
        head_rotation=capture.tracks["head_rotation"].astype(np.float64),
        gaze_rad=np.asarray(capture.tracks.get(GAZE_TRACK, np.zeros((count, 2, 2))), np.float64),
        eye_roll_rad=np.asarray(capture.tracks.get(EYES_TRACK, np.zeros((count, 2))), np.float64),
    )


def write_recording(take: LiveLinkTake, target: Path) -> None:
    """Nothing; the CSV is written whole or not at all. Raises UserError("not-writable")."""
    partial = target.with_name(f".part-{target.name}")
    try:
        partial.write_text(live_link.format_csv(take), encoding="ascii", newline="\n")
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"The recording cannot be written to {target} ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder.") from error


def start_of(capture: Capture) -> Timecode:
    """The timecode of a take's first frame: that of the recording it came from, midnight otherwise."""
    origin = capture.header.get("origin")
    try:
        return timecode.parse_timecode(str(origin["timecode"])) if isinstance(origin, dict) else MIDNIGHT
    except (KeyError, ValueError):
        return MIDNIGHT


def is_exact(capture: Capture) -> bool:
    """Whether the take's channels are the performance itself, because another tool made them."""
    origin = capture.header.get("origin")
    return isinstance(origin, dict) and origin.get("kind") == KIND


def _header(take: LiveLinkTake, source: Path) -> dict[str, object]:
    start = timecode.format_timecodes(take.start, np.zeros(1), take.counted_rate)[0]
    return {
        "created_by": "understudy add-on",
        "origin": {"kind": KIND, "file": source.name, "timecode": start, "landmarks": False},
        "source": {
            "file": "",
            "width": SIZE_PX,
            "height": SIZE_PX,
            "frame_rate": list(take.frame_rate),
            "frames": len(take.time_s),
        },
        "camera": {"focal_px": FOCAL_PX, "cx": SIZE_PX / 2, "cy": SIZE_PX / 2, "focal_source": "made"},
        "crop": None,
        "neutral": None,
    }
