# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tracker saw, frame by frame: numbers only, so that a long video costs little memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.face.tracker import FrameFace
from fomm_engine.wire.names import POINT_COUNT

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Recording:
    """The tracker's results as arrays; frames without a face hold zeros (and identity rotations).

    time_s: (T,) float64. valid: (T,) bool. points_px: (T, 70, 2). sigma_px: (T, 70). rotation: (T, 3, 3) camera from
    head, the landmark net's own guess. doubt: (T,) mean log sigma of the inner points.
    """

    time_s: Array
    valid: Array
    points_px: Array
    sigma_px: Array
    rotation: Array
    doubt: Array


class Recorder:
    """Collects one frame after the other."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._faces: list[FrameFace | None] = []

    def add(self, time_s: float, face: FrameFace | None) -> None:
        """Keep a frame's result. Times that do not increase are moved up by a microsecond, since a take's must."""
        if self._times and time_s <= self._times[-1]:
            time_s = self._times[-1] + 1e-6
        self._times.append(time_s)
        self._faces.append(face)

    def recording(self) -> Recording:
        """Everything so far."""
        absent = FrameFace(np.zeros((POINT_COUNT, 2)), np.zeros(POINT_COUNT), np.eye(3), 0.0)
        faces = [face or absent for face in self._faces]
        return Recording(
            np.array(self._times, np.float64),
            np.array([face is not None for face in self._faces], bool),
            np.stack([face.points_px for face in faces]),
            np.stack([face.sigma_px for face in faces]),
            np.stack([face.rotation for face in faces]),
            np.array([face.doubt for face in faces]),
        )
