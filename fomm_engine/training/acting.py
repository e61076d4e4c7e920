# SPDX-License-Identifier: GPL-3.0-or-later
"""A short piece of acting, written down as keyframes: what the demo's synthetic actor does, and when."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

Array = npt.NDArray[Any]
BLINK_SHAPE = ((-0.10, 0.0), (-0.02, 1.0), (0.03, 1.0), (0.16, 0.0))  # seconds from the middle, closure

# Keys are (seconds, value); a name without a side stands for both sides.
CHANNEL_KEYS: dict[str, tuple[tuple[float, float], ...]] = {
    "jawOpen": (
        *((0.75, 0), (0.85, 0.22), (0.95, 0.06), (1.08, 0.34), (1.22, 0.1), (1.35, 0.26), (1.5, 0.03), (1.62, 0)),
        *((2.55, 0), (2.75, 0.62), (3.0, 0.55), (3.2, 0.05), (3.3, 0)),
        *((4.35, 0), (4.45, 0.18), (4.55, 0.05), (4.65, 0.2), (4.8, 0)),
    ),
    "mouthFunnel": ((1.0, 0), (1.08, 0.3), (1.2, 0), (2.6, 0), (2.8, 0.25), (3.1, 0)),
    "mouthPucker": ((1.25, 0), (1.4, 0.45), (1.55, 0), (3.9, 0), (4.05, 0.75), (4.2, 0.7), (4.33, 0)),
    "mouthSmile": ((1.6, 0), (1.95, 0.75), (2.35, 0.7), (2.6, 0.1), (2.8, 0), (4.6, 0), (4.9, 0.5), (5.3, 0.35)),
    "cheekSquint": ((1.65, 0), (1.95, 0.45), (2.4, 0.4), (2.6, 0), (4.65, 0), (4.95, 0.25), (5.3, 0.15)),
    "mouthLowerDown": ((0.8, 0), (1.35, 0.25), (1.5, 0), (2.6, 0), (2.8, 0.2), (3.2, 0)),
    "mouthUpperUp": ((2.6, 0), (2.8, 0.25), (3.1, 0)),
    "browInnerUp": ((2.4, 0), (2.65, 0.8), (3.05, 0.75), (3.3, 0), (4.3, 0), (4.5, 0.2), (4.8, 0)),
    "browOuterUp": ((2.4, 0), (2.65, 0.7), (3.05, 0.65), (3.3, 0)),
    "eyeWide": ((2.5, 0), (2.7, 0.6), (3.0, 0.5), (3.15, 0)),
    "browDown": ((3.3, 0), (3.5, 0.75), (3.85, 0.7), (4.05, 0)),
    "eyeSquint": ((3.35, 0), (3.55, 0.45), (3.85, 0.4), (4.05, 0)),
    "noseSneer": ((3.35, 0), (3.55, 0.35), (3.8, 0.3), (4.0, 0)),
    "mouthFrown": ((3.3, 0), (3.5, 0.4), (3.8, 0.35), (3.95, 0)),
}
BLINKS_S: tuple[tuple[float, str], ...] = (
    *((0.5, "both"), (1.58, "both"), (3.28, "both"), (4.42, "both")),
    (2.2, "Left"),
)
GAZE_X_DEG = ((0.0, 0), (0.55, 0), (0.7, -14), (1.3, -12), (1.5, 0), (3.3, 0), (3.42, 18), (3.8, 16), (3.95, 0))
GAZE_Y_DEG = ((0.0, 0), (2.45, 0), (2.6, 8), (3.1, 6), (3.25, 0), (4.3, 0), (4.45, -10), (4.7, -8), (4.85, 0))
YAW_DEG = ((0.0, 0), (0.4, 0), (0.9, 16), (1.4, 12), (1.8, 0), (3.2, 0), (3.6, -20), (3.95, -16), (4.3, 0), (5.3, 3))
PITCH_DEG = ((0.0, 0), (0.6, 0), (0.9, -3), (1.15, 4), (1.5, 0), (2.4, 0), (2.7, 9), (3.1, 7), (3.4, -4), (4.1, 0))
PITCH_END_DEG = ((4.3, 0), (4.5, -10), (4.7, 3), (4.9, -6), (5.1, 0))
ROLL_DEG = ((0.0, 0), (1.5, 0), (1.95, 8), (2.4, 6), (2.7, 0), (4.6, 0), (4.95, -5), (5.3, -3))
TONES_S: tuple[tuple[float, float], ...] = ((0.75, 440.0), (1.6, 554.4), (2.55, 659.3), (3.3, 392.0), (4.35, 523.3))
TONE_LENGTH_S = 0.12
GAZE_RANGE_DEG = 35.0  # an eyeLook channel at 1


@dataclass(frozen=True)
class Acting:
    """A performance: time_s (T,), channels (T, 52) in ARKIT_CHANNELS' order, euler_rad (T, 3) yaw, pitch, roll."""

    time_s: Array
    channels: Array
    euler_rad: Array


