# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that must be known before a film's first frame: what paints it, from what, laid out how."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fomm_engine.animate.canvas import Canvas, PasteCanvas, SquareCanvas, WideCanvas
from fomm_engine.animate.driving import Driving, Look, Part
from fomm_engine.animate.framing import FACE_SIDES, PORTRAIT_SIDES, Square
from fomm_engine.animate.matching import View, crop_of_take
from fomm_engine.animate.options import AnimateOptions
from fomm_engine.animate.outputs import beside_size
from fomm_engine.animate.painter import ModelPainter, Painter, PreviewPainter
from fomm_engine.animate.parts import Parts
from fomm_engine.animate.source import Source, is_of_faces, read_source
from fomm_engine.animate.tasks import Task
from fomm_engine.model.anatomical import TakeMotion, eye_share, motion_of_take
from fomm_engine.model.fomm import Fomm
from fomm_engine.model.motion import Keypoints, MotionSettings
from fomm_engine.model.preview import PortraitWarp, PreviewSettings
from fomm_engine.stdio import Reporter
from fomm_engine.video.probe import probe
from fomm_engine.wire.capture import Capture, read_capture

_PREVIEW_LARGEST = 1024  # px a side of a preview that is pasted back


@dataclass(frozen=True)
class Stage:
    """One film, ready to be made.

    square: what is painted of the source. sound_end_s: where the sound is cut, on the driving video's clock; None:
    nowhere.
    """

    painter: Painter
    driving: Driving
    look: Look
    canvas: Canvas
    square: Square
    sound_end_s: float | None


def model_stage(task: Task, engine: Fomm, options: AnimateOptions, parts: Parts, reporter: Reporter) -> Stage:
    """The stage of a film that the model paints; the matching frame's keypoints are kept in `parts`."""
    config = engine.networks.config
    faces = is_of_faces(config)
    needs = options.source_crop == "face" or options.find_best_frame
    source = read_source(task, options, faces=faces and options.source_crop == "auto", needed=needs)
    square = source.square(options, FACE_SIDES)
    painter = ModelPainter(engine, *source.part(square, config.image_size), maps=_maps(options))
    driving = Driving(task.driving, probe(task.driving), (options.start_s or 0.0, options.end_s))
    take = None if task.take is None else read_capture(task.take)
    view = View(driving, take, options, faces=faces)
    initial = parts.recall("initial")
    if initial is None:
        frame = view.matching_frame(painter.side, source, reporter)
        assert frame.picture is not None
        seen = engine.keypoints(frame.picture)
        initial = {"frame": frame.number, "value": seen.value.tolist(), "jacobian": seen.jacobian.tolist()}
        parts.remember("initial", initial)
    motion = MotionSettings(options.relative, options.adapt_scale, options.relative_jacobian)
    painter.drive(_keypoints(initial), motion)
    canvas = _canvas(options, source, square)
    look = Look(view.square(), painter.side, _beside(driving, canvas, options))
    return Stage(painter, driving, look, canvas, square, options.end_s)


def preview_stage(task: Task, options: AnimateOptions, reporter: Reporter) -> Stage:
    """The stage of a film for which the portrait is warped, by the task's take of its driving video."""
    assert task.take is not None
    source = read_source(task, options, faces=True, needed=True)
    assert source.face is not None
    square = source.square(options, PORTRAIT_SIDES)
    take = read_capture(task.take)
    info = probe(task.driving)
    driving, end_s = _covered(Driving(task.driving, info, (options.start_s or 0.0, options.end_s)), take, options)
    motion = motion_of_take(take)
    keypoints = source.face.keypoints(square)
    still = _still_pose(motion, driving, take, options, source, reporter) if options.relative else keypoints
    shape = PreviewSettings(adapt_scale=options.adapt_scale and options.relative, eye_share=eye_share())
    portrait, alpha = source.part(square, _preview_side(options, square))
    painter = PreviewPainter(PortraitWarp(portrait, keypoints, still, shape), motion, alpha, maps=_maps(options))
    canvas = _canvas(options, source, square)
    look = Look(crop_of_take(take), 0, _beside(driving, canvas, options))
    return Stage(painter, driving, look, canvas, square, end_s)


def _still_pose(
    motion: TakeMotion, driving: Driving, take: Capture, options: AnimateOptions, source: Source, reporter: Reporter
) -> Keypoints:
    """The driving keypoints that correspond to the portrait as it is."""
    if options.best_frame is None and not options.find_best_frame:
        return motion.neutral
    frame = View(driving, take, replace(options, driving_crop="whole"), faces=True).matching_frame(0, source, reporter)
    return motion.at(frame.time_s)


def _covered(driving: Driving, take: Capture, options: AnimateOptions) -> tuple[Driving, float | None]:
    """The part of `driving` that the take covers too, and where its sound ends."""
    start_s, end_s = driving.part
    step_s = driving.info.frame_rate[1] / driving.info.frame_rate[0]
    first_s, last_s = float(take.time_s[0]), float(take.time_s[-1])
    part: Part = max(start_s, first_s), last_s if end_s is None else min(end_s, last_s)
    whole = last_s + 2.5 * step_s >= driving.info.duration_s
    return Driving(driving.path, driving.info, part), options.end_s if whole else part[1] + step_s if part[1] else None


def _preview_side(options: AnimateOptions, square: Square) -> int:
    if options.layout == "1080p":
        return WideCanvas.size[1]
    return options.size if options.layout == "square" else min(round(square[2]), _PREVIEW_LARGEST)


def _canvas(options: AnimateOptions, source: Source, square: Square) -> Canvas:
    if options.layout == "paste":
        return PasteCanvas(source.image, source.alpha, square)
    return WideCanvas() if options.layout == "1080p" else SquareCanvas(options.size)


def _beside(driving: Driving, canvas: Canvas, options: AnimateOptions) -> tuple[int, int] | None:
    return beside_size((driving.info.width, driving.info.height), canvas.size) if options.comparison else None


def _maps(options: AnimateOptions) -> tuple[str, ...]:
    return tuple(name for name in ("occlusion", "deformation") if getattr(options, name))


def _keypoints(fields: dict[str, Any]) -> Keypoints:
    return Keypoints(np.array(fields["value"], np.float32), np.array(fields["jacobian"], np.float32))
