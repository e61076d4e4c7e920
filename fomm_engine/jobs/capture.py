# SPDX-License-Identifier: GPL-3.0-or-later
"""The capture job: a video in, a take out."""

import math
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy.typing as npt
import torch

from fomm_engine import __version__
from fomm_engine.face import weights
from fomm_engine.face.choice import FaceChoice, face_choice
from fomm_engine.face.detect import FaceFinder
from fomm_engine.face.fast_landmarks import fast_landmark_net
from fomm_engine.face.look import FrameFace
from fomm_engine.face.recording import Recorder, Recording
from fomm_engine.face.take import solved_take
from fomm_engine.face.take_solve import KnownLens
from fomm_engine.face.tracker import FaceTracker, TrackerSettings
from fomm_engine.jobs import sha256_of
from fomm_engine.stdio import Reporter
from fomm_engine.video.reader import VideoInfo, VideoReader
from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

DEFAULTS: dict[str, Any] = {"focal_px": None, "start_s": None, "end_s": None, "face": "largest", "landmarks": "default"}
MM_35_DIAGONAL = 43.27  # of a picture on 35 mm film
STATED_FOCAL_SIGMA = 0.12  # relative: phones state the lens; stabilising and cropping lengthen it a little
LANDMARK_BACKENDS = ("default", "face-alignment", "auto")
LOST_FRAMES_SHOWN = 50


class Tracker(Protocol):
    """What the capture needs of a landmark backend."""

    def track(self, image: npt.NDArray[Any]) -> FrameFace | None:
        """The followed face in the next frame."""
        ...


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the take (`job.output`) of the face in `job.input["video"]`.

    Options: focal_px (the lens, in pixels, where known), start_s and end_s (the part to capture), face (whom, see
    `face_choice`: decided in the first of these frames that shows somebody, and followed from there), landmarks (the
    backend: "default", "face-alignment", or "auto": the latter where its weights are here). Raises UserError for a
    video without that face ("no-face") and as the reader and the backend do.
    """
    options = _options(job)
    reporter.progress("load", 0, None, "weights")
    torch.set_num_threads(1)  # frames are small: more threads cost more than they bring
    cv2.setNumThreads(1)
    backend = _backend(options["landmarks"])
    tracker = _tracker(options["face"], backend)
    with VideoReader(job.input["video"]) as reader:
        recording = _record(reader, tracker, options, reporter)
        info, notes = reader.info, reader.notes
    for note in notes:
        reporter.warn("video-damaged", note)
    _require_face(recording, Path(job.input["video"]), options["face"])
    take = solved_take(
        recording,
        (info.width, info.height),
        weights.load_face_prior(),
        weights.load_arkit_regressor(),
        lens_of(info, options["focal_px"]),
        lambda done, total: reporter.progress("solve", done, total),
    )
    _warn_of_lost_frames(recording, reporter)
    header = {**_header(Path(job.input["video"]), info, recording), "landmarks": backend, **take.header}
    reporter.progress("write", 0, None)
    capture = Capture(header, recording.time_s, recording.valid, take.tracks, take.models, take.confidences)
    write_capture(capture, Path(job.output))
    return Path(job.output)


def _options(job: Job) -> dict[str, Any]:
    options = checked_options(job, DEFAULTS)
    if "video" not in job.input:
        raise UserError("no-video", "The capture job names no video.", "Choose a video file.")
    if options["landmarks"] not in LANDMARK_BACKENDS:
        said = f"'{options['landmarks']}' is not a choice for landmarks."
        raise UserError("bad-option", said, f"Use {', '.join(LANDMARK_BACKENDS)}.")
    try:
        options["face"] = face_choice(options["face"])
    except ValueError as error:
        hint = "Use largest, first, a number from the left (0 is the leftmost), a point [x, y] or a box [x, y, w, h]."
        raise UserError("bad-option", str(error), hint) from error
    if options["focal_px"] is not None and options["focal_px"] <= 0:
        raise UserError("bad-option", "The focal length must be a positive number of pixels.")
    return options


def lens_of(info: VideoInfo, given_px: float | None) -> KnownLens | None:
    """The lens of a video: as given, else as its metadata state it, else None."""
    if given_px is not None:
        return KnownLens(given_px, 0.0, "given")
    if info.focal_35mm <= 0:
        return None
    focal_px = info.focal_35mm / MM_35_DIAGONAL * math.hypot(info.width, info.height)
    return KnownLens(focal_px, STATED_FOCAL_SIGMA, "near what the video's metadata state")


def _backend(chosen: str) -> str:
    """Whose landmarks are used: "auto" is face-alignment's where its weights are here."""
    if chosen != "auto":
        return chosen
    from fomm_engine.face.face_alignment_backend import find_weights  # slow to load, and rarely wanted

    return "default" if find_weights() is None else "face-alignment"


