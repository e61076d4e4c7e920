# SPDX-License-Identifier: GPL-3.0-or-later
"""face-alignment (Bulat and Tzimiropoulos, ICCV 2017) as the source of the 68 landmarks, where its weights are.

Its own code finds them: crops, flipped second look, heatmaps, batches, in the device and precision asked for. Who is
followed is the default tracker's business, and s3fd, face-alignment's detector, looks where that one sees nobody.

What it does not give is filled in honestly. Sigma: from the heatmaps' peaks and their cells' size. Irises and the
head's rotation: from the default landmark net, on the crop around its points; the take's solve refines the rotation
anyway. Nothing is ever downloaded here.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fomm_engine.face.choice import FaceChoice, chosen_face
from fomm_engine.face.crop import SquareCrop, bounding_square
from fomm_engine.face.fast_landmarks import Look
from fomm_engine.face.look import INNER, FaceReader, FrameFace, crop_around, widened
from fomm_engine.face.tracker import FaceTracker, TrackerSettings
from fomm_engine.models.store import Store
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import LANDMARK_COUNT

Array = npt.NDArray[Any]
FAN_FILE, S3FD_FILE = "2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"
_HEATMAP_CELLS = 64
_CROP_UNIT_PX = 200.0  # side of the crop at scale 1: face-alignment's own constant
_FOREHEAD = 0.28  # s3fd's boxes reach so much of a landmarks' box higher
_ROUNDING_PX = 0.29  # it rounds to whole pixels: the deviation of a uniform error of one pixel
_CELL_SIGMA = 0.3  # cells: what is left of a point that was seen for certain
_DOUBT_SIGMA = 1.0  # cells that a point's sigma grows by as its peak falls
_SURE_PEAK, _LOST_PEAK = 0.9, 0.15


@dataclass(frozen=True)
class AlignmentSettings:
    """device ("cpu", "cuda", "mps"), precision, faces in a batch, a second look at the mirrored crop; the peak of the
    heatmaps, on average, below which a face is not believed."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    batch: int = 8
    flip: bool = True
    believed_peak: float = 0.2


@dataclass(frozen=True)
class AlignmentWeights:
    """face-alignment's files: the landmark net, and its detector where that is here too."""

    fan: Path
    s3fd: Path | None = None


def find_weights(folder: Path | None = None) -> AlignmentWeights | None:
    """Its weights on this machine: in `folder` where one is given, else among the downloaded ones, else in torch's hub
    cache, where face-alignment keeps them itself. None where the landmark net is in neither."""
    fan, s3fd = (_find(name, file, folder) for name, file in _FILES.items())
    return AlignmentWeights(fan, s3fd) if fan is not None else None


class FaceAlignment:
    """The 68 landmarks of faces whose boxes are known, and boxes of faces, by face-alignment's code."""

    def __init__(self, weights: AlignmentWeights, settings: AlignmentSettings | None = None) -> None:
        """Raises UserError: "face-alignment-missing" (the package), "weights-unfit", as reading its files does."""
        self.settings = settings or AlignmentSettings()
        self._aligner, self._detects = _aligner(weights, self.settings)

    def boxes(self, image: Array) -> list[SquareCrop]:
        """Squares around the faces that s3fd sees in `image` (H,W,3) uint8 RGB; none where its weights are not here."""
        if not self._detects:
            return []
        with torch.inference_mode():
            found = self._aligner.face_detector.detect_from_image(image)
        return [_square_of_box(box) for box in found]

    def landmarks(self, image: Array, squares: list[SquareCrop]) -> list[tuple[Array, Array, float]]:
        """(points (68,2) px, sigma (68,) px, mean peak) of the face around whose landmarks each square lies."""
        if not squares:
            return []
        boxes = [_box_of_square(square) for square in squares]
        points, peaks, _ = self._aligner.get_landmarks_from_image(
            np.ascontiguousarray(image), detected_faces=boxes, return_landmark_score=True
        )
        looks = 2 if self.settings.flip else 1  # it adds both looks' heatmaps
        found: list[tuple[Array, Array, float]] = []
        for box, each, peak in zip(boxes, points, peaks, strict=True):
            height = np.clip(np.asarray(peak, np.float64).reshape(LANDMARK_COUNT) / looks, 0.0, 1.0)
            cell_px = self._cell_px(box)
            # It cuts the fraction off coordinates whose pixel centres lie at +0.5: half a pixel is missing on average.
            found.append((np.asarray(each, np.float64)[:, :2] + 0.5, _sigma_px(height, cell_px), float(height.mean())))
        return found

    def _cell_px(self, box: list[float]) -> float:
        scale = (box[2] - box[0] + box[3] - box[1]) / self._aligner.face_detector.reference_scale
        return _CROP_UNIT_PX * scale / _HEATMAP_CELLS


