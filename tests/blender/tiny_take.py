# SPDX-License-Identifier: GPL-3.0-or-later
"""A take of a second and a half made from numbers: a head that turns and nods, a jaw, a blink, lost frames."""

import numpy as np

from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX, KEYPOINTS

FRAMES, RATE = 45, (30000, 1001)
FOCAL_PX, SIZE_PX, DISTANCE_CM = 900.0, 512, 60.0
LOST = (20, 21)
YAW_DEG, PITCH_DEG = 18.0, 9.0


def head_rotation(yaw_rad, pitch_rad):
    """R = Ry(yaw) Rx(-pitch), camera from head."""
    cy, sy, cp, sp = np.cos(yaw_rad), np.sin(yaw_rad), np.cos(-pitch_rad), np.sin(-pitch_rad)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return about_y @ about_x


def true_angles_rad():
    """Yaw and pitch of every frame; the first ten are still."""
    phase = np.clip((np.arange(FRAMES) - 10) / (FRAMES - 11), 0, 1)
    return np.radians(YAW_DEG) * np.sin(2 * np.pi * phase), np.radians(PITCH_DEG) * np.sin(np.pi * phase)


def true_weights():
    """(T, 52): the jaw opens and shuts, and both eyes blink once."""
    weights = np.zeros((FRAMES, len(ARKIT_CHANNELS)))
    time = np.arange(FRAMES)
    weights[:, ARKIT_INDEX["jawOpen"]] = 0.8 * np.clip(np.sin((time - 12) / 30 * np.pi), 0, 1) * (time > 12)
    for side in ("Left", "Right"):
        weights[:, ARKIT_INDEX[f"eyeBlink{side}"]] = np.clip(1 - np.abs(time - 32) / 3, 0, 1)
    return weights


def neutral_points():
    """(70, 3) cm: a flat-ish face, the 68 points roughly where they belong, then the irises."""

    def ring(count, cx, cy, rx, ry, z):
        angle = np.pi - np.arange(count) * 2 * np.pi / count
        return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle), np.full(count, z)], 1)

    angle = np.linspace(np.pi, 2 * np.pi, 17)
    jaw = np.stack([7 * np.cos(angle), 1 + 8 * np.sin(angle), 4 * np.abs(np.sin(angle))], 1)
    brows = np.array([[x, 4.5, 7.0] for x in (*np.linspace(-5.5, -1.5, 5), *np.linspace(1.5, 5.5, 5))])
    bridge = np.array([[0, y, 8.5 + 0.5 * n] for n, y in enumerate((3.0, 2.0, 1.0, 0.0))])
    base = np.array([[x, -1.0, 8.5] for x in np.linspace(-1.2, 1.2, 5)])
    eyes = [ring(6, side * 3.2, 3.0, 1.5, 0.55, 6.8) for side in (-1, 1)]
    lips = [ring(12, 0, -3.5, 2.4, 0.9, 8.0), ring(8, 0, -3.5, 1.9, 0.08, 7.9)]
    irises = np.array([[-3.2, 3.0, 7.2], [3.2, 3.0, 7.2]])
    return np.concatenate([jaw, brows, bridge, base, *eyes, *lips, irises])


def basis():
    """(52, 70, 3) cm: each channel moves points of its own; jaw and lids as they do."""
    rng = np.random.default_rng(3)
    result = 0.05 * rng.standard_normal((len(ARKIT_CHANNELS), 70, 3))
    result[ARKIT_INDEX["jawOpen"]] = 0
    result[ARKIT_INDEX["jawOpen"], [*range(5, 12), *range(55, 60), *range(65, 68)], 1] = -2.5
    for side, upper, lower in (("Right", (37, 38), (41, 40)), ("Left", (43, 44), (47, 46))):
        channel = result[ARKIT_INDEX[f"eyeBlink{side}"]]
        channel[:] = 0
        channel[list(upper), 1], channel[list(lower), 1] = -0.85, 0.1
    return result


def write_tiny_take(path, rate=RATE, video="tiny.mp4", start_s=0.0):
    """The path, after writing the capture: of `video`, from `start_s` on."""
    yaw, pitch = true_angles_rad()
    rotation = np.stack([head_rotation(*angles) for angles in zip(yaw, pitch, strict=True)])
    weights, neutral, controls = true_weights(), neutral_points(), basis()
    translation = np.tile([0.0, 0.0, -DISTANCE_CM], (FRAMES, 1))
    points = neutral + np.einsum("tc,cpx->tpx", weights, controls)
    seen = np.einsum("tij,tpj->tpi", rotation, points) + translation[:, None]
    points_px = SIZE_PX / 2 + FOCAL_PX * seen[..., :2] * (1, -1) / -seen[..., 2:]
    valid = np.ones(FRAMES, bool)
    valid[list(LOST)] = False
    count = len(KEYPOINTS)
    tracks = {
        "landmarks_px": points_px[:, :68],
        "landmarks_sigma_px": np.full((FRAMES, 68), 0.7),
        "irises_px": points_px[:, 68:],
        "irises_sigma_px": np.full((FRAMES, 2), 0.7),
        "head_rotation": rotation,
        "head_translation_cm": translation,
        "fomm_value": np.zeros((FRAMES, count, 2)),
        "fomm_jacobian": np.tile(np.eye(2), (FRAMES, count, 1, 1)),
        "arkit": weights,
    }
    for name, values in tracks.items():
        values[~valid] = np.eye(3) if name == "head_rotation" else 0.0
    header = {
        "created_by": "test",
        "source": {"file": str(video), "width": SIZE_PX, "height": SIZE_PX, "frame_rate": list(rate), "frames": FRAMES},
        "camera": {"focal_px": FOCAL_PX, "cx": SIZE_PX / 2, "cy": SIZE_PX / 2, "focal_source": "given"},
        "crop": {"x": 0.0, "y": 0.0, "size": float(SIZE_PX)},
        "neutral": {"frame": 3, "reason": "test"},
    }
    time_s = start_s + np.arange(FRAMES) * rate[1] / rate[0]
    write_capture(Capture(header, time_s, valid, tracks, {"neutral_cm": neutral, "basis_cm": controls}), path)
    return path
