# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes with known truth, drawn on the parametric head with the errors of a landmark net: no pictures, no clips."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blender_addon.core import features, projection, rotation
from blender_addon.core.array_types import FloatArray
from blender_addon.core.regions import mirrored_name
from blender_addon.core.tracks import CropSquare, PerformanceTracks, PinholeCamera
from fomm_engine.training.face_model import load_face_model
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX, LANDMARKS

RATE_HZ = 30.0
STEADY_POINTS = LANDMARKS["nose_bridge"] + LANDMARKS["nose_base"] + (36, 39, 42, 45, 0, 1, 2, 14, 15, 16)
SPEECH = (
    "jawOpen",
    "mouthFunnel",
    "mouthPucker",
    "mouthClose",
    "mouthStretchLeft",
    "mouthLowerDownLeft",
    "mouthUpperUpLeft",
    "mouthPressLeft",
    "mouthRollLower",
    "mouthShrugLower",
    "mouthRollUpper",
)
ACTS = (
    "browDownLeft",
    "browInnerUp",
    "browOuterUpLeft",
    "cheekPuff",
    "cheekSquintLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthDimpleLeft",
    "mouthFrownLeft",
    "mouthFunnel",
    "mouthLeft",
    "mouthRight",
    "mouthPucker",
    "mouthSmileLeft",
    "mouthSmileLeft",
    "mouthSmileLeft",
    "mouthStretchLeft",
    "mouthUpperUpLeft",
    "mouthLowerDownLeft",
    "mouthShrugUpper",
    "mouthRollUpper",
    "noseSneerLeft",
    "mouthPressLeft",
)


@dataclass(frozen=True)
class PointModel:
    """The 70 points of the parametric head: neutral_cm (70, 3), identity_cm (M, 70, 3), basis_cm (52, 70, 3)."""

    neutral_cm: FloatArray
    identity_cm: FloatArray
    basis_cm: FloatArray


def load_points(shared_data: Path) -> PointModel:
    """The points of the head in the shared data."""
    model = load_face_model(shared_data / "face_model" / "ict_facekit.npz")
    ids = model.landmarks
    identity = model.identity_cm.reshape(len(model.identity_cm), -1, 3)[:, ids].astype(np.float64)
    own = model.expression_cm.reshape(len(model.expression_cm), -1, 3)[:, ids].astype(np.float64)
    basis = np.einsum("ce,epi->cpi", (model.arkit_from_own > 0).astype(np.float64), own)
    return PointModel(model.neutral_cm[ids].astype(np.float64), identity, basis)


def bump(time_s: FloatArray, centre_s: float, rise_s: float, hold_s: float) -> FloatArray:
    """A smooth rise, hold and fall, 0..1."""
    x = np.clip((hold_s / 2 + rise_s - np.abs(time_s - centre_s)) / rise_s, 0, 1)
    return x * x * (3 - 2 * x)


