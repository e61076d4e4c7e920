# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips to train a generator on: each of one synthetic person in one room, in many poses and expressions."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.training.accessories import AccessoryChances
from fomm_engine.training.appearance import AppearanceSettings
from fomm_engine.training.backgrounds import sample_background
from fomm_engine.training.dataset import MANIFEST_NAME, read_manifest
from fomm_engine.training.expressions import ExpressionSampler
from fomm_engine.training.face_model import FaceModel
from fomm_engine.training.renderer import FaceRenderer
from fomm_engine.training.scene import Person, SceneSettings, Shot, rotation_from_euler, sample_person, sample_shot
from fomm_engine.wire.names import LANDMARKS
from fomm_engine.wire.whole_file import whole_file

_NECK_CM = np.array([0.0, -7.0, -3.0])  # from the middle of the face: the head turns about it
_FACE_CENTRE = [*LANDMARKS["nose_bridge"][:1], *LANDMARKS["nose_base"][2:3]]
_NOTHING_HELD = AccessoryChances(hand=0, second_hand=0, locks=0, held=0, headphones=0, microphone=0, tongue=0)


@dataclass(frozen=True)
class ClipSettings:
    """Size and distributions of a set. The first `held_out` people are never trained on. Angles in degrees."""

    seed: int = 26
    people: int = 900
    frames: int = 12
    size_px: int = 128
    supersample: int = 2
    held_out: int = 32
    pose_deg: tuple[float, float, float] = (15.0, 8.0, 6.0)
    pose_limit_deg: tuple[float, float, float] = (35.0, 18.0, 14.0)
    drift_cm: float = 0.7
    scene: SceneSettings = field(
        default_factory=lambda: SceneSettings(
            strong_identity=0.1, stylised=0.1, appearance=AppearanceSettings(sunglasses=0, accessories=_NOTHING_HELD)
        )
    )


@dataclass(frozen=True)
class Clip:
    """`frames` (F, S, S, 3) uint8, the first one neutral and from the front; `value` (F, 10, 2) and `jacobian`
    (F, 10, 2, 2) are the keypoints that the default weights see in them, as `AnatomicalDetector` gives them."""

    frames: NDArray[np.uint8]
    value: NDArray[np.float32]
    jacobian: NDArray[np.float32]


def write_clips(model: FaceModel, folder: Path, settings: ClipSettings, *, done: Callable[[int], bool]) -> None:
    """Render the people that are missing, in order. `done(person)` is told of each and says when to stop."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / MANIFEST_NAME) as partial:
        text = json.dumps(dataclasses.asdict(settings), indent=1, allow_nan=False)
        partial.write_text(text + "\n", encoding="ascii")
    side = settings.size_px * settings.supersample
    detector = AnatomicalDetector()
    with FaceRenderer(model, (side, side)) as renderer:
        for number in range(settings.people):
            path = folder / f"person_{number:05d}.npz"
            if path.exists():
                continue
            clip = render_clip(model, renderer, detector, settings, number=number)
            with whole_file(path) as partial, partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **{f.name: getattr(clip, f.name) for f in dataclasses.fields(clip)})
            if done(number):
                break


def render_clip(
    model: FaceModel, renderer: FaceRenderer, detector: AnatomicalDetector, settings: ClipSettings, *, number: int
) -> Clip:
    """One person's clip, drawn from the seed and the person's number alone."""
    rng = np.random.default_rng([settings.seed, number])
    person = sample_person(model, rng, settings.scene)
    side = settings.size_px * settings.supersample
    room = sample_background(rng, side).astype(np.float32)
    size = (settings.size_px, settings.size_px)
    frames = []
    for shot in _shots(model, person, rng, settings, side):
        seen = renderer.render(person, shot).rgba
        alpha = seen[..., 3:].astype(np.float32) / 255
        picture = seen[..., :3] * alpha + room * (1 - alpha)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        frames.append(np.clip(np.rint(small), 0, 255).astype(np.uint8))
    pictures = np.stack(frames)
    keypoints = detector(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255)
    return Clip(pictures, keypoints.value.numpy(), keypoints.jacobian.numpy())


class ClipSet:
    """The people of a folder, held in memory; `refresh` takes in those written since."""

    def __init__(self, folder: Path, *, held_out: bool) -> None:
        self._folder = folder
        self._held_out = held_out
        self._first = int(read_manifest(folder)["held_out"])
        self._clips: dict[Path, Clip] = {}
        self.refresh()

    def __len__(self) -> int:
        return len(self._clips)

    def refresh(self) -> None:
        """Load what is new."""
        for path in sorted(self._folder.glob("person_*.npz")):
            if path not in self._clips and (int(path.stem.split("_")[1]) < self._first) == self._held_out:
                with np.load(path, allow_pickle=False) as data:
                    self._clips[path] = Clip(data["frames"], data["value"], data["jacobian"])
        self.clips = list(self._clips.values())  # to be drawn from by number


def _shots(model: FaceModel, person: Person, rng: Generator, settings: ClipSettings, side: int) -> Iterator[Shot]:
    """One camera; the head turns on its neck and drifts. The first shot is neutral and from the front."""
    sampler = ExpressionSampler(model)
    neutral = np.zeros(len(model.expression_names), np.float32)
    base = sample_shot(model, person, neutral, rng, size=side, settings=settings.scene)
    centre = person.vertices_cm(model, neutral)[model.landmarks][_FACE_CENTRE].mean(0).astype(np.float64)
    before_camera = base.rotation_camera_from_head @ centre + base.translation_cm
    limit = np.array(settings.pose_limit_deg)
    for index in range(settings.frames):
        pose = rng.normal(0, settings.pose_deg).clip(-limit, limit) * (index > 0)
        drift = rng.normal(0, settings.drift_cm, 3) * (index > 0)
        rotation = rotation_from_euler(*np.radians(pose))
        translation = before_camera + _NECK_CM + drift - rotation @ (centre + _NECK_CM)
        expression = sampler.sample(rng) if index else neutral
        yield Shot(rotation, translation, base.focal_px, base.principal_px, expression)
