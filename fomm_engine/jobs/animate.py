# SPDX-License-Identifier: GPL-3.0-or-later
"""The animate job: a portrait and a driving video in, the portrait moving as the video does out.

With an official checkpoint the First Order Motion Model paints every frame. The default weights have keypoints but no
trained generator yet: with them the portrait is warped by the keypoints' first-order motion, and says it is a preview.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fomm_engine.model.anatomical import (
    PortraitFace,
    TakeMotion,
    eye_share,
    find_portrait_face,
    motion_of_take,
)
from fomm_engine.model.fomm import Fomm, keypoints_of_source
from fomm_engine.model.generator import EncodedSource
from fomm_engine.model.motion import Keypoints, MotionSettings, transferred
from fomm_engine.model.preview import PortraitWarp, PreviewSettings
from fomm_engine.stdio import Reporter
from fomm_engine.video.picture import largest_square, read_picture, resized, square_of
from fomm_engine.video.probe import evenly_timed
from fomm_engine.video.reader import Frame, VideoInfo, VideoReader, probe
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

Image = NDArray[np.uint8]
Square = tuple[float, float, float]

DEFAULTS: dict[str, Any] = {"relative": True, "adapt_scale": True, "align_corners": True, "size": 256}
DEFAULT_WEIGHTS = "default"
SMALLEST, LARGEST = 64, 2048
PREVIEW = "The default weights have no trained generator yet: this is a preview, the portrait warped, not painted."
_PORTRAIT_SIDES = 3.2  # a portrait's square, in sides of the face's landmarks: hair and shoulders are in it
_FACE_SIDES = 1.9  # FOMM's square of a portrait, likewise: the framing of its training data, and of a take's crop


@dataclass(frozen=True)
class Film:
    """What is to be written: side in pixels, expected frames, and where in the driving video it starts."""

    side: int
    frames: int
    start_s: float = 0.0


@dataclass(frozen=True)
class Settings:
    """The job's options, checked: size is the side of the film in pixels."""

    relative: bool
    adapt_scale: bool
    align_corners: bool
    size: int


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the film (`job.output`): `job.input["source"]` moving as `job.input["driving"]` does, with its sound.

    `job.input["take"]` may name a capture of the driving video; `job.weights` is "default" or the path of a checkpoint.
    Options: relative, adapt_scale (see model.motion), align_corners (see model.generator), size. Raises UserError as
    the reader, the writer and the weights do, "no-face" where a face is needed and none is seen, "output-is-input".
    """
    settings = _settings(job)
    _check_paths(job)
    reporter.progress("load", 0, None, "portrait and weights")
    source = read_picture(job.input["source"])
    if (job.weights or DEFAULT_WEIGHTS) == DEFAULT_WEIGHTS:
        _preview(job, source, settings, reporter)
    else:
        _with_checkpoint(job, source, settings, reporter)
    return Path(job.output)


def painted(
    engine: Fomm, source: EncodedSource, driving: Iterable[Image], initial: Keypoints, settings: MotionSettings
) -> Iterator[Image]:
    """The source in the pose of each driving picture, one at a time; `initial` is the driving pose that matches it."""
    portrait = keypoints_of_source(source)
    for image in driving:
        yield engine.paint(source, transferred(portrait, engine.keypoints(image), initial, settings)).image


def warped(warp: PortraitWarp, driving: Iterable[Keypoints]) -> Iterator[Image]:
    """The portrait in each driving pose, one at a time."""
    for keypoints in driving:
        yield warp.frame(keypoints)


def _preview(job: Job, source: Image, settings: Settings, reporter: Reporter) -> None:
    face = find_portrait_face(source)
    reporter.warn("preview", PREVIEW)
    motion = _motion(job, reporter)
    info = probe(job.input["driving"])
    square = _portrait_square(source, face)
    keypoints = face.keypoints(square)
    still = motion.neutral if settings.relative else keypoints
    shape = PreviewSettings(adapt_scale=settings.adapt_scale and settings.relative, eye_share=eye_share())
    warp = PortraitWarp(square_of(source, square, settings.size), keypoints, still, shape)
    images = zip(warped(warp, motion.keypoints), motion.time_s.tolist(), strict=True)
    film = Film(settings.size, len(motion.keypoints), float(motion.time_s[0]))
    _write(job, info, images, film, reporter)


def _with_checkpoint(job: Job, source: Image, settings: Settings, reporter: Reporter) -> None:
    engine = Fomm.load(Path(str(job.weights)), align_corners=settings.align_corners)
    side = engine.networks.config.image_size
    info = probe(job.input["driving"])
    square, neutral = _driving_part(job, info)
    encoded = engine.prepare(square_of(source, _source_part(job, source), side))
    with VideoReader(job.input["driving"]) as reader:
        first = square_of(frame_at(reader, neutral), square, side)
    motion = MotionSettings(relative=settings.relative, adapt_scale=settings.adapt_scale)
    with VideoReader(job.input["driving"]) as reader:
        times: list[float] = []
        driving = (square_of(frame.image, square, side) for frame in _noting_times(reader, times))
        frames = painted(engine, encoded, driving, engine.keypoints(first), motion)
        images = ((resized(image, settings.size), times[-1]) for image in frames)
        _write(job, info, images, Film(settings.size, info.frames_estimate), reporter)
        for note in reader.notes:
            reporter.warn("video-damaged", note)


def frame_at(reader: VideoReader, index: int) -> Image:
    """The picture of frame `index` of a video, or the last one where it has fewer."""
    image: Image | None = None
    for frame in reader:
        image = frame.image
        if frame.index >= index:
            break
    assert image is not None  # a reader without frames has raised
    return image


def _noting_times(frames: Iterable[Frame], times: list[float]) -> Iterator[Frame]:
    """`frames`, with the last one's time kept in `times`: the pictures made of them go on without it."""
    for frame in frames:
        times[:] = [frame.time_s]
        yield frame


