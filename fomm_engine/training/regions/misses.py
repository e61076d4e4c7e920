# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the patches lie off that are cut around the landmark net's points, measured on synthetic faces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.nets import LANDMARK_INPUT_SIZE, LandmarkNet
from fomm_engine.face.regions import Patches, patch_crops
from fomm_engine.training.dataset import FaceSet
from fomm_engine.training.landmark_data import LandmarkDataSettings, backgrounds, batch_of
from fomm_engine.training.landmark_training import outputs_of

KINDS = ("eye", "mouth")


@dataclass(frozen=True)
class Misses:
    """Per kind of patch (M, 4): shift along the patch's x and y in shares of its side, ln of the side's ratio, and
    how far it is turned (radians). The left eye's are mirrored, as its patches are."""

    eye: NDArray[np.float32]
    mouth: NDArray[np.float32]

    def draw(self, kind: str, crop: SquareCrop, rng: Generator, *, factor: float) -> SquareCrop:
        """A patch that misses the right one `crop` as the landmark net's would, `factor` times as far."""
        rows = self.eye if kind == "eye" else self.mouth
        x, y, log_scale, turn = rows[rng.integers(len(rows))] * factor
        if kind == "eye" and rng.random() < 0.5:
            x, turn = -x, -turn
        center = crop.to_picture(2 * np.array([x, y], np.float64))
        side = crop.side_px * float(np.exp(np.clip(log_scale, -0.7, 0.7)))
        return SquareCrop((float(center[0]), float(center[1])), side, crop.roll_rad + float(turn))


def measured_misses(data: Path, net: LandmarkNet, *, count: int, seed: int) -> Misses:
    """Misses of a net on `count` pictures of training faces, photographed as in the landmark training."""
    faces = FaceSet(data, held_out=False)
    rng = np.random.default_rng(seed)
    order = rng.integers(len(faces), size=count)
    batch = batch_of(faces, order, backgrounds(data), rng, LandmarkDataSettings())
    output = outputs_of(net, batch)
    half = LANDMARK_INPUT_SIZE / 2  # pixels: a patch has a least size in them
    found, truth = (points.double().numpy() * half for points in (output.points, batch.points))
    rotations = output.rotation.double().numpy(), batch.rotation.double().numpy()
    sides = ((found, rotations[0]), (truth, rotations[1]))
    rows: dict[str, list[NDArray[np.float64]]] = {kind: [] for kind in KINDS}
    for index in range(count):
        seen, right = (patch_crops(points[index], turn[index]) for points, turn in sides)
        rows["mouth"].append(miss(seen.mouth, right.mouth))
        rows["eye"] += _eye_misses(seen, right)
    return Misses(**{kind: np.stack(values).astype(np.float32) for kind, values in rows.items()})


def miss(seen: SquareCrop, right: SquareCrop) -> NDArray[np.float64]:
    """(4,) how a patch lies off the right one, in the terms of `Misses`."""
    shift = right.from_picture(np.asarray(seen.center_px)) / 2
    turn = (seen.roll_rad - right.roll_rad + np.pi) % (2 * np.pi) - np.pi
    return np.array([*shift, np.log(seen.side_px / right.side_px), turn])


def _eye_misses(seen: Patches, right: Patches) -> list[NDArray[np.float64]]:
    mirrored = np.array([-1, 1, 1, -1])
    return [miss(seen.eye_right, right.eye_right), miss(seen.eye_left, right.eye_left) * mirrored]


def save_misses(misses: Misses, path: Path) -> None:
    """Write the table (npz)."""
    np.savez(path, allow_pickle=False, eye=misses.eye, mouth=misses.mouth)


def load_misses(path: Path) -> Misses:
    """Read the table."""
    with np.load(path, allow_pickle=False) as data:
        return Misses(data["eye"], data["mouth"])


def summary(misses: Misses) -> dict[str, list[float]]:
    """Per kind: the median and the 99th percentile of the shift (shares of the side) and of |ln scale|."""
    told = {}
    for kind in KINDS:
        rows = getattr(misses, kind)
        shift = np.hypot(rows[:, 0], rows[:, 1])
        parts = (np.percentile(shift, (50, 99)), np.percentile(np.abs(rows[:, 2]), (50, 99)))
        told[kind] = [round(float(value), 4) for part in parts for value in part]
    return told
