# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's performance: a synthetic actor who is in no training set, filmed with sound, the truth beside it."""

import tempfile
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fomm_engine.training.acting import Acting, tones, written_acting
from fomm_engine.training.face_model import FaceModel
from fomm_engine.training.renderer import FaceRenderer, project
from fomm_engine.training.scene import Person, SceneSettings, Shot, rotation_from_euler, sample_person
from fomm_engine.video.sound import Sound
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.names import ARKIT_CHANNELS, LANDMARK_COUNT

Array = npt.NDArray[Any]
SAMPLE_RATE = 48_000


@dataclass(frozen=True)
class PerformanceSettings:
    """The actor, the camera and the clip. Training data sets are seeded from other numbers than `actor_seed`."""

    actor_seed: int = 900_001_026
    size_px: int = 384
    supersample: int = 2
    focal_sizes: float = 2.1  # focal length over the picture's side: a phone held at arm's length, cropped
    depth_cm: float = 70.0
    rise_cm: float = -0.5  # how far above the picture's middle the head frame's origin stands
    frame_rate: Fraction = Fraction(30_000, 1001)
    length_s: float = 5.3
    quality: int = 18


def write_performance(model: FaceModel, video: Path, settings: PerformanceSettings | None = None) -> Path:
    """`video` (mp4, with sound); beside it X.gt.npz with the truth, in the format of an evaluated clip."""
    settings = settings or PerformanceSettings()
    acting = written_acting(settings.frame_rate, settings.length_s)
    person = sample_person(
        model, np.random.default_rng(settings.actor_seed), SceneSettings(stylised=0, strong_identity=0)
    )
    shots = [_shot(model, acting, index, settings) for index in range(len(acting.time_s))]
    with tempfile.TemporaryDirectory() as folder:
        sound = _write_sound(Path(folder) / "tones.wav", settings.length_s)
        points = _film(model, person, shots, video, sound, settings)
    _write_truth(video.with_name(video.stem + ".gt.npz"), acting, shots, points, settings)
    return video


def _shot(model: FaceModel, acting: Acting, index: int, settings: PerformanceSettings) -> Shot:
    rotation = rotation_from_euler(*acting.euler_rad[index])
    pivot = np.array([0.0, -6.0, -2.0])  # heads turn on their necks, not about the middle of the head
    translation = np.array([0.0, settings.rise_cm, -settings.depth_cm]) + pivot - rotation @ pivot
    expression = model.own_from_arkit(acting.channels[index].astype(np.float32))
    middle = settings.size_px / 2
    return Shot(rotation, translation, settings.focal_sizes * settings.size_px, (middle, middle), expression)


def _film(
    model: FaceModel, person: Person, shots: list[Shot], video: Path, sound: Path, settings: PerformanceSettings
) -> Array:
    """(T, 70, 2) px: the points of every frame, after writing the film."""
    side, factor = settings.size_px, settings.supersample
    rate = (settings.frame_rate.numerator, settings.frame_rate.denominator)
    backdrop = _backdrop(side * factor)
    points: list[Array] = []
    with (
        FaceRenderer(model, (side * factor, side * factor)) as renderer,
        VideoWriter(video, (side, side), frame_rate=rate, sound=Sound(sound)) as writer,
    ):
        for shot in shots:
            large = _scaled(shot, factor)
            seen = renderer.render(person, large)
            alpha = seen.rgba[..., 3:].astype(np.float32) / 255
            picture = seen.rgba[..., :3] * alpha + backdrop * (1 - alpha)
            small = cv2.resize(picture.round().astype(np.uint8), (side, side), interpolation=cv2.INTER_AREA)
            writer.write(small.astype(np.uint8, copy=False))
            points.append(project(seen.points_camera_cm, shot))
    return np.stack(points)


def _scaled(shot: Shot, factor: int) -> Shot:
    middle = (shot.principal_px[0] * factor, shot.principal_px[1] * factor)
    return Shot(shot.rotation_camera_from_head, shot.translation_cm, shot.focal_px * factor, middle, shot.expression)


def _backdrop(side: int) -> Array:
    """A wall in the dusk: a soft gradient with a brighter patch behind the actor."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    glow = np.exp(-((x + 0.18) ** 2 + (y + 0.12) ** 2) / 0.16)[..., None]
    return (np.array([58, 66, 84]) * (1 - 0.5 * (y[..., None] + 0.5)) + np.array([92, 84, 70]) * glow).astype(
        np.float32
    )


def _write_sound(path: Path, length_s: float) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(tones(SAMPLE_RATE, length_s).tobytes())
    return path


def _write_truth(path: Path, acting: Acting, shots: list[Shot], points: Array, settings: PerformanceSettings) -> None:
    side = settings.size_px
    focal = shots[0].focal_px
    np.savez_compressed(
        path,
        fps=np.float64(settings.frame_rate),
        size=np.array([side, side]),
        landmarks68=points[:, :LANDMARK_COUNT].astype(np.float32),
        iris2d=points[:, [LANDMARK_COUNT + 1, LANDMARK_COUNT]].astype(np.float32),  # subject's left, right
        head_R=np.stack([shot.rotation_camera_from_head for shot in shots]),
        head_euler_deg=np.degrees(acting.euler_rad),
        weights=acting.channels.astype(np.float32),
        weight_names=np.array(ARKIT_CHANNELS),
        K=np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]]),
        neutral_frames=np.int64(8),
    )