def performance(rng: np.random.Generator, time_s: FloatArray, *, rest_s: float) -> FloatArray:
    """Random ARKit weights (T, 52) of a performance: acts, speech, blinks, saccades; at rest for the first rest_s."""
    end, weights = time_s[-1], np.zeros((len(time_s), len(ARKIT_CHANNELS)))

    def add(name: str, curve: FloatArray) -> None:
        for each in (
            {name, mirrored_name(name)} if name not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight") else {name}
        ):
            share = 1.0 if each == name or rng.random() < 0.6 else rng.uniform(0.1, 1.0)
            column = weights[:, ARKIT_INDEX[each]]
            np.maximum(column, np.clip(curve * share, 0, 1), out=column)

    for name in rng.choice(ACTS, int(2.2 * end)):
        side = mirrored_name(name) if rng.random() < 0.5 else name
        amount = rng.uniform(0.25, 1.0)
        add(str(side), amount * bump(time_s, rng.uniform(0, end), rng.uniform(0.1, 0.5), rng.uniform(0, 1.0)))
    for start in rng.uniform(0, end, int(rng.integers(0, 1 + end // 3))):
        for k in range(int(rng.integers(3, 10))):
            centre = start + 0.16 * k
            for name in rng.choice(SPEECH, 2):
                add(str(name), rng.uniform(0.1, 0.7) * bump(time_s, centre, 0.09, 0.03))
    for centre in rng.uniform(0, end, int(0.35 * end) + 1):
        add(
            "eyeBlinkLeft",
            rng.choice([1.0, 1.0, 1.0, 0.6]) * bump(time_s, centre, rng.uniform(0.07, 0.12), rng.uniform(0.02, 0.3)),
        )
    _gaze(rng, time_s, weights)
    calm = np.clip((time_s - rest_s) / 0.3, 0, 1) if rest_s > 0 else np.ones_like(time_s)
    return weights * calm[:, None]


def _gaze(rng: np.random.Generator, time_s: FloatArray, weights: FloatArray) -> None:
    """Saccades: steps of both eyes together."""
    knots = np.sort(rng.uniform(0, time_s[-1], int(time_s[-1] * 1.2) + 1))
    aims = np.clip(rng.normal(0, 0.4, (len(knots) + 1, 2)), -1, 1) * (rng.random((len(knots) + 1, 1)) < 0.7)
    aim = aims[np.searchsorted(knots, time_s)]
    for name, value in (
        ("OutLeft", aim[:, 0]),
        ("InRight", aim[:, 0]),
        ("InLeft", -aim[:, 0]),
        ("OutRight", -aim[:, 0]),
        ("UpLeft", aim[:, 1]),
        ("UpRight", aim[:, 1]),
        ("DownLeft", -aim[:, 1]),
        ("DownRight", -aim[:, 1]),
    ):
        weights[:, ARKIT_INDEX["eyeLook" + name]] = np.clip(value, 0, 1)


def head_motion(rng: np.random.Generator, time_s: FloatArray, *, rest_s: float) -> FloatArray:
    """Random smooth head rotations (T, 3, 3)."""
    angles = np.zeros((len(time_s), 3))
    for axis, spread in enumerate((7.0, 12.0, 5.0)):
        for _ in range(3):
            angles[:, axis] += rng.normal(0, spread / 1.7) * np.sin(
                2 * np.pi * rng.uniform(0.1, 0.7) * time_s + rng.uniform(0, 6.3)
            )
    calm = np.clip((time_s - rest_s) / 0.4, 0, 1) if rest_s > 0 else np.ones_like(time_s)
    return rotation.matrix_from_rotvec(np.radians(angles) * calm[:, None])


def walk(rng: np.random.Generator, shape: tuple[int, ...], *, memory: float) -> FloatArray:
    """Noise of deviation one with a memory from frame to frame: (T, ...)."""
    steps = rng.normal(0, 1, shape)
    for t in range(1, shape[0]):
        steps[t] = memory * steps[t - 1] + np.sqrt(1 - memory**2) * steps[t]
    return steps


@dataclass(frozen=True)
class Errors:
    """Size of the errors in outer eye distances: constant per point, per pose, per region and per frame; of the pose in
    degrees; of the actor's fitted neutral in standard deviations of the identity modes."""

    bias: float = 0.022
    pose_bias: float = 0.008
    region: float = 0.005
    white: float = 0.006
    rotation_deg: float = 0.8
    identity: float = 0.35
    slit: float = 0.12


@dataclass(frozen=True)
class SyntheticTake:
    """A take and its truth."""

    tracks: PerformanceTracks
    weights: FloatArray
    rotation: FloatArray


def make_take(
    points: PointModel, rng: np.random.Generator, *, errors: Errors, regressor=None, seconds: float = 8.0
) -> SyntheticTake:
    """A random take of a random actor."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    rest_s = 0.2 if rng.random() < 0.6 else 0.0
    weights, turn = performance(rng, time_s, rest_s=rest_s), head_motion(rng, time_s, rest_s=rest_s)
    identity = np.clip(rng.normal(0, 1, len(points.identity_cm)), -2.5, 2.5) * rng.uniform(0.6, 1.1)
    neutral = points.neutral_cm + np.tensordot(identity, points.identity_cm, 1)
    guess = neutral + np.tensordot(rng.normal(0, errors.identity, len(identity)), points.identity_cm, 1)
    size, focal = 320.0, 320.0 * rng.uniform(1.2, 4.0)
    distance = focal * projection.eye_distance_cm(neutral) / (size * rng.uniform(0.25, 0.4))
    drift = walk(rng, (len(time_s), 3), memory=0.995) * 0.8
    where = np.array([0.0, 0.0, -distance]) + drift
    camera = PinholeCamera(focal, size / 2, size / 2)
    shape = neutral + np.einsum("tc,cpi->tpi", weights, points.basis_cm)
    seen = projection.project(shape, turn, where, camera=camera)
    unit = projection.face_unit_px(neutral, where, camera)
    noisy = seen + _net_errors(rng, seen, turn, unit, errors)
    noisy = _slits(noisy, errors.slit)
    pose_r, pose_t = _fit_pose(noisy, guess, turn, where, camera)
    wobble = np.radians(errors.rotation_deg) / 3**0.5 * walk(rng, (len(time_s), 3), memory=0.7)
    pose_r = rotation.matrix_from_rotvec(wobble) @ pose_r
    pose_t = _fit_shift(noisy, guess, pose_r, pose_t, camera)
    sigma = np.broadcast_to(unit[:, None] * 0.02, seen.shape[:2]) * np.exp(rng.normal(0, 0.2, seen.shape[:2]))
    value, jacobian = _keypoints(noisy, points, size)
    arkit = (
        np.zeros_like(weights) if regressor is None else regressor(noisy, pose_r, neutral_frame=_calmest(weights, turn))
    )
    tracks = PerformanceTracks(
        time_s=time_s,
        valid=np.ones(len(time_s), bool),
        landmarks_px=noisy[:, :68],
        landmarks_sigma_px=sigma[:, :68],
        irises_px=noisy[:, 68:],
        irises_sigma_px=sigma[:, 68:],
        head_rotation=pose_r,
        head_translation_cm=pose_t,
        fomm_value=value,
        fomm_jacobian=jacobian,
        arkit=arkit,
        neutral_cm=guess,
        basis_cm=points.basis_cm,
        camera=camera,
        crop=CropSquare(0.0, 0.0, size),
    )
    return SyntheticTake(tracks, weights, turn)


def _calmest(weights: FloatArray, turn: FloatArray) -> int:
    angle = np.linalg.norm(rotation.rotvec_from_matrix(turn), axis=1)
    return int(np.argmin(weights.sum(1) + 2 * angle))


def _net_errors(rng, seen, turn, unit, errors: Errors) -> FloatArray:
    count, points = seen.shape[:2]
    angles = rotation.rotvec_from_matrix(turn) / np.radians(20.0)
    noise = errors.bias * rng.normal(0, 0.75, (1, points, 2)) + errors.white * rng.normal(0, 1, seen.shape)
    noise = noise + errors.pose_bias * np.einsum("ta,api->tpi", angles, rng.normal(0, 0.6, (3, points, 2)))
    for group in (
        LANDMARKS["jaw"],
        LANDMARKS["brow_right"],
        LANDMARKS["brow_left"],
        LANDMARKS["eye_right"],
        LANDMARKS["eye_left"],
        LANDMARKS["nose_bridge"] + LANDMARKS["nose_base"],
        tuple(range(48, 68)),
        (68, 69),
    ):
        noise[:, list(group)] += errors.region * walk(rng, (count, 1, 2), memory=0.8)
    return noise * unit[:, None, None]


def _slits(seen: FloatArray, slit: float) -> FloatArray:
    """Points whose shut lids stand a little apart, as a net sees them."""
    result = seen.copy()
    for side in ("right", "left"):
        for up, down in zip(LANDMARKS[f"lid_upper_{side}"], LANDMARKS[f"lid_lower_{side}"], strict=True):
            usual = np.percentile(np.linalg.norm(seen[:, down] - seen[:, up], axis=1), 80)
            apart = seen[:, down, 1] - seen[:, up, 1]
            more = np.maximum(slit * usual - apart, 0) * 0.8
            result[:, up, 1] -= more / 2
            result[:, down, 1] += more / 2
    return result


def _fit_pose(seen, model, turn, where, camera):
    """Poses (T, 3, 3), (T, 3) by Gauss-Newton on points that hardly move with expressions, started at the truth."""
    ids = list(STEADY_POINTS)
    R, t = turn.copy(), where.copy()
    for _ in range(4):
        rest = (seen - projection.project(model, R, t, camera=camera))[:, ids]
        rows = projection.motion_rows(model, R, t, camera=camera)[:, ids]
        arms = (model @ np.swapaxes(R, 1, 2))[:, ids]
        turned = np.swapaxes(np.cross(np.eye(3), arms[:, :, None]), 2, 3)
        J = np.concatenate([rows @ turned, rows], -1).reshape(len(seen), -1, 6)
        A = np.swapaxes(J, 1, 2) @ J + np.diag([1e2, 1e2, 1e2, 1e-3, 1e-3, 1e-2])
        step = np.linalg.solve(A, np.swapaxes(J, 1, 2) @ rest.reshape(len(seen), -1, 1))[..., 0]
        R = rotation.matrix_from_rotvec(step[:, :3]) @ R
        t = t + step[:, 3:]
    return R, t


def _fit_shift(seen, model, R, where, camera):
    ids = list(STEADY_POINTS)
    t = where.copy()
    for _ in range(3):
        rest = (seen - projection.project(model, R, t, camera=camera))[:, ids]
        J = projection.motion_rows(model, R, t, camera=camera)[:, ids].reshape(len(seen), -1, 3)
        t = t + np.linalg.solve(np.swapaxes(J, 1, 2) @ J, np.swapaxes(J, 1, 2) @ rest.reshape(len(seen), -1, 1))[..., 0]
    return t


def _keypoints(seen: FloatArray, points: PointModel, size: float) -> tuple[FloatArray, FloatArray]:
    """Keypoints and Jacobians in [-1, 1] as the engine makes them: linear in the points, from its mean face."""
    scaled = seen / size * 2 - 1
    tables = features.keypoint_tables(points.neutral_cm)
    value = np.einsum("kn,tni->tki", tables.value, scaled)
    jacobian = np.einsum("tni,knj->tkij", scaled, tables.gradient * [1.0, -1.0])
    return value, jacobian
