# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up face of 70 points with a few channels, and takes of it with known truth: no data from outside."""

import numpy as np

from blender_addon.core import features, projection, rotation
from blender_addon.core.tracks import CropSquare, PerformanceTracks, PinholeCamera
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX, LANDMARKS

CAMERA = PinholeCamera(600.0, 160.0, 160.0)
CROP = CropSquare(10.0, 20.0, 280.0)
WHERE = np.array([0.0, 0.0, -50.0])
MOVING = (
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeLookInLeft",
    "eyeLookOutRight",
)


def made_neutral() -> np.ndarray:
    """(70, 3) cm: a face as one draws it."""
    turn = np.linspace(-0.5, 0.5, 17) * np.pi * 1.1
    jaw = np.stack([7.0 * np.sin(turn), 1.0 - 7.5 * np.cos(turn), 6.0 * np.cos(turn) - 6.0], 1)
    brow = np.stack([np.linspace(-5.2, -1.3, 5), 4.2 + np.array([0.0, 0.6, 0.8, 0.7, 0.3]), np.full(5, 1.0)], 1)
    bridge = np.stack([np.zeros(4), np.linspace(2.4, -0.8, 4), np.linspace(1.5, 3.2, 4)], 1)
    base = np.stack([np.linspace(-1.4, 1.4, 5), np.full(5, -1.6), np.array([1.4, 1.9, 2.1, 1.9, 1.4])], 1)
    eye = np.array(
        [[-4.6, 2.3, 0.0], [-3.8, 2.75, 0.4], [-2.8, 2.75, 0.4], [-2.0, 2.2, 0.2], [-2.8, 1.85, 0.4], [-3.8, 1.85, 0.4]]
    )
    around = np.linspace(0, 2 * np.pi, 13)[:-1]
    outer = np.stack([-2.5 * np.cos(around), -4.0 + 0.9 * np.sin(around), 1.6 - 0.12 * (2.5 * np.cos(around)) ** 2], 1)
    inner = np.stack([-2.0 * np.cos(around[::3][[0, 0, 0, 0, 0, 0, 0, 0]]), np.zeros(8), np.full(8, 1.3)], 1)
    inner[:, 0] = [-2.0, -0.8, 0.0, 0.8, 2.0, 0.8, 0.0, -0.8]
    inner[:, 1] = -4.0 + np.array([0.0, 0.05, 0.06, 0.05, 0.0, -0.05, -0.06, -0.05])
    flip = np.array([-1.0, 1.0, 1.0])
    left_eye = (eye * flip)[[3, 2, 1, 0, 5, 4]]
    irises = np.array([[-3.3, 2.3, 0.5], [3.3, 2.3, 0.5]])
    return np.concatenate([jaw, brow, (brow * flip)[::-1], bridge, base, eye, left_eye, outer, inner, irises])


def made_basis() -> np.ndarray:
    """(52, 70, 3) cm: twelve channels that move what they are called for, forty that move nothing."""
    basis = np.zeros((len(ARKIT_CHANNELS), 70, 3))

    def move(channel: str, points: tuple[int, ...], by: tuple[float, float, float]) -> None:
        basis[ARKIT_INDEX[channel], list(points)] += by

    for side, sign in (("right", -1.0), ("left", 1.0)):
        name = side.capitalize()
        move(f"eyeBlink{name}", LANDMARKS[f"lid_upper_{side}"], (0.0, -0.9, 0.0))
        move(
            f"mouthSmile{name}",
            LANDMARKS[f"mouth_{side}"] + ((60,) if side == "right" else (64,)),
            (0.5 * sign, 0.8, -0.2),
        )
        brow = LANDMARKS[f"brow_{side}"] if side == "right" else LANDMARKS[f"brow_{side}"][::-1]
        move(f"browOuterUp{name}", brow[:3], (0.0, 0.8, 0.0))
        move("browInnerUp", brow[2:], (0.0, 0.8, 0.0))
        iris = (68,) if side == "right" else (69,)
        move(f"eyeLookUp{name}", iris, (0.0, 0.45, 0.0))
        move(f"eyeLook{'Out' if side == 'right' else 'In'}{name}", iris, (-0.5, 0.0, 0.0))
    move("jawOpen", tuple(range(4, 13)), (0.0, -2.2, -0.6))
    move("jawOpen", (*range(55, 60), 65, 66, 67), (0.0, -1.8, -0.4))
    return basis


def made_take(weights, turn, *, noise_px=0.0, rng=None, time_s=None, valid=None, arkit=None, keypoints=True):
    """Tracks of the made-up face with given weights (T, 52) and head rotations (T, 3, 3)."""
    neutral, basis, count = made_neutral(), made_basis(), len(weights)
    shape = neutral + np.einsum("tc,cpi->tpi", weights, basis)
    where = np.broadcast_to(WHERE, (count, 3))
    seen = projection.project(shape, turn, where, camera=CAMERA)
    if noise_px:
        seen = seen + rng.normal(0.0, noise_px, (1, 70, 2)) + rng.normal(0.0, noise_px / 3, seen.shape)
    tables = features.keypoint_tables(neutral)
    scaled = (seen - [CROP.x_px, CROP.y_px]) / CROP.size_px * 2 - 1
    value = np.einsum("kn,tni->tki", tables.value, scaled) if keypoints else np.zeros((count, 10, 2))
    jacobian = np.einsum("tni,knj->tkij", scaled, tables.gradient) if keypoints else np.zeros((count, 10, 2, 2))
    present = np.ones(count, bool) if valid is None else valid
    shown = present.reshape(-1, 1, 1)
    return PerformanceTracks(
        time_s=np.arange(count) / 30.0 if time_s is None else time_s,
        valid=present,
        landmarks_px=seen[:, :68] * shown,
        landmarks_sigma_px=np.full((count, 68), 1.0) * shown[..., 0],
        irises_px=seen[:, 68:] * shown,
        irises_sigma_px=np.full((count, 2), 1.0) * shown[..., 0],
        head_rotation=np.where(shown, turn, np.eye(3)),
        head_translation_cm=where * shown[..., 0],
        fomm_value=value * shown,
        fomm_jacobian=jacobian * shown[..., None],
        arkit=np.zeros((count, 52)) if arkit is None else arkit,
        neutral_cm=neutral,
        basis_cm=basis,
        camera=CAMERA,
        crop=CROP,
    )


def still(count: int) -> np.ndarray:
    """No head motion."""
    return np.tile(np.eye(3), (count, 1, 1))


def nodding(count: int, degrees: float = 12.0) -> np.ndarray:
    """A head that turns, nods and rolls, starting at rest."""
    t = np.arange(count) / 30.0
    angles = np.stack([np.sin(2.1 * t), np.sin(1.3 * t), 0.5 * np.sin(1.7 * t)], 1) * np.radians(degrees)
    return rotation.matrix_from_rotvec(angles)


def acting(count: int) -> np.ndarray:
    """(T, 52) slow acting of the moving channels after a rest of ten frames, two blinks among it."""
    t = np.arange(count) / 30.0
    weights = np.zeros((count, len(ARKIT_CHANNELS)))
    for k, name in enumerate(MOVING):
        if "Blink" not in name:
            weights[:, ARKIT_INDEX[name]] = np.clip(np.sin((0.9 + 0.21 * k) * (t - 0.4)), 0, 1) * 0.8
    for middle in (count // 3, 2 * count // 3):
        for side in ("Left", "Right"):
            weights[middle - 1 : middle + 2, ARKIT_INDEX[f"eyeBlink{side}"]] = (0.6, 1.0, 0.6)
    weights[:10] = 0.0
    return weights
