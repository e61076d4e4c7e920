# SPDX-License-Identifier: GPL-3.0-or-later
"""The three small nets of the default face tracker: landmarks, face box, ARKit weights."""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX, POINT_COUNT

LANDMARK_INPUT_SIZE = 128
LANDMARK_CROP_FACTOR = 1.3  # side of the crop over the larger side of the 68 points' bounding box, as trained
BOX_INPUT_SIZE = 96
REGRESSOR_FEATURES = POINT_COUNT * 4 + 9
GRID_REACH = 1.06  # lets the expectation over a heatmap reach a little beyond the crop
_SIGMA_CENTRE = -3.0  # a usual error, ln of half sides of the crop or patch


class LandmarkOutput(NamedTuple):
    """`points` (B, 70, 2) in [-1, 1] of the crop (x right, y down); `log_sigma` (B, 70) ln of their Laplace scale in
    the same units; `rotation` (B, 3, 3) camera from head (camera: x right, y up, z towards it)."""

    points: Tensor
    log_sigma: Tensor
    rotation: Tensor


class BoxOutput(NamedTuple):
    """`center` (B, 2) in [-1, 1] of the image; `log_size` (B,) ln of box side over image side, where the box is the
    square around the 68 points with their larger extent as side; `presence_logit` (B,)."""

    center: Tensor
    log_size: Tensor
    presence_logit: Tensor


class LandmarkNet(nn.Module):
    """70 points, their uncertainty and the head's rotation from an RGB crop (B, 3, 128, 128) in [-1, 1].

    A residual encoder to 8x8, a feature pyramid back to 32x32, and the expectation over one heatmap per point
    (Sun et al., "Integral Human Pose Regression", ECCV 2018). The rotation is the continuous 6D representation
    (Zhou et al., CVPR 2019).
    """

    def __init__(self, stem: int = 16, wide: int = 160, points: int = POINT_COUNT) -> None:
        super().__init__()
        first, second, third, fourth = stem, stem * 2, stem * 4, stem * 8
        self.dimensions = {"stem": stem, "wide": wide, "points": points}
        self.at_4_channels = wide
        self.at_32 = nn.Sequential(convolution(3, first, 5, 2), convolution(first, second, 3, 2), Residual(second))
        self.at_16 = nn.Sequential(convolution(second, third, 3, 2), Residual(third), Residual(third))
        self.at_8 = nn.Sequential(convolution(third, fourth, 3, 2), Residual(fourth), Residual(fourth))
        self.at_4 = nn.Sequential(convolution(fourth, wide, 3, 2), Residual(wide))
        self.up_8 = convolution(wide, fourth, 1)
        self.fuse_8 = convolution(fourth, third)
        self.fuse_16 = convolution(third, third)
        self.lateral_32 = convolution(second, third, 1)
        self.fuse_32 = convolution(third, third)
        self.heatmaps = nn.Conv2d(third, points, 1)
        self.summary = nn.Sequential(nn.Flatten(), nn.Linear(wide * 16, 192), nn.ReLU(inplace=True))
        self.rotation = nn.Linear(192, 6)
        self.spread = nn.Linear(192, points)

    def forward(self, image: Tensor) -> LandmarkOutput:
        """Points, log sigma and rotation of each crop of a batch."""
        at_32 = self.at_32(image)
        at_16 = self.at_16(at_32)
        at_8 = self.at_8(at_16)
        at_4 = self.at_4(at_8)
        decoded = self.fuse_8(doubled(self.up_8(at_4)) + at_8)
        decoded = self.fuse_16(doubled(decoded) + at_16)
        decoded = self.fuse_32(doubled(decoded) + self.lateral_32(at_32))
        return landmark_output(self, self.heatmaps(decoded), self.summary(at_4))


