# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the golden files of the present formats that are not there yet: python -m tests.golden.make.

A file that is there is never written again: it stands for what a release wrote. When a format's version goes up, run
this once and commit the new file beside the old ones.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from blender_addon.core import live_link
from blender_addon.core.actor_calibration import VERSION as CALIBRATION
from blender_addon.core.actor_calibration import ActorCalibration, calibration_to_plain
from blender_addon.core.rig_basis import BASIS_VERSION, MeasuredControl, RigBasis, basis_to_plain
from blender_addon.core.rig_map import VERSION as RIG_MAP
from blender_addon.core.rig_map import parse_convention, to_plain
from blender_addon.core.timecode import Timecode
from fomm_engine.wire import names
from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.events import format_event
from fomm_engine.wire.job import Job, fields_of
from fomm_engine.wire.motion_tracks import POINT_TRACKS, SOURCE, write_motion
from fomm_engine.wire.motion_tracks import VERSION as MOTION
from fomm_engine.wire.versions import CAPTURE, PROTOCOL

FOLDER = Path(__file__).resolve().parent / "files"
FRAMES = 3
RATE = (30000, 1001)


def patterned(*shape: int) -> np.ndarray:
    """Numbers that can be told from any others and pack well: 0, 1/8, 2/8 ... 15/8, again and again."""
    return ((np.arange(int(np.prod(shape))) % 16) / 8.0).reshape(shape).astype(np.float32)


def golden_take() -> Capture:
    """The take that the golden file holds."""
    tracks = {name: patterned(FRAMES, *shape) for name, shape in names.TRACKS.items()}
    tracks["head_rotation"] = np.tile(np.eye(3, dtype=np.float32), (FRAMES, 1, 1))
    tracks["head_translation_cm"] = np.tile(np.float32([0.5, -1.0, -50.0]), (FRAMES, 1))
    tracks["arkit"] = patterned(FRAMES, 52) / 2
    models = {name: patterned(*shape) for name, shape in names.MODELS.items()}
    models["neutral_cm"] = models["neutral_cm"] + np.float32(np.arange(70)[:, None] % [7, 9, 5])
    header = {
        "created_by": "fomm_engine 0.1.0",
        "source": {"file": "clip.mp4", "frame_rate": list(RATE), "frames": FRAMES, "width": 640, "height": 480},
        "audio": {"present": True, "offset_s": 0.0},
        "camera": {"focal_px": 832.0, "cx": 320.0, "cy": 240.0, "focal_source": "solved"},
        "crop": {"x": 10.0, "y": 20.0, "size": 400.0},
        "neutral": {"frame": 1, "reason": "the most restful frame"},
    }
    times = np.arange(FRAMES) * RATE[1] / RATE[0]
    confidences = {"frames": patterned(FRAMES)}
    return Capture(header, times, np.array([True, False, True]), tracks, models, confidences)


def golden_job() -> Job:
    """The job that the golden file holds."""
    options = {"focal_px": None, "start_s": 0.5, "face": "largest"}
    return Job("capture", {"video": "/films/clip.mp4"}, "/films/clip.capture.npz", options)


def golden_basis() -> RigBasis:
    """The measured rig that the golden file holds."""
    controls = (
        MeasuredControl("smile L", "shape", "smile", region="mouth", pair="smile R"),
        MeasuredControl("smile R", "shape", "smile.R", region="mouth", pair="smile L"),
        MeasuredControl("jaw", "bone", "jaw", "rotation0", 0.0, -0.1, 0.5, "jaw"),
        MeasuredControl("brows", "property", 'rig|["brows"]', "", 0.0, -1.0, 1.0, "brows"),
    )
    points = golden_take().models["neutral_cm"].astype(np.float64)
    points[[36, 45], 0] = -4.5, 4.5
    return RigBasis(controls, points, patterned(4, 70, 3), signature="4f", notes=("a note",))


def golden_calibration() -> ActorCalibration:
    """The calibration that the golden file holds."""
    moved = tuple(place % 3 == 0 for place in range(52))
    zero = tuple(0.125 if own else 0.0 for own in moved)
    return ActorCalibration(zero, tuple(0.75 if own else 1.0 for own in moved), moved, "Ada")


