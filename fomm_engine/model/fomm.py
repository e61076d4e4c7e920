# SPDX-License-Identifier: GPL-3.0-or-later
"""FOMM with numpy at both ends: pictures and keypoints in, pictures and keypoints out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fomm_engine.model.fast import accelerated
from fomm_engine.model.generator import EncodedSource, Generated
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.motion import Keypoints
from fomm_engine.model.weights import Networks, load_networks

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Painting:
    """image (H,W,3) uint8 RGB; mask (K+1,h,w) and occlusion (h,w) float32: how it was made."""

    image: Image
    mask: NDArray[np.float32]
    occlusion: NDArray[np.float32]


class Fomm:
    """One model, ready: keypoints of pictures, and a source picture in any driving pose.

    fast: run the rearranged networks (model.fast), equal up to rounding; False runs the original's layers one by one.
    bf16: in bfloat16 where that is safe (about 65 dB from float32); only worth it on processors with bfloat16 units.
    align_corners: True as the published weights were trained, False as the original runs on torch >= 1.3
    """

    def __init__(
        self, networks: Networks, *, align_corners: bool = True, fast: bool = True, bf16: bool = False
    ) -> None:
        self.networks = accelerated(networks, bf16=bf16) if fast or bf16 else networks
        self.align_corners = align_corners

    @classmethod
    def load(cls, path: Path, *, align_corners: bool = True) -> "Fomm":
        """The model in the checkpoint `path`; raises as `load_networks` does."""
        return cls(load_networks(path), align_corners=align_corners)

    def keypoints(self, image: Image) -> Keypoints:
        """The keypoints of `image` (H,W,3) uint8 RGB, H and W divisible by 128 for the usual networks."""
        with torch.inference_mode():
            found = self.networks.kp_detector(tensor_from_image(image))
        return Keypoints(found.value[0].numpy(), found.jacobian[0].numpy())

    def prepare(self, image: Image) -> EncodedSource:
        """What is needed of the source `image` (H,W,3) uint8 RGB: compute it once, then `paint` every frame with it."""
        with torch.inference_mode():
            tensor = tensor_from_image(image)
            return self.networks.generator.encode(tensor, self.networks.kp_detector(tensor))

    def paint(self, source: EncodedSource, driving: Keypoints) -> Painting:
        """The source in the pose of `driving` (already transferred to it, see motion.transferred)."""
        with torch.inference_mode():
            made: Generated = self.networks.generator.paint(
                source, tensors_from_keypoints(driving), align_corners=self.align_corners
            )
        mask, occlusion = made.motion.mask[0].numpy(), made.motion.occlusion[0, 0].numpy()
        return Painting(image_from_tensor(made.prediction), mask, occlusion)


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