def _write(job: Job, info: VideoInfo, images: Iterable[tuple[Image, float]], film: Film, reporter: Reporter) -> None:
    """Nothing; the film of `images` with their times stands in the job's output, with the driving video's sound."""
    driving = Path(job.input["driving"])
    rate = info.frame_rate if evenly_timed(driving, info) else None
    sound_s = info.audio_offset_s - film.start_s
    size = (film.side, film.side)
    with VideoWriter(job.output, size, frame_rate=rate, audio_from=driving, audio_offset_s=sound_s) as writer:
        for index, (image, time_s) in enumerate(images):
            writer.write(image, time_s)
            reporter.progress("animate", index + 1, max(film.frames, index + 1))
        reporter.check_cancelled()


def _settings(job: Job) -> Settings:
    options = checked_options(job, DEFAULTS)
    size = options["size"]
    if not SMALLEST <= size <= LARGEST or size % 2:
        hint = f"It is the side of the film in pixels, an even number from {SMALLEST} to {LARGEST}."
        raise UserError("bad-option", f"The animate job cannot use {size} for 'size'.", hint)
    return Settings(options["relative"], options["adapt_scale"], options["align_corners"], size)


def _check_paths(job: Job) -> None:
    for name, what in (("source", "portrait"), ("driving", "driving video")):
        if name not in job.input:
            raise UserError(f"no-{name}", f"The animate job names no {what}.", "Choose one.")
    output = Path(job.output).resolve()
    if any(output == Path(path).resolve() for path in job.input.values()):
        raise UserError("output-is-input", f"{job.output} is one of the inputs.", "Choose another name for the film.")


def _motion(job: Job, reporter: Reporter) -> TakeMotion:
    """The driving video's keypoints: from the take that the job names, else captured now."""
    if "take" in job.input:
        return motion_of_take(read_capture(Path(job.input["take"])))
    from fomm_engine.jobs import capture

    with tempfile.TemporaryDirectory() as folder:
        take = Path(folder) / "driving.capture.npz"
        capture.run(Job("capture", {"video": job.input["driving"]}, str(take)), reporter)
        return motion_of_take(read_capture(take))


def _portrait_square(source: Image, face: PortraitFace) -> Square:
    size = source.shape[1], source.shape[0]
    return largest_square(size, face.center_px, face.side_px * _PORTRAIT_SIDES)


def _source_part(job: Job, source: Image) -> Square:
    """The square of the portrait that FOMM sees: around the face where there is a take, so both are framed alike."""
    size = source.shape[1], source.shape[0]
    if "take" not in job.input:
        return largest_square(size)
    face = find_portrait_face(source)
    return largest_square(size, face.center_px, face.side_px * _FACE_SIDES)


def _driving_part(job: Job, info: VideoInfo) -> tuple[Square, int]:
    """The square of the driving video that FOMM sees, and the frame that matches the portrait.

    With a take: around the face, and its neutral frame; without: the middle, and the first frame, as the original does.
    """
    size = info.width, info.height
    if "take" not in job.input:
        return largest_square(size), 0
    header = read_capture(Path(job.input["take"])).header
    crop = header["crop"]
    side = float(crop["size"])
    center = float(crop["x"]) + side / 2, float(crop["y"]) + side / 2
    return largest_square(size, center, side), int(header["neutral"]["frame"])
