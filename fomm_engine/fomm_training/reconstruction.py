# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip made anew from its first frame by the motion of the others: how the paper measures a model."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fomm_engine.fomm_training.losses import Reconstruction
from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.model.weights import Networks

Images = NDArray[np.uint8]


def reconstructed(networks: Networks, source: Images, driving: Images) -> Images:
    """(T,S,S,3) each of `driving` (T,S,S,3) made from `source` (S,S,3), with absolute keypoints."""
    return np.stack([_picture(batch.made.prediction) for batch in reconstructions(networks, source, driving)])


def reconstructions(networks: Networks, source: Images, driving: Images) -> Iterator[Reconstruction]:
    """The same with everything it was made with, frame by frame."""
    device = next(networks.generator.parameters()).device
    with evaluating(networks), torch.inference_mode():
        image = _tensor(source, device)
        keypoints = networks.kp_detector(image)
        encoded = networks.generator.encode(image, keypoints)
        for frame in driving:
            real = _tensor(frame, device)
            pose = networks.kp_detector(real)
            yield Reconstruction(image, real, keypoints, pose, networks.generator.paint(encoded, pose))


@contextmanager
def evaluating(networks: Networks) -> Iterator[None]:
    """The networks use what their batch norms have learned, and are as they were afterwards."""
    parts: list[nn.Module] = [networks.generator]
    if not isinstance(networks.kp_detector, AnatomicalDetector):
        parts.append(networks.kp_detector)
    before = [part.training for part in parts]
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for part, was_training in zip(parts, before, strict=True):
            part.train(was_training)


def _tensor(image: Images, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float().div(255).to(device)


def _picture(prediction: Tensor) -> Images:
    levels = prediction[0].clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
