# SPDX-License-Identifier: GPL-3.0-or-later
"""The capture job: a video in, a take out."""

from pathlib import Path
from typing import Any

import torch

from fomm_engine import __version__
from fomm_engine.face import weights
from fomm_engine.face.detect import FaceFinder
from fomm_engine.face.fast_landmarks import fast_landmark_net
from fomm_engine.face.recording import Recorder, Recording
from fomm_engine.face.take import solved_take
from fomm_engine.face.tracker import FaceTracker, TrackerSettings
from fomm_engine.jobs import sha256_of
from fomm_engine.stdio import Reporter
from fomm_engine.video.reader import VideoInfo, VideoReader
from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

DEFAULTS: dict[str, Any] = {"focal_px": None, "start_s": None, "end_s": None, "face": "largest", "landmarks": "default"}
FACES = ("largest", "first")
LANDMARK_BACKENDS = ("default",)
LOST_FRAMES_SHOWN = 50


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the take (`job.output`) of the face in `job.input["video"]`.

    Options: focal_px (the lens, in pixels, where known), start_s and end_s (the part to capture), face ("largest" or
    "first", the leftmost), landmarks (the backend). Raises UserError for a video without a face ("no-face") and as the
    reader does.
    """
    options = _options(job)
    reporter.progress("load", 0, None, "weights")
    torch.set_num_threads(1)  # frames are small: more threads cost more than they bring
    tracker = _tracker(options["face"])
    with VideoReader(job.input["video"]) as reader:
        recording = _record(reader, tracker, options, reporter)
        info, notes = reader.info, reader.notes
    for note in notes:
        reporter.warn("video-damaged", note)
    _require_face(recording, Path(job.input["video"]))
    take = solved_take(
        recording,
        (info.width, info.height),
        weights.load_face_prior(),
        weights.load_arkit_regressor(),
        options["focal_px"],
        lambda done, total: reporter.progress("solve", done, total),
    )
    _warn_of_lost_frames(recording, reporter)
    header = {**_header(Path(job.input["video"]), info, recording), **take.header}
    reporter.progress("write", 0, None)
    capture = Capture(header, recording.time_s, recording.valid, take.tracks, take.models, take.confidences)
    write_capture(capture, Path(job.output))
    return Path(job.output)


def _options(job: Job) -> dict[str, Any]:
    options = checked_options(job, DEFAULTS)
    if "video" not in job.input:
        raise UserError("no-video", "The capture job names no video.", "Choose a video file.")
    for name, allowed in (("face", FACES), ("landmarks", LANDMARK_BACKENDS)):
        if options[name] not in allowed:
            raise UserError(
                "bad-option", f"'{options[name]}' is not a choice for {name}.", f"Use {', '.join(allowed)}."
            )
    if options["focal_px"] is not None and options["focal_px"] <= 0:
        raise UserError("bad-option", "The focal length must be a positive number of pixels.")
    return options


def _tracker(face: Any) -> FaceTracker:
    net = fast_landmark_net(weights.load_landmark_net())
    return FaceTracker(FaceFinder(weights.load_box_net()), net, TrackerSettings(face=face))


def _record(reader: VideoReader, tracker: FaceTracker, options: dict[str, Any], reporter: Reporter) -> Recording:
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


def _require_face(recording: Recording, video: Path) -> None:
    if not recording.valid.any():
        raise UserError(
            "no-face",
            f"No face was found in {video.name} ({len(recording.valid)} frames).",
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