def _tracker(face: FaceChoice, backend: str) -> Tracker:
    net = fast_landmark_net(weights.load_landmark_net())
    own = FaceTracker(FaceFinder(weights.load_box_net()), net, TrackerSettings(face=face))
    if backend == "default":
        return own
    from fomm_engine.face.face_alignment_backend import alignment_tracker

    return alignment_tracker(own, net, face)


def _record(reader: VideoReader, tracker: Tracker, options: dict[str, Any], reporter: Reporter) -> Recording:
    recorder = Recorder()
    start_s, end_s = options["start_s"] or 0.0, options["end_s"]
    total = _expected_frames(reader.info, start_s, end_s)
    count = 0
    for frame in reader:
        if end_s is not None and frame.time_s > end_s:
            break
        if frame.time_s < start_s:
            reporter.check_cancelled()
            continue
        recorder.add(frame.time_s, tracker.track(frame.image))
        count += 1
        reporter.progress("track", count, max(total, count))
    if count == 0:
        raise UserError("empty-range", "The chosen part of the video holds no frame.", "Choose another start or end.")
    return recorder.recording()


def _expected_frames(info: VideoInfo, start_s: float, end_s: float | None) -> int:
    if info.duration_s <= 0:
        return info.frames_estimate
    length_s = min(end_s if end_s is not None else info.duration_s, info.duration_s) - start_s
    return max(1, round(info.frames_estimate * length_s / info.duration_s))


def _require_face(recording: Recording, video: Path, choice: FaceChoice) -> None:
    if recording.valid.any():
        return
    frames = len(recording.valid)
    if isinstance(choice, int) and choice > 0:
        said = f"There are never {choice + 1} faces to be seen at once in {video.name} ({frames} frames)."
        raise UserError("no-face", said, "Choose a smaller number (0 is the leftmost face), or 'largest'.")
    raise UserError(
        "no-face",
        f"No face was found in {video.name} ({frames} frames).",
        "Use a video in which the face is seen from the front at least once, lit, and not tiny.",
    )


def _warn_of_lost_frames(recording: Recording, reporter: Reporter) -> None:
    lost = [index for index, valid in enumerate(recording.valid) if not valid]
    if lost:
        sentence = f"The face was not found in {len(lost)} of {len(recording.valid)} frames."
        reporter.warn("lost-frames", sentence, tuple(lost[:LOST_FRAMES_SHOWN]))


def _header(video: Path, info: VideoInfo, recording: Recording) -> dict[str, Any]:
    source = {
        "file": str(video),
        "sha256": sha256_of(video),
        "width": info.width,
        "height": info.height,
        "frame_rate": list(info.frame_rate),
        "frames": len(recording.time_s),
        "duration_s": info.duration_s,
    }
    return {
        "created_by": f"fomm_engine {__version__}",
        "source": source,
        "audio": {"present": info.has_audio, "offset_s": info.audio_offset_s},
        "weights": {name: row["sha256"] for name, row in weights.weights_table().items()},
    }