def written_acting(frame_rate: Fraction, length_s: float) -> Acting:
    """The performance at every frame of `frame_rate` for `length_s`."""
    time_s = np.array([float(i / frame_rate) for i in range(round(length_s * frame_rate))])
    channels = np.zeros((len(time_s), len(ARKIT_CHANNELS)))
    for name, keys in CHANNEL_KEYS.items():
        for target in _targets(name):
            channels[:, ARKIT_INDEX[target]] = _curve(keys, time_s)
    _add_blinks(channels, time_s)
    _add_gaze(channels, _curve(GAZE_X_DEG, time_s), _curve(GAZE_Y_DEG, time_s))
    pitch = _curve(PITCH_DEG, time_s) + _curve(PITCH_END_DEG, time_s)
    euler = np.radians(np.stack([_curve(YAW_DEG, time_s), pitch, _curve(ROLL_DEG, time_s)], axis=1))
    return Acting(time_s, np.clip(channels, 0, 1), euler)


def tones(sample_rate: int, length_s: float) -> Array:
    """(N,) int16 sound: a short tone at each of TONES_S, silence between, for checking that sound stays in step."""
    at = np.arange(round(sample_rate * length_s)) / sample_rate
    sound = np.zeros_like(at)
    for start_s, hertz in TONES_S:
        age = at - start_s
        on = (age >= 0) & (age < TONE_LENGTH_S)
        sound += on * np.sin(2 * np.pi * hertz * age) * np.exp(-12 * np.maximum(age, 0))
    return (0.5 * sound * 32767).astype(np.int16)


def _targets(name: str) -> list[str]:
    return [name] if name in ARKIT_INDEX else [name + "Left", name + "Right"]


def _curve(keys: tuple[tuple[float, float], ...], time_s: Array) -> Array:
    """Monotone between keys, so nothing overshoots; the first and last key hold."""
    at, values = np.array([key[0] for key in keys]), np.array([key[1] for key in keys])
    return PchipInterpolator(at, values)(np.clip(time_s, at[0], at[-1]))


def _add_blinks(channels: Array, time_s: Array) -> None:
    for middle_s, side in BLINKS_S:
        keys = tuple((middle_s + offset, closure) for offset, closure in BLINK_SHAPE)
        for target in ("Left", "Right"):
            if side in ("both", target):
                column = channels[:, ARKIT_INDEX[f"eyeBlink{target}"]]
                np.maximum(column, _curve(keys, time_s), out=column)


def _add_gaze(channels: Array, x_deg: Array, y_deg: Array) -> None:
    """Looks as channels; x towards the image's right, which is the subject's left."""
    parts = {
        ("eyeLookOutLeft", "eyeLookInRight"): x_deg,
        ("eyeLookInLeft", "eyeLookOutRight"): -x_deg,
        ("eyeLookUpLeft", "eyeLookUpRight"): y_deg,
        ("eyeLookDownLeft", "eyeLookDownRight"): -y_deg,
    }
    for names, angle_deg in parts.items():
        for name in names:
            channels[:, ARKIT_INDEX[name]] = np.maximum(angle_deg, 0) / GAZE_RANGE_DEG
