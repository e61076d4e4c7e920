# SPDX-License-Identifier: GPL-3.0-or-later
"""Random smooth deformations that keypoints must follow: an affine map and a thin-plate spline (paper, section 3.4)."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor

from fomm_engine.model.blocks import coordinate_grid
from fomm_engine.model.training_settings import TransformSettings

_EPSILON = 1e-6


class RandomTransform:
    """One deformation for each picture of a batch; maps a point of the deformed picture to where it came from."""

    def __init__(self, batch: int, settings: TransformSettings, draw: torch.Generator, device: torch.device) -> None:
        """`draw` is a generator on the CPU, so that every device draws the same."""
        still = torch.eye(2, 3)
        noise = torch.randn(batch, 2, 3, generator=draw) * settings.affine_sigma
        self.affine = (still + noise).to(device)
        side = settings.spline_points
        self.control = coordinate_grid(side, side, self.affine).reshape(1, 1, -1, 2)
        weights = torch.randn(batch, 1, side * side, generator=draw) * settings.spline_sigma
        self.weights = weights.to(device)

    def image(self, image: Tensor) -> Tensor:
        """`image` (B,3,H,W), deformed; beyond its border it is mirrored. As trained: look-ups at pixel centres."""
        height, width = image.shape[2:]
        grid = coordinate_grid(height, width, image).reshape(1, -1, 2).expand(len(image), -1, 2)
        moved = self.points(grid).reshape(-1, height, width, 2)
        return F.grid_sample(image, moved, padding_mode="reflection", align_corners=True)

    def points(self, points: Tensor) -> Tensor:
        """Where `points` (B,N,2) came from. The spline's U(r) = r^2 log r, r by the sum of both distances, as the
        original has it, moves both coordinates alike."""
        moved = points @ self.affine[:, :, :2].transpose(1, 2) + self.affine[:, None, :, 2]
        reach = (points[:, :, None] - self.control).abs().sum(-1)
        bent = (reach**2 * torch.log(reach + _EPSILON) * self.weights).sum(-1, keepdim=True)
        return moved + bent

    def jacobian(self, points: Tensor) -> Tensor:
        """(B,N,2,2) the derivative of `points`, in closed form."""
        offset = points[:, :, None] - self.control
        reach = offset.abs().sum(-1)
        slope = 2 * reach * torch.log(reach + _EPSILON) + reach**2 / (reach + _EPSILON)
        row = (self.weights * slope)[..., None] * offset.sign()
        return self.affine[:, None, :, :2] + row.sum(2)[:, :, None].expand(-1, -1, 2, -1)
