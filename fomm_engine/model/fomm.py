# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM with numpy at both ends: pictures and keypoints in, pictures and keypoints out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fomm_engine.model.engine_path import choose_path
from fomm_engine.model.generator import EncodedSource
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.motion import Keypoints
from fomm_engine.model.weights import Networks, load_networks

Image = NDArray[np.uint8]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Painting:
    """image (H,W,3) uint8 RGB, and how it was made: mask (K+1,h,w), occlusion (h,w), deformation (h,w,2), where each
    pixel lies in the source ([-1,1]), all float32.
    """

    image: Image
    mask: Array
    occlusion: Array
    deformation: Array


class Fomm:
    """One model, ready: keypoints of pictures, and a source picture in any driving pose.

    align_corners: True as the published weights were trained, False as the original runs on torch >= 1.3: see
    model.generator for what differs. device, precision, path: see model.engine_path; `path` of the object says which
    way was taken and why.
    """

    def __init__(
        self,
        networks: Networks,
        *,
        align_corners: bool = True,
        device: str = "auto",
        precision: str = "exact",
        path: str | None = None,
    ) -> None:
        self.networks = networks
        self.path = choose_path(networks, device=device, precision=precision, align_corners=align_corners, path=path)

    @classmethod
    def load(cls, path: Path, *, align_corners: bool = True, device: str = "auto", precision: str = "exact") -> "Fomm":
        """The model in the checkpoint `path`; raises as `load_networks` and `choose_path` do."""
        return cls(load_networks(path), align_corners=align_corners, device=device, precision=precision)

    def keypoints(self, image: Image) -> Keypoints:
        """The keypoints of `image` (H,W,3) uint8 RGB, H and W divisible by 128 for the usual networks."""
        return self.keypoints_each([image])[0]

    def keypoints_each(self, images: Sequence[Image]) -> list[Keypoints]:
        """The keypoints of each of `images`, all of one size."""
        if not images:
            return []
        found = self.path.engine.keypoints(torch.cat([tensor_from_image(image) for image in images]))
        return [Keypoints(v, j) for v, j in zip(found.value.numpy(), found.jacobian.numpy(), strict=True)]

    def prepare(self, image: Image) -> EncodedSource:
        """What is needed of the source `image` (H,W,3) uint8 RGB: compute it once, then `paint` every frame with it."""
        return self.path.engine.encode_source(tensor_from_image(image))

    def paint(self, source: EncodedSource, driving: Keypoints) -> Painting:
        """The source in the pose of `driving` (already transferred to it, see motion.transferred)."""
        return self.paint_each(source, [driving])[0]

    def paint_each(self, source: EncodedSource, drivings: Sequence[Keypoints]) -> list[Painting]:
        """The source in each pose; fastest in groups of `path.batch`."""
        if not drivings:
            return []
        value, jacobian = zip(*map(tensors_from_keypoints, drivings), strict=True)
        made = self.path.engine.predict(source, KeypointTensors(torch.cat(value), torch.cat(jacobian)))
        motion = (
            part.float().numpy() for part in (made.motion.mask, made.motion.occlusion[:, 0], made.motion.deformation)
        )
        images = [image_from_tensor(prediction[None]) for prediction in made.prediction]
        return [Painting(*parts) for parts in zip(images, *motion, strict=True)]


def keypoints_of_source(source: EncodedSource) -> Keypoints:
    """The keypoints of a prepared source."""
    return Keypoints(source.keypoints.value[0].numpy(), source.keypoints.jacobian[0].numpy())


def tensor_from_image(image: Image) -> Tensor:
    """(1,3,H,W) float32 in [0,1] of `image` (H,W,3) uint8."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float().div_(255).contiguous()


def image_from_tensor(tensor: Tensor) -> Image:
    """(H,W,3) uint8 of the first of `tensor` (B,3,H,W) in [0,1]; rounded to the nearest level."""
    levels = tensor[0].float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().numpy()


def tensors_from_keypoints(keypoints: Keypoints) -> KeypointTensors:
    """Batch of one of `keypoints`."""
    value = torch.from_numpy(np.ascontiguousarray(keypoints.value, np.float32))[None]
    return KeypointTensors(value, torch.from_numpy(np.ascontiguousarray(keypoints.jacobian, np.float32))[None])
