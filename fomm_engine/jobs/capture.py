# SPDX-License-Identifier: GPL-3.0-or-later
"""The capture job: a video in, a take out."""

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch

from fomm_engine import __version__
from fomm_engine.face import weights
from fomm_engine.face.checkpoints import Checkpoints, is_kept
from fomm_engine.face.choice import FaceChoice, face_choice
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.recording import RECORD, Recording
from fomm_engine.face.take import solved_take
from fomm_engine.face.take_solve import KnownLens
from fomm_engine.face.tracker import TrackerSettings
from fomm_engine.face.tracking import Part, Tracker, Tracking
from fomm_engine.resuming.parts import PartsFolder, as_not_writable, parts_of
from fomm_engine.stdio import Reporter
from fomm_engine.video.reader import VideoInfo, VideoReader
from fomm_engine.video.source import SourceVideo
from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

DEFAULTS: dict[str, Any] = {
    "focal_px": None,
    "start_s": None,
    "end_s": None,
    "face": "largest",
    "landmarks": "default",
    "checkpoint_s": 2.0,
}
MM_35_DIAGONAL = 43.27  # of a picture on 35 mm film
STATED_FOCAL_SIGMA = 0.12  # relative: phones state the lens; stabilising and cropping lengthen it a little
LANDMARK_BACKENDS = ("default", "face-alignment", "auto")
LOST_FRAMES_SHOWN = 50
WHOLE_TAKE = "whole.capture.npz"
# What is wrong with the video or the wish, and not with the machine: going on would not help.
HOPELESS = ("no-face", "empty-range", "video-changed")


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the take (`job.output`) of the face in `job.input["video"]`.

    Options: focal_px (the lens, in pixels, where known), start_s and end_s (the part to capture), face (whom, see
    `face_choice`: decided in the first of these frames that shows somebody, and followed from there), landmarks (the
    backend: "default", "face-alignment", or "auto": the latter where its weights are here), checkpoint_s (seconds
    between checkpoints).

    While it works, what is tracked lies in a folder beside the take (wire.unfinished). The same job goes on from there
    after a crash, a kill or a cancel, and ends with the same take; another video, other options or weights begin anew.

    Raises UserError for a video without that face ("no-face"), one that changes meanwhile ("video-changed"), and as
    the reader, the backend and `parts_of` do.
    """
    options = _options(job)
    reporter.progress("load", 0, None, "weights")
    torch.set_num_threads(1)  # frames are small: more threads cost more than they bring
    cv2.setNumThreads(1)
    backend = _backend(options["landmarks"])
    with VideoReader(job.input["video"]) as reader, parts_of(Path(job.output)) as folder:
        video = SourceVideo(reader)
        parts = PartsFolder(folder, _identity(video, options, backend))
        if parts.replaced:
            reporter.log("Another video, other options or other weights: what was tracked before is not used.")
        try:
            made = folder / WHOLE_TAKE  # first there: a kill while it is written leaves nothing beside the output
            write_capture(_captured(job, video, parts, (options, backend), reporter), made)
            with as_not_writable(Path(job.output)):
                os.replace(made, job.output)
        except BaseException as error:
            _leave(parts, reporter, keep=not (isinstance(error, UserError) and error.code in HOPELESS))
            raise
        parts.remove()
    return Path(job.output)


def _identity(video: SourceVideo, options: dict[str, Any], backend: str) -> dict[str, Any]:
    """Everything that the tracked frames depend on, and the lens, so that one folder is of one take."""
    return {
        "engine": __version__,
        "libraries": [torch.__version__, cv2.__version__],
        "video": video.sha256,
        "options": {name: value for name, value in options.items() if name != "checkpoint_s"},
        "landmarks": backend,
        "weights": weights.weights_table(),
        "record": RECORD.itemsize,
    }


def _captured(
    job: Job, video: SourceVideo, parts: PartsFolder, chosen: tuple[dict[str, Any], str], reporter: Reporter
) -> Capture:
    """The take, tracked (from where an earlier run stood) and solved, not yet written."""
    options, backend = chosen
    info = video.info
    tracker = _tracker(options["face"], backend)
    part = Part(options["start_s"] or 0.0, options["end_s"])
    with Checkpoints(parts.folder, options["checkpoint_s"]) as checkpoints:
        tracking = Tracking(
            video.reader, part, checkpoints, lambda done, total: parts.remember_progress(job, done, total)
        )
        recording = tracking.recording(tracker, reporter)
    for note in video.reader.notes:
        reporter.warn("video-damaged", note)
    _require_unchanged(video, reporter)
    _require_face(recording, video.reader.path, options["face"])
    take = solved_take(
        recording,
        (info.width, info.height),
        weights.load_face_prior(),
        weights.load_arkit_regressor(),
        lens_of(info, options["focal_px"]),
        lambda done, total: reporter.progress("solve", done, total),
    )
    _warn_of_lost_frames(recording, reporter)
    header = {**_header(video, recording), "landmarks": backend, **take.header}
    reporter.progress("write", 0, None)
    return Capture(header, recording.time_s, recording.valid, take.tracks, take.models, take.confidences)


def _require_unchanged(video: SourceVideo, reporter: Reporter) -> None:
    """Nothing; says so where the video is gone. Raises UserError("video-changed") where it is another one now."""
    name = video.reader.path.name
    if video.is_gone():
        reporter.warn("video-gone", f"{name} was moved or deleted while it was read; the take is whole.")
    elif video.is_changed():
        raise UserError("video-changed", f"{name} was changed while it was read.", "Capture it again.")


def _leave(parts: PartsFolder, reporter: Reporter, *, keep: bool) -> None:
    """Nothing; what an unfinished capture has tracked stays where it is worth something."""
    if keep and is_kept(parts.folder):
        done, total = parts.recall("progress") or (0, 0)
        reporter.log(f"{done} of {total} frames are tracked and kept: the same capture goes on from there.")
    else:
        parts.remove()


def _options(job: Job) -> dict[str, Any]:
    rest = {name: value for name, value in job.options.items() if name != "face"}  # a word, a number or a place
    options = {
        **checked_options(replace(job, options=rest), DEFAULTS),
        "face": job.options.get("face", DEFAULTS["face"]),
    }
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
    own = default_tracker(TrackerSettings(face=face))
    if backend == "default":
        return own
    from fomm_engine.face.face_alignment_backend import alignment_tracker

    return alignment_tracker(own, weights.load_landmark_net(), face)


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


def _header(video: SourceVideo, recording: Recording) -> dict[str, Any]:
    info = video.info
    source = {
        "file": str(video.reader.path),
        "sha256": video.sha256,
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
