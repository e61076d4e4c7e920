# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clip is compared with: the truth of a rendered clip (X.gt.npz) or another tracker's track (X.ref.npz)."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.errors import UserError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Standard:
    """What is known of a clip, frame by frame.

    is_truth: whether it is known exactly, or only another tracker's opinion with offsets of its own.
    frames_per_s: float. landmarks_px: (T, 68, 2). rotation: (T, 3, 3) camera from head. detected: (T,) bool.
    channels: ARKit name -> (T,) weight (truth only). features: name -> (T,) (references only).
    """

    name: str
    is_truth: bool
    frames_per_s: float
    landmarks_px: Array
    rotation: Array
    detected: Array
    channels: dict[str, Array]
    features: dict[str, Array]

    @property
    def time_s(self) -> Array:
        """(T,) when each frame is shown."""
        return np.arange(len(self.rotation)) / self.frames_per_s


def standard_of(video: Path) -> Standard | None:
    """The standard that lies beside `video` (truth first), or None where there is none.

    Raises UserError("standard-broken") for a file that is not of the format.
    """
    for ending, is_truth in ((".gt.npz", True), (".ref.npz", False)):
        path = video.with_name(video.stem + ending)
        if path.is_file():
            return _read(path, is_truth)
    return None


def _read(path: Path, is_truth: bool) -> Standard:
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {key: archive[key] for key in archive.files}
        rotation = np.asarray(data["head_R"], np.float64)
        return Standard(
            path.name.split(".")[0],
            is_truth,
            float(data["fps"]),
            np.asarray(data["landmarks68"], np.float64),
            rotation,
            np.asarray(data.get("detected", np.ones(len(rotation))), bool),
            _columns(data, "weight_names", "weights"),
            _columns(data, "feature_names", "features"),
        )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        message = f"{path.name} is not a truth or reference file ({error})."
        raise UserError("standard-broken", message, "Its format stands in the README.") from error


def _columns(data: dict[str, Array], names: str, values: str) -> dict[str, Array]:
    if names not in data:
        return {}
    return {str(name): np.asarray(data[values][:, i], np.float64) for i, name in enumerate(data[names])}