class BoxNet(nn.Module):
    """Where the face is in a letterboxed RGB frame (B, 3, 96, 96) in [-1, 1].

    One map says which cell holds the centre of the face, another the size. The centre is the expectation in the 3x3
    cells around the strongest one, so that a second face does not pull it.
    """

    def __init__(self, stem: int = 16) -> None:
        super().__init__()
        wide = stem * 4
        self.dimensions = {"stem": stem}
        self.features = nn.Sequential(
            convolution(3, stem, 5, 2),
            convolution(stem, stem * 2, 3, 2),
            convolution(stem * 2, wide, 3, 2),
            Residual(wide),
            convolution(wide, wide, dilation=2),
            convolution(wide, wide, dilation=4),
            Residual(wide),
        )
        self.maps = nn.Conv2d(wide, 2, 1)
        self.presence = nn.Linear(wide + 1, 1)

    def forward(self, image: Tensor) -> BoxOutput:
        """Centre, log size and presence of the strongest face of each frame."""
        return self.decode(*self.maps_of(image))

    def maps_of(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Centre logits (B, H, W), log size (B, H, W) and the presence logit (B,)."""
        features = self.features(image)
        maps = self.maps(features).float()
        strongest = maps[:, 0].amax((1, 2))[:, None]
        summary = torch.cat([features.float().amax((2, 3)), strongest], 1)
        return maps[:, 0], maps[:, 1], self.presence(summary)[:, 0]

    @staticmethod
    def decode(logits: Tensor, log_size: Tensor, presence: Tensor) -> BoxOutput:
        """The box around the strongest cell, read as an expectation over its 3x3 neighbourhood."""
        probability = functional.softmax(logits.flatten(1), -1).view_as(logits)
        peak = probability == probability.amax((1, 2), keepdim=True)
        window = functional.max_pool2d(peak.float()[:, None], 3, 1, 1)[:, 0]
        near = probability * window
        near = near / near.sum((1, 2), keepdim=True).clamp_min(1e-9)
        return BoxOutput(_mean_position(near), (near * log_size).sum((1, 2)), presence)


class ArkitRegressor(nn.Module):
    """ARKit weights (B, 52) in 0..1, in the order of ARKIT_CHANNELS, from `regressor_features` (B, 289).

    tongueOut is always 0: no landmark sees a tongue.
    """

    def __init__(self, features: int = REGRESSOR_FEATURES, hidden: int = 384) -> None:
        super().__init__()
        self.dimensions = {"features": features, "hidden": hidden}
        self.layers = nn.Sequential(
            nn.Linear(features, hidden),
            nn.GELU(),
            nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, len(ARKIT_CHANNELS)),
        )
        seen = torch.ones(len(ARKIT_CHANNELS))
        seen[ARKIT_INDEX["tongueOut"]] = 0.0
        self.register_buffer("seen", seen)
        self.seen: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Weights of each row of features."""
        return torch.sigmoid(self.layers(features).float()) * self.seen


def regressor_features(
    points_px: NDArray[np.floating],
    neutral_points_px: NDArray[np.floating],
    rotation_camera_from_head: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Features (T, 289) of `ArkitRegressor`.

    `points_px` (T, 70, 2) are the frame's points, `neutral_points_px` (T, 70, 2) the same actor's neutral face,
    projected with the frame's own rotation, translation and focal length, and `rotation_camera_from_head` (T, 3, 3).
    Any similar image coordinates do (x right, y down): both sets are turned back by the head's roll about the neutral's
    centre and divided by the neutral's root mean square radius. 140 numbers are the difference of the two (what the
    expression moved, three times enlarged), 140 the neutral itself (whose face it is), 9 the rotation without its roll.
    """
    rotation = np.asarray(rotation_camera_from_head, np.float64)
    roll_rad = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    centre = neutral_points_px.mean(1, keepdims=True)
    radius = np.sqrt(((neutral_points_px - centre) ** 2).sum(2).mean(1))[:, None, None]
    upright = _turn(-roll_rad)  # counter-clockwise in y-up axes
    image_upright = upright[:, :2, :2]  # for rows of points: the transpose, and y points down, which is another
    moved = (points_px - neutral_points_px) @ image_upright / radius
    neutral = (neutral_points_px - centre) @ image_upright / radius
    count = len(rotation)
    parts = [3.0 * moved.reshape(count, -1), neutral.reshape(count, -1), (upright @ rotation).reshape(count, 9)]
    return np.concatenate(parts, 1).astype(np.float32)


def landmark_output(net: LandmarkNet, heatmaps: Tensor, summary: Tensor) -> LandmarkOutput:
    """What `net` says of heatmaps (B, 70, 32, 32) and the summary (B, 192) of the picture."""
    points = expected_position(heatmaps) * GRID_REACH
    return LandmarkOutput(points, log_sigma_of(net.spread(summary)), rotation_from_6d(net.rotation(summary).float()))


def log_sigma_of(spread: Tensor) -> Tensor:
    """ln of the scale of points of which the last layer says `spread` (B, N)."""
    return spread.float().clamp(-6.0, 4.0) + _SIGMA_CENTRE


def rotation_from_6d(raw: Tensor) -> Tensor:
    """Rotation matrices (B, 3, 3) whose first two columns are the orthonormalised halves of `raw` (B, 6)."""
    first = functional.normalize(raw[:, :3], dim=1)
    second = raw[:, 3:] - (first * raw[:, 3:]).sum(1, keepdim=True) * first
    second = functional.normalize(second, dim=1)
    return torch.stack([first, second, torch.cross(first, second, dim=1)], 2)


def expected_position(logits: Tensor) -> Tensor:
    """Expected position (B, N, 2) in [-1, 1] (x, y) under the softmax of each heatmap (B, N, H, W).

    Written for channels-last maps: nothing is copied, and both means are one product with the grid.
    """
    batch, count, height, width = logits.shape
    cells = logits.permute(0, 2, 3, 1).reshape(batch, height * width, count).float()
    probability = cells.softmax(1)
    with torch.autocast(logits.device.type, enabled=False):  # half precision would round positions to a quarter pixel
        return (grid(height, width, logits.device) @ probability).transpose(1, 2)


@cache
def grid(height: int, width: int, device: torch.device) -> Tensor:
    """(2, H * W) x and y of each cell, in [-1, 1]."""
    with torch.inference_mode(False):  # the same one serves training
        x, y = _axis(width, device), _axis(height, device)
        return torch.stack([x.repeat(height), y.repeat_interleave(width)])


def _axis(count: int, device: torch.device) -> Tensor:
    """Centres of `count` cells across [-1, 1]."""
    return (torch.arange(count, device=device) + 0.5) / count * 2 - 1


def _mean_position(probability: Tensor) -> Tensor:
    """Mean position (..., 2), x and y of cell centres in [-1, 1], of distributions (..., H, W)."""
    height, width = probability.shape[-2:]
    x, y = _axis(width, probability.device), _axis(height, probability.device)
    return torch.stack([(probability.sum(-2) * x).sum(-1), (probability.sum(-1) * y).sum(-1)], -1)


def _turn(angle_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations (T, 3, 3) about z, counter-clockwise in y-up axes."""
    matrix = np.zeros((len(angle_rad), 3, 3))
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(angle_rad)
    matrix[:, 1, 0] = np.sin(angle_rad)
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, 2, 2] = 1.0
    return matrix


def pictures_tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """(B, 3, H, W) float32 in [-1, 1], channels last, of RGB pictures (B, H, W, 3)."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def doubled(features: Tensor) -> Tensor:
    """Features (B, C, 2H, 2W) of ones (B, C, H, W), every cell repeated."""
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def convolution(into: int, out: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU; the same size but for the stride."""
    padding = kernel // 2 * dilation
    conv = nn.Conv2d(into, out, kernel, stride, padding, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two 3x3 convolutions around a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.second(self.first(features)))
