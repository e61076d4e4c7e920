# SPDX-License-Identifier: GPL-3.0-or-later
"""Random people and shots of them: identity, proportions, expression, head pose and camera."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.training.appearance import AppearanceSettings, Look, drawn_by_hand, sample_look
from fomm_engine.training.eye_shapes import EyeShapeSettings, with_eye_shapes
from fomm_engine.training.face_model import FaceModel, FloatArray, eyeball_centres_cm
from fomm_engine.training.lip_shapes import LipSettings, with_lips
from fomm_engine.training.teeth import TeethSettings, with_teeth
from fomm_engine.wire.names import LANDMARKS

_FACE_CENTRE = (*LANDMARKS["nose_bridge"][:1], *LANDMARKS["nose_base"][2:3])
_FACE_SIZE_CM = 14.5  # side of the box around the 68 points of a usual frontal face


@dataclass(frozen=True)
class SceneSettings:
    """Distribution of people and shots. Angles in degrees."""

    strong_identity: float = 0.25  # share with the principal components enlarged
    strong_factor: float = 1.5
    stylised: float = 0.15  # share with cartoon proportions, half of them painted like it too
    usual_pose: float = 0.6
    usual_pose_deg: tuple[float, float, float] = (20.0, 10.0, 7.0)
    wide_pose_deg: tuple[float, float, float] = (60.0, 35.0, 30.0)
    pose_limit_deg: tuple[float, float, float] = (65.0, 38.0, 35.0)
    field_of_view_deg: tuple[float, float] = (12.0, 48.0)
    face_share: tuple[float, float] = (0.5, 0.68)  # of the image's side
    appearance: AppearanceSettings = AppearanceSettings()
    eyes: EyeShapeSettings = EyeShapeSettings()
    teeth: TeethSettings = TeethSettings()
    lips: LipSettings = LipSettings()


@dataclass(frozen=True)
class Warp:
    """A smooth change of proportions, linear in the vertices: each pull scales its neighbourhood about a centre."""

    weight: FloatArray  # (pulls, N)
    centre_cm: FloatArray  # (pulls, 3)
    scale: FloatArray  # (pulls, 3)

    def apply(self, vertices_cm: FloatArray) -> FloatArray:
        """The vertices (N, 3) with every pull applied, one after the other."""
        for weight, centre, scale in zip(self.weight, self.centre_cm, self.scale, strict=True):
            vertices_cm = vertices_cm + weight[:, None] * (vertices_cm - centre) * (scale - 1)
        return vertices_cm.astype(np.float32)


@dataclass(frozen=True)
class Person:
    """An identity with its look. `base_cm` (N, 3) is the neutral shape before the warp of proportions."""

    base_cm: FloatArray
    warp: Warp | None
    look: Look

    def vertices_cm(self, model: FaceModel, expression: FloatArray) -> FloatArray:
        """Vertices (N, 3) in the head frame with an expression (the model's own weights)."""
        vertices = model.posed_cm(self.base_cm, expression)
        return self.warp.apply(vertices) if self.warp else vertices.astype(np.float32)


@dataclass(frozen=True)
class Shot:
    """One frame of a person. p_camera = rotation @ p_head + translation (camera: x right, y up, z towards it).

    A pixel is u = cx + f x / -z, v = cy - f y / -z with `principal_px` = (cx, cy) from the image's top left corner.
    """

    rotation_camera_from_head: NDArray[np.float64]
    translation_cm: NDArray[np.float64]
    focal_px: float
    principal_px: tuple[float, float]
    expression: FloatArray


def sample_person(model: FaceModel, rng: Generator, settings: SceneSettings) -> Person:
    """A person drawn from `rng`."""
    amplitude = rng.uniform(0.6, 1.15)
    if rng.random() < settings.strong_identity:
        amplitude = settings.strong_factor
    weights = np.clip(rng.normal(0, 1, len(model.identity_cm)), -2.5, 2.5) * amplitude
    base = model.shape_cm(weights.astype(np.float32))
    warp = sample_warp(model, base, rng) if rng.random() < settings.stylised else None
    if warp is None:
        base = with_eye_shapes(model, base, rng, settings.eyes)
    base = with_lips(model, with_teeth(model, base, rng, settings.teeth), rng, settings.lips)
    look = sample_look(rng, settings.appearance)
    if warp and rng.random() < 0.5:
        look = drawn_by_hand(look, rng)
    return Person(base, warp, look)


def sample_warp(model: FaceModel, base_cm: FloatArray, rng: Generator) -> Warp:
    """Cartoon proportions: large eyes, small nose and mouth, narrow chin, high skull."""
    rest = model.neutral_cm
    eyes = eyeball_centres_cm(base_cm)
    size = rng.uniform(1.15, 1.75) if rng.random() < 0.7 else rng.uniform(1.75, 2.1)
    squash = rng.uniform(0.9, 1.15)
    points = base_cm[model.landmarks]
    nose = points[list(LANDMARKS["nose_tip"])][0] + (0, 0.6, -1.5)
    mouth = points[list(LANDMARKS["lips_outer"])].mean(0)
    chin = points[list(LANDMARKS["chin"])][0] + (0, 0, -4)
    skull = np.array([0, 6.5, 0], np.float32)
    pulls = [
        (rest, eyes["right"], 2.9, (size, size * squash, size * 0.9)),
        (rest, eyes["left"], 2.9, (size, size * squash, size * 0.9)),
        (rest, nose, 2.2, tuple(rng.uniform(0.55, 1.1, 3))),
        (rest, mouth, 3.2, (*(rng.uniform(0.65, 1.15) * np.ones(2)), 1.0)),
        (rest, chin, 6.0, (rng.uniform(0.7, 1.15), rng.uniform(0.8, 1.1), 1.0)),
        (rest, skull, 9.0, tuple(rng.uniform(1.0, 1.2) * np.ones(3))),
    ]
    weight = np.stack([_plateau(at, centre, radius) for at, centre, radius, _ in pulls])
    weight[-1] *= np.clip((rest[:, 1] - 5.5) / 4, 0, 1)  # the skull's pull leaves brows and eyes alone
    centres = np.stack([centre for _, centre, _, _ in pulls])
    return Warp(weight.astype(np.float32), centres.astype(np.float32), np.array([p[3] for p in pulls], np.float32))


def sample_shot(
    model: FaceModel, person: Person, expression: FloatArray, rng: Generator, *, size: int, settings: SceneSettings
) -> Shot:
    """A shot in a square image of `size` px with the face near its middle; pose and lens are drawn from `rng`."""
    rotation = rotation_from_euler(*sample_pose_rad(rng, settings))
    focal_px = size / 2 / np.tan(np.radians(rng.uniform(*settings.field_of_view_deg)) / 2)
    depth_cm = focal_px * _FACE_SIZE_CM / (rng.uniform(*settings.face_share) * size)
    offset_cm = rng.normal(0, 0.05, 2) * size / focal_px * depth_cm
    points = person.vertices_cm(model, expression)[model.landmarks]
    centre = points[list(_FACE_CENTRE)].mean(0)
    translation = np.array([*offset_cm, -depth_cm]) - rotation @ centre
    return Shot(rotation, translation, float(focal_px), (size / 2, size / 2), expression)


def sample_pose_rad(rng: Generator, settings: SceneSettings) -> NDArray[np.float64]:
    """Yaw, pitch and roll (3,) in radians: mostly near the front, else anywhere in the wide range."""
    wide = np.array(settings.wide_pose_deg)
    limit = np.array(settings.pose_limit_deg)
    usual = rng.random() < settings.usual_pose
    pose = rng.normal(0, settings.usual_pose_deg) if usual else rng.uniform(-wide, wide)
    return np.radians(np.clip(pose, -limit, limit))


def rotation_from_euler(yaw_rad: float, pitch_rad: float, roll_rad: float) -> NDArray[np.float64]:
    """R = Rz(roll) Ry(yaw) Rx(-pitch) (3, 3), camera from head.

    yaw > 0 turns to image right, pitch > 0 looks up, roll > 0 is counter-clockwise in the image.
    """
    sin, cos = np.sin([yaw_rad, -pitch_rad, roll_rad]), np.cos([yaw_rad, -pitch_rad, roll_rad])
    about_z = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    about_y = np.array([[cos[0], 0, sin[0]], [0, 1, 0], [-sin[0], 0, cos[0]]])
    about_x = np.array([[1, 0, 0], [0, cos[1], -sin[1]], [0, sin[1], cos[1]]])
    return about_z @ about_y @ about_x


def _plateau(points_cm: FloatArray, centre_cm: FloatArray, radius_cm: float) -> FloatArray:
    """1 near the centre, falling to 0 around the radius."""
    distance = np.linalg.norm(points_cm - centre_cm, axis=1)
    return np.exp(-((distance / radius_cm) ** 4)).astype(np.float32)
