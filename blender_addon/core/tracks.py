# SPDX-License-Identifier: GPL-3.0-or-later
"""One performance as arrays: what the retargeting needs of a capture, checked once."""

from dataclasses import dataclass, field

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, KEYPOINTS, LANDMARK_COUNT, POINT_COUNT

from . import soundness
from .array_types import BoolArray, FloatArray
from .soundness import LARGEST_PX
from .timing import require_increasing

_OF_THE_WHOLE = ("time_s", "valid", "neutral_cm", "basis_cm")


@dataclass(frozen=True, slots=True)
class PinholeCamera:
    """The take's camera in pixels: focal length and principal point.

    u = cx + f X / (-Z), v = cy - f Y / (-Z) in the camera frame (x image-right, y up, z towards the camera).
    """

    focal_px: float
    cx_px: float
    cy_px: float

    def __post_init__(self) -> None:
        """Refuse what is no camera; raises ValueError in one sentence."""
        if not (1.0 <= self.focal_px <= LARGEST_PX and abs(self.cx_px) <= LARGEST_PX and abs(self.cy_px) <= LARGEST_PX):
            raise ValueError(f"The take's camera is none: focal length {self.focal_px} px, {self.cx_px}, {self.cy_px}.")


@dataclass(frozen=True, slots=True)
class CropSquare:
    """The square of the image on which the engine's keypoints are measured: top-left corner and side, pixels."""

    x_px: float
    y_px: float
    size_px: float

    def __post_init__(self) -> None:
        """Refuse what is no square of a picture; raises ValueError in one sentence."""
        if not (1.0 <= self.size_px <= LARGEST_PX and abs(self.x_px) <= LARGEST_PX and abs(self.y_px) <= LARGEST_PX):
            raise ValueError(f"The take's crop is none: {self.size_px} px at {self.x_px}, {self.y_px}.")


@dataclass(frozen=True, slots=True)
class PerformanceTracks:
    """A take of T frames.

    time_s (T,) seconds from the media's start, increasing; valid (T,), false where no face was found (values there are
    not used). landmarks_px (T, 68, 2), irises_px (T, 2, 2) subject's right then left, both with sigmas in pixels;
    image origin at the top-left corner, y down. head_rotation (T, 3, 3) camera from head and head_translation_cm
    (T, 3). fomm_value (T, 10, 2) and fomm_jacobian (T, 10, 2, 2) in [-1, 1] of `crop`, y down. arkit (T, 52) in
    0..1, the regressor's opinion. neutral_cm (70, 3) and basis_cm (52, 70, 3): the actor's face and what each
    channel at 1 adds, head frame (x the subject's left, y up, z out of the face). arkit_is_exact: the channels are
    the performance itself (another tool's take) and the landmarks were made from them; they are not solved again.
    broken (T,): frames that were said to show a face but hold what no face has (`soundness`); they are not valid.
    """

    time_s: FloatArray
    valid: BoolArray
    landmarks_px: FloatArray
    landmarks_sigma_px: FloatArray
    irises_px: FloatArray
    irises_sigma_px: FloatArray
    head_rotation: FloatArray
    head_translation_cm: FloatArray
    fomm_value: FloatArray
    fomm_jacobian: FloatArray
    arkit: FloatArray
    neutral_cm: FloatArray
    basis_cm: FloatArray
    camera: PinholeCamera
    crop: CropSquare | None = None
    suggested_neutral_frame: int | None = None
    arkit_is_exact: bool = False
    broken: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        """Check the shapes, turn everything into float64, take out frames that cannot be; raises ValueError naming the
        track that is wrong as a whole."""
        require_increasing(np.asarray(self.time_s, np.float64))
        object.__setattr__(self, "valid", np.asarray(self.valid, np.bool_))
        count, keypoints, channels = len(self.time_s), len(KEYPOINTS), len(ARKIT_CHANNELS)
        shapes: dict[str, tuple[int, ...]] = {
            "time_s": (count,),
            "valid": (count,),
            "landmarks_px": (count, LANDMARK_COUNT, 2),
            "landmarks_sigma_px": (count, LANDMARK_COUNT),
            "irises_px": (count, 2, 2),
            "irises_sigma_px": (count, 2),
            "head_rotation": (count, 3, 3),
            "head_translation_cm": (count, 3),
            "fomm_value": (count, keypoints, 2),
            "fomm_jacobian": (count, keypoints, 2, 2),
            "arkit": (count, channels),
            "neutral_cm": (POINT_COUNT, 3),
            "basis_cm": (channels, POINT_COUNT, 3),
        }
        for name, shape in shapes.items():
            self._take(name, shape)
        soundness.require_face(self.neutral_cm, self.basis_cm)
        self._mark_broken({name: getattr(self, name) for name in shapes if name not in _OF_THE_WHOLE})

    def _take(self, name: str, shape: tuple[int, ...]) -> None:
        """Store one array as float64 after checking its shape."""
        value = np.asarray(getattr(self, name))
        if value.shape != shape:
            raise ValueError(f"The track {name} has the shape {value.shape}; expected {shape}.")
        if name != "valid":
            object.__setattr__(self, name, value.astype(np.float64))

    def _mark_broken(self, tracks: dict[str, FloatArray]) -> None:
        """Take frames out that hold what no face has, and bring the others' values into their ranges."""
        usable = soundness.usable_frames(tracks)
        broken = self.valid & ~usable
        known = self.broken if self.broken.shape == broken.shape else np.zeros_like(broken)
        object.__setattr__(self, "broken", (broken | known) & ~(self.valid & usable))
        object.__setattr__(self, "valid", self.valid & usable)
        for name, value in soundness.repaired(tracks, usable).items():
            object.__setattr__(self, name, value)

    @property
    def frame_count(self) -> int:
        """The number of frames T."""
        return len(self.time_s)

    @property
    def points_px(self) -> FloatArray:
        """The 68 landmarks and the two irises, (T, 70, 2) pixels."""
        return np.concatenate([self.landmarks_px, self.irises_px], 1)

    @property
    def points_sigma_px(self) -> FloatArray:
        """The sigmas of `points_px`, (T, 70) pixels."""
        return np.concatenate([self.landmarks_sigma_px, self.irises_sigma_px], 1)
