# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of how a training goes: the original Visualizer's columns, a row for each pair."""

import colorsys
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from numpy.typing import NDArray
from torch import Tensor

from fomm_engine.fomm_training.losses import Deformed, Reconstruction
from fomm_engine.wire.errors import UserError

Images = NDArray[np.uint8]
ROWS = 4
_DOT = 5 / 256  # radius of a keypoint's dot, in sides of the picture
_RAINBOW = 0.82  # as matplotlib's gist_rainbow: from red to magenta


def preview(batch: Reconstruction, deformed: Deformed | None = None, *, parts: bool = True) -> Images:
    """(rows * S, columns * S, 3): source with keypoints, the deformed driving with its, driving with keypoints, the
    source as the motion moves it, prediction, occlusion, and with `parts` for each keypoint what its motion alone
    makes of the source and where it counts (the background first).
    """
    with torch.no_grad():
        columns = [dotted(batch.source, batch.source_keypoints.value)]
        if deformed is not None:
            columns.append(dotted(deformed.image, deformed.keypoints.value))
        columns.append(dotted(batch.driving, batch.driving_keypoints.value))
        size = batch.source.shape[2]
        motion = batch.made.motion
        deformation = _grown(motion.deformation.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)
        columns.append(_levels(F.grid_sample(batch.source, deformation, align_corners=True)))
        columns += [_levels(batch.made.prediction), _levels(_grown(motion.occlusion, size).expand(-1, 3, -1, -1))]
        if parts:
            columns += _parts(batch, size)
    return np.concatenate([np.concatenate(list(column[:ROWS]), axis=0) for column in columns], axis=1)


def dotted(image: Tensor, keypoints: Tensor) -> Images:
    """(B,S,S,3) `image` with a dot of its own colour at each of `keypoints` (B,K,2)."""
    pictures = _levels(image)
    side = pictures.shape[1]
    places = ((keypoints.cpu().numpy() + 1) / 2 * (side - 1)).round().astype(int)
    for picture, points in zip(pictures, places, strict=True):
        for index, (x, y) in enumerate(points):
            cv2.circle(picture, (int(x), int(y)), max(1, round(_DOT * side)), part_colour(index, len(points)), -1)
    return pictures


def part_colour(index: int, count: int) -> tuple[int, int, int]:
    """RGB of keypoint `index` of `count`."""
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(_RAINBOW * index / max(count - 1, 1), 1, 1))  # type: ignore[return-value]


def write_preview(picture: Images, path: Path) -> None:
    """Nothing; the picture stands in `path` (PNG). Raises UserError("not-writable")."""
    done, data = cv2.imencode(".png", picture[..., ::-1])
    try:
        assert done
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise UserError("not-writable", f"{path} cannot be written ({error.strerror}).") from error


def _parts(batch: Reconstruction, size: int) -> list[Images]:
    motion = batch.made.motion
    count = motion.mask.shape[1]
    columns: list[Images] = []
    for index in range(count):
        columns.append(_levels(_grown(motion.sparse_deformed[:, index], size)))
        colour = (255, 255, 255) if index == 0 else part_colour(index - 1, count - 1)
        tint = torch.tensor(colour, dtype=torch.float32, device=batch.source.device)[None, :, None, None] / 255
        columns.append(_levels(_grown(motion.mask[:, index : index + 1], size) * tint))
    return columns


def _grown(x: Tensor, size: int) -> Tensor:
    return x if x.shape[2] == size else F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)


def _levels(image: Tensor) -> Images:
    levels = image.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())
