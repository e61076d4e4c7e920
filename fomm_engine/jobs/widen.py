# SPDX-License-Identifier: GPL-3.0-or-later
"""The widen job: a film of any size as 1920x1080, bars where its own shape leaves room, sound and times kept."""

from pathlib import Path

from fomm_engine.animate.canvas import letterboxed
from fomm_engine.stdio import Reporter
from fomm_engine.video.probe import evenly_timed, probe
from fomm_engine.video.reader import VideoReader
from fomm_engine.video.sound import Sound
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

WIDE_PX = (1920, 1080)


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the wide film (`job.output`; H.264): `job.input["film"]` as large as fits, in the middle.

    Every frame keeps its time; sound that an mp4 can hold is copied, other sound becomes AAC. Raises UserError as
    the reader and the writer do, "no-input", "output-is-input".
    """
    checked_options(job, {})
    if "film" not in job.input:
        raise UserError("no-input", "The widen job names no film.", "Choose one.")
    film, output = Path(job.input["film"]), Path(job.output)
    if film.resolve() == output.resolve():
        raise UserError("output-is-input", f"{output.name} is the film itself.", "Choose another name.")
    reporter.progress("load", 0, None, film.name)
    info = probe(film)
    rate = info.frame_rate if evenly_timed(film, info) else None
    sound = Sound(film, info.audio_offset_s) if info.has_audio else None
    with VideoReader(film) as reader, VideoWriter(output, WIDE_PX, frame_rate=rate, sound=sound) as writer:
        for frame in reader:
            writer.write(letterboxed(frame.image, WIDE_PX), frame.time_s)
            reporter.progress("widen", frame.index + 1, max(info.frames_estimate, frame.index + 1))
        reporter.check_cancelled()
    return output