class AlignmentTracker:
    """Follows one face as `FaceTracker` does, with face-alignment's landmarks."""

    def __init__(self, alignment: FaceAlignment, tracker: FaceTracker, reader: FaceReader, face: FaceChoice) -> None:
        self._alignment, self._tracker, self._reader, self._face = alignment, tracker, reader, face

    def track(self, image: Array) -> FrameFace | None:
        """The followed face in the next frame (H,W,3) uint8 RGB, or None where there is none to be believed."""
        face = self._tracker.track(image) or self._detected(image)
        if face is None:
            return None
        (points, sigma, peak), *_ = self._alignment.landmarks(image, [SquareCrop(*_box_of_points(face.points_px))])
        if peak < self._alignment.settings.believed_peak:
            return None
        return self._completed(image, points, sigma, face)

    def state(self) -> dict[str, Any]:
        """As `FaceTracker.state`."""
        return self._tracker.state()

    def resume(self, state: dict[str, Any], image: Array) -> None:
        """As `FaceTracker.resume`."""
        self._tracker.resume(state, image)

    def _detected(self, image: Array) -> FrameFace | None:
        squares = self._alignment.boxes(image)
        faces = [self._reader.settled(image, widened(square), 2) for square in squares]
        return chosen_face([face for face in faces if face is not None], self._face)

    def _completed(self, image: Array, points: Array, sigma: Array, face: FrameFace) -> FrameFace:
        """With irises and rotation by the default net, seen in the crop around these landmarks."""
        crop = crop_around(np.concatenate([points, face.points_px[LANDMARK_COUNT:]]), face.rotation)
        seen = self._reader.seen(image, crop)
        half_px = crop.side_px / 2
        return FrameFace(
            np.concatenate([points, seen.points_px[LANDMARK_COUNT:]]),
            np.concatenate([sigma, seen.sigma_px[LANDMARK_COUNT:]]),
            seen.rotation,
            float(np.log(sigma[INNER] / half_px).mean()),
        )


def alignment_tracker(own: FaceTracker, net: Look, face: FaceChoice) -> AlignmentTracker:
    """A tracker with face-alignment's landmarks, following whom `own` follows; `net` is the default landmark net.

    Raises UserError("weights-not-here") and as `FaceAlignment` does.
    """
    reader = FaceReader(net, TrackerSettings.doubt_limit, both_ways=True)
    return AlignmentTracker(FaceAlignment(require_weights()), own, reader, face)


def require_weights() -> AlignmentWeights:
    """Its weights on this machine. Raises UserError("weights-not-here") with what to do."""
    weights = find_weights()
    if weights is None:
        hint = "Download them with `models download face-alignment-fan`, or put its file into torch's hub cache."
        raise UserError("weights-not-here", "The weights of face-alignment are not on this machine.", hint)
    return weights


_FILES = {"face-alignment-fan": FAN_FILE, "face-alignment-s3fd": S3FD_FILE}


def _find(name: str, file: str, folder: Path | None) -> Path | None:
    if folder is not None:
        places = [folder / file]
    else:
        store = Store()
        places = [store.path(store.table[name]), Path(torch.hub.get_dir()) / "checkpoints" / file]
    return next((path for path in places if path.is_file()), None)


def _aligner(weights: AlignmentWeights, settings: AlignmentSettings) -> tuple[Any, bool]:
    """(face-alignment's own object with these files, whether it can detect); nothing of it may download."""
    try:
        import face_alignment
    except ImportError as error:
        hint = "Install the engine with its extra: pip install 'fomm-engine[face-alignment]'."
        raise UserError("face-alignment-missing", f"face-alignment is not installed ({error}).", hint) from error

    class Local(face_alignment.FaceAlignment):
        """Loads the file it is given instead of fetching one; everything else is face-alignment's."""

        def _load_native(
            self, network_name: str, network_size: int, device: str, dtype: torch.dtype
        ) -> torch.nn.Module:
            del network_name
            net = face_alignment.api.FAN(network_size)
            net.load_state_dict(_state(weights.fan))
            return net.to(device, dtype=dtype).eval()

    options: dict[str, Any] = {"path_to_detector": str(weights.s3fd)} if weights.s3fd else {}
    detector = "sfd" if weights.s3fd else "folder"  # "folder" reads boxes from files and has no weights
    try:
        made = Local(
            face_alignment.LandmarksType.TWO_D,
            network_size=face_alignment.NetworkSize.LARGE,
            device=settings.device,
            dtype=settings.dtype,
            flip_input=settings.flip,
            face_detector=detector,
            face_detector_kwargs=options,
            compile=False,  # a minute for each new machine, and not for a few frames
            max_batch_size=settings.batch,
        )
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError("weights-unfit", f"face-alignment cannot use its weights ({reason}).") from error
    return made, weights.s3fd is not None


def _state(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)


def _sigma_px(peak: Array, cell_px: float) -> Array:
    """A point's deviation, (68,) px: of a certain one a part of a heatmap's cell, more as the peak falls."""
    doubt = np.clip((_SURE_PEAK - peak) / (_SURE_PEAK - _LOST_PEAK), 0.0, 1.0)
    cells = _CELL_SIGMA + _DOUBT_SIGMA * doubt / (1.05 - doubt)
    return np.hypot(cells * cell_px, _ROUNDING_PX)


def _box_of_points(points_px: Array) -> tuple[tuple[float, float], float]:
    return bounding_square(points_px[:LANDMARK_COUNT])


def _box_of_square(square: SquareCrop) -> list[float]:
    """(x1, y1, x2, y2) as s3fd would have it: the landmarks' square, and the forehead above it."""
    x, y = square.center_px
    half = square.side_px / 2
    return [x - half, y - half - _FOREHEAD * square.side_px, x + half, y + half]


def _square_of_box(box: Array) -> SquareCrop:
    """The landmarks' square of one of s3fd's boxes (x1, y1, x2, y2, score)."""
    x1, y1, x2, y2 = (float(value) for value in box[:4])
    side = math.sqrt(max((x2 - x1) * (y2 - y1), 1.0) / (1 + _FOREHEAD))
    return SquareCrop(((x1 + x2) / 2, y2 - side / 2), side)
