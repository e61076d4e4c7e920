# SPDX-License-Identifier: GPL-3.0-or-later
"""How faces move: a prior on second differences over time, and the banded system that it makes of a take's frames.

Heads and faces have inertia, landmark noise has none. The prior is robust (Huber): a blink, a word or a sharp turn is
a rare large second difference and costs little more than a medium one, so it is kept; noise is many small ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded
from scipy.spatial.transform import Rotation

from fomm_engine.face.take_camera import TakePose
from fomm_engine.wire.names import ARKIT_CHANNELS

Array = npt.NDArray[Any]
STENCIL = (1.0, -2.0, 1.0)
GAP_FACTOR = 1.6  # frames further apart than so many usual intervals do not pull on each other
REFERENCE_INTERVAL_S = 1 / 30


@dataclass(frozen=True)
class MotionSettings:
    """One standard deviation of the second difference of usual motion from frame to frame, at 30 frames per second."""

    turn_rad: float = 0.008
    shift_cm: float = 0.05
    log_scale: float = 0.004
    expression: float = 0.03
    lids: float = 0.2  # a lid shuts within three frames
    gaze: float = 0.08  # and a gaze jumps
    huber: float = 1.5  # in standard deviations; beyond it motion is believed rather than smoothed


class MotionPrior:
    """The prior for frames at `time_s` (T,), strictly increasing; each has 6 unknowns of pose and 52 of expression."""

    def __init__(self, time_s: Array, settings: MotionSettings) -> None:
        self._settings = settings
        interval = np.diff(time_s)
        usual = float(np.median(interval)) if len(interval) else REFERENCE_INTERVAL_S
        near = interval < GAP_FACTOR * usual
        self._linked = near[:-1] & near[1:]  # (T - 2,), frames with both neighbours
        pose = [settings.turn_rad] * 3 + [settings.shift_cm] * 2 + [settings.log_scale]
        sigma = np.array(pose + [_usual(name, settings) for name in ARKIT_CHANNELS])
        self._sigma = sigma * max(usual / REFERENCE_INTERVAL_S, 0.25) ** 1.5

    def cost(self, pose: TakePose, expression: Array) -> float:
        """The robust cost of a motion."""
        size, limit = np.abs(self._bends(pose, expression)), self._settings.huber
        return float(np.where(size < limit, size**2, limit * (2 * size - limit)).sum())

    def solve(self, hessian: Array, gradient: Array, pose: TakePose, expression: Array) -> Array:
        """(T, P) the step for block-diagonal normal equations with the prior, hessian (T, P, P) and gradient (T, ."""
        frames, unknowns = gradient.shape
        if frames < len(STENCIL):
            return np.linalg.solve(hessian, gradient[..., None])[..., 0]
        bends = self._bends(pose, expression)
        weight = np.minimum(1, self._settings.huber / np.maximum(np.abs(bends), 1e-9))
        precision = weight / self._sigma**2 * self._linked[:, None]
        right = gradient.copy()
        band = np.zeros((2 * unknowns + 1, frames, unknowns))
        for column in range(unknowns):
            band[: unknowns - column, :, column] = hessian[:, column:, column].T
        for i, left in enumerate(STENCIL):
            rows = slice(i, frames - 2 + i)
            right[rows] -= left * precision * bends * self._sigma
            for j, other in enumerate(STENCIL[: i + 1]):
                band[(i - j) * unknowns, j : frames - 2 + j] += left * other * precision
        step = solveh_banded(band.reshape(2 * unknowns + 1, -1), right.ravel(), lower=True, check_finite=False)
        return step.reshape(frames, unknowns)

    def _bends(self, pose: TakePose, expression: Array) -> Array:
        """(T - 2, P) second differences in standard deviations; zero where frames are not linked."""
        if len(expression) < len(STENCIL):
            return np.zeros((0, len(self._sigma)))
        turns = Rotation.from_matrix(pose.rotation[1:] @ pose.rotation[:-1].transpose(0, 2, 1)).as_rotvec()
        rest = np.column_stack([pose.shift_cm, pose.log_scale, expression])
        bends = np.column_stack([np.diff(turns, axis=0), np.diff(rest, n=2, axis=0)])
        return bends / self._sigma * self._linked[:, None]


def _usual(channel: str, settings: MotionSettings) -> float:
    if channel.startswith("eyeBlink"):
        return settings.lids
    return settings.gaze if channel.startswith("eyeLook") else settings.expression