def golden_recording() -> live_link.LiveLinkTake:
    """The recording that the golden CSV holds."""
    turns = live_link.matrices_from_angles(np.array([[0.0, 0.0, 0.0], [0.1, 0.2, -0.1], [0.2, 0.1, 0.05]]))
    return live_link.LiveLinkTake(
        frame_rate=(60, 1),
        counted_rate=60,
        start=Timecode(10, 20, 30, 58.0),
        time_s=np.arange(FRAMES) / 60.0,
        valid=np.ones(FRAMES, np.bool_),
        arkit=patterned(FRAMES, 52).astype(np.float64) / 2,
        head_rotation=turns,
        gaze_rad=np.zeros((FRAMES, 2, 2)),
        eye_roll_rad=np.zeros((FRAMES, 2)),
    )


def golden_events() -> list[str]:
    """The lines of an engine that the golden file holds."""
    return [
        format_event("hello", protocol=list(PROTOCOL), engine="0.1.0", pid=7, kinds=["capture"]),
        format_event("progress", stage="track", current=3, total=9, message=""),
        format_event("log", level="info", message="text"),
        format_event("warn", code="lost-frames", message="2 frames show no face.", frames=[4, 5]),
        format_event("done", status="ok", output="/films/clip.capture.npz", sha256="00", seconds=1.5),
    ]


def golden_rig_map() -> dict[str, object]:
    """The user's rig map that the golden file holds."""
    rows = {"jawOpen": [["Mouth Open", 1.0]], "mouthSmileLeft": [["Smile.L", 0.5], ["Cheek.L", 0.25]]}
    usual = {"name": "My rig", "status": "user", "targets_status": "user", "source": ["a character"]}
    bones = {"head": ["Head"], "jaw": ["Jaw"]}
    convention = parse_convention({**usual, "targets": rows, "limits": {"Mouth Open": [-1, 2]}, "bones": bones})
    return {**to_plain(convention), "settings": {"jawOpen": {"gain": 1.5}}}


def files() -> dict[str, Callable[[Path], object]]:
    """{name: what writes it} of every format in its present version."""

    def text(content: Callable[[], str]) -> Callable[[Path], object]:
        return lambda path: path.write_text(content(), encoding="ascii", newline="\n")

    def plain(content: Callable[[], object]) -> Callable[[Path], object]:
        return text(lambda: json.dumps(content(), ensure_ascii=True, allow_nan=False, sort_keys=True) + "\n")

    return {
        f"take-{_dotted(CAPTURE)}.capture.npz": lambda path: write_capture(golden_take(), path),
        f"motion-{_dotted(MOTION)}.motion.npz": _write_motion,
        f"job-{_dotted(PROTOCOL)}.json": plain(lambda: fields_of(golden_job())),
        f"events-{_dotted(PROTOCOL)}.jsonl": text(lambda: "".join(golden_events())),
        f"preset-{_dotted(RIG_MAP)}.rigmap.json": plain(golden_rig_map),
        f"measure-{BASIS_VERSION}.json": plain(lambda: basis_to_plain(golden_basis())),
        f"calibration-{CALIBRATION}.json": plain(lambda: calibration_to_plain(golden_calibration())),
        "live-link.csv": text(lambda: live_link.format_csv(golden_recording())),
    }


def motion_arrays() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(models, one chunk) of the golden motion file."""
    models = {name: patterned(3 if name.endswith("square") else 10) for name in SOURCE}
    chunk = {name: patterned(FRAMES, 10, 2) for name in POINT_TRACKS}
    return models, {"time_s": np.arange(FRAMES) / 25.0, **chunk}


def _write_motion(path: Path) -> None:
    models, chunk = motion_arrays()
    write_motion(path, {"relative": True}, models, lambda: [chunk])


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(number) for number in version)


def main() -> None:
    """Nothing; what was not there yet is."""
    FOLDER.mkdir(exist_ok=True)
    for name, write in files().items():
        if not (FOLDER / name).exists():
            write(FOLDER / name)


if __name__ == "__main__":
    main()
