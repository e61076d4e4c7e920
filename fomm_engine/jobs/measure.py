# SPDX-License-Identifier: GPL-3.0-or-later
"""The measure job: pictures of a character in, the landmarks and keypoints that the engine sees on each out."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face import weights
from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.keypoints import keypoint_maps
from fomm_engine.face.tracker import FaceTracker, FrameFace, TrackerSettings
from fomm_engine.stdio import Reporter
from fomm_engine.video.picture import read_picture
from fomm_engine.wire.archive import write_arrays
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options
from fomm_engine.wire.names import KEYPOINTS, LANDMARK_COUNT, POINT_COUNT

Array = npt.NDArray[Any]
DEFAULTS: dict[str, Any] = {"doubt_limit": -1.2, "steady": False}
PICTURES = "*.png"
CROP_FACTOR = 1.5  # the keypoints' square over the face's, so that an opened mouth stays inside


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the npz (`job.output`) with what is seen on every PNG in the folder `job.input["pictures"]`.

    names (N,), valid (N,), size_px (N, 2) width and height, points_px (N, 70, 2), sigma_px (N, 70), rotation (N, 3, 3)
    camera from head, doubt (N,) the mean log sigma of the inner points in half crop sides (good photographs of people
    -2.5 and less), keypoint_value (N, 10, 2) and keypoint_jacobian (N, 10, 2, 2) in [-1, 1] of one square crop (3,)
    centre x, y and side in pixels, which is that of the first face. Pictures without a face hold zeros.

    Options: doubt_limit, above which a face is not believed at all (drawn characters are seen less surely than people);
    steady, where all pictures are by one camera of one head that stays: each is then looked at in the same crop, so
    that differences are the face's alone. Raises UserError("no-pictures").
    """
    options = checked_options(job, DEFAULTS)
    paths = _pictures(job)
    reporter.progress("load", 0, None, "weights")
    torch.set_num_threads(1)  # pictures are small: more threads cost more than they bring
    settings = TrackerSettings(doubt_limit=float(options["doubt_limit"]))
    tracker = default_tracker(settings, precision=torch.float32)  # what a channel moves is a small difference
    faces: list[FrameFace | None] = []
    sizes: list[tuple[int, int]] = []
    for number, path in enumerate(paths):
        image = read_picture(path)
        sizes.append((image.shape[1], image.shape[0]))
        faces.append(_face(tracker, image, steady=bool(options["steady"])))
        reporter.progress("track", number + 1, len(paths))
    reporter.progress("write", 0, None)
    return _write(Path(job.output), [path.stem for path in paths], faces, sizes)


def _face(tracker: FaceTracker, image: Array, *, steady: bool) -> FrameFace | None:
    """The face of one picture: followed from the picture before, or the one that is surest."""
    if steady:
        return tracker.track(image)
    return min(tracker.faces(image), key=lambda face: face.doubt, default=None)


def _pictures(job: Job) -> list[Path]:
    folder = Path(job.input.get("pictures", ""))
    paths = sorted(folder.glob(PICTURES)) if "pictures" in job.input and folder.is_dir() else []
    if not paths:
        raise UserError("no-pictures", "There is no picture to look at.", "Render the character first.")
    return paths


def _write(output: Path, names: list[str], faces: list[FrameFace | None], sizes: list[tuple[int, int]]) -> Path:
    valid = np.array([face is not None for face in faces])
    absent = FrameFace(np.zeros((POINT_COUNT, 2)), np.zeros(POINT_COUNT), np.zeros((3, 3)), 0.0)
    seen = [face or absent for face in faces]
    points = np.stack([face.points_px for face in seen])
    value = np.zeros((len(seen), len(KEYPOINTS), 2))
    jacobian = np.zeros((len(seen), len(KEYPOINTS), 2, 2))
    crop = _common_crop(points[valid][0]) if valid.any() else SquareCrop((0.0, 0.0), 1.0)
    if valid.any():
        maps = keypoint_maps(weights.load_face_prior().neutral_cm)
        value[valid], jacobian[valid] = maps.apply(crop.from_picture(points[valid]))
    arrays = {
        "names": np.array(names, dtype=np.str_),
        "valid": valid,
        "size_px": np.array(sizes),
        "points_px": points,
        "sigma_px": np.stack([face.sigma_px for face in seen]),
        "rotation": np.stack([face.rotation for face in seen]),
        "doubt": np.array([face.doubt for face in seen]),
        "keypoint_value": value,
        "keypoint_jacobian": jacobian,
        "crop": np.array([*crop.center_px, crop.side_px]),
    }
    write_arrays(arrays, output)
    return output


def _common_crop(points_px: Array) -> SquareCrop:
    center, side = bounding_square(points_px[:LANDMARK_COUNT])
    return SquareCrop(center, side * CROP_FACTOR)
