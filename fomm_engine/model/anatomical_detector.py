# SPDX-License-Identifier: GPL-3.0-or-later
"""The default weights' keypoints in the clothes of FOMM's keypoint detector, for generators trained on them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fomm_engine.face import weights
from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.detect import image_tensor
from fomm_engine.face.keypoints import KeypointMaps, keypoint_maps
from fomm_engine.face.look import crop_around
from fomm_engine.face.nets import LANDMARK_INPUT_SIZE, LandmarkNet
from fomm_engine.model.keypoints import KeypointTensors

ROUNDS = 3  # looks at the face: at the whole picture, then twice around what was seen


class AnatomicalDetector(nn.Module):
    """Keypoints of pictures of one face each, framed as FOMM's are: (B,3,H,W) in [0,1] to KeypointTensors.

    It has no parameters of its own and passes no gradient: the landmark net is as it was trained.
    """

    def __init__(self) -> None:
        super().__init__()
        self._nets: list[tuple[LandmarkNet, KeypointMaps]] = []  # loaded at first use; in a list: no submodule

    def forward(self, image: Tensor) -> KeypointTensors:
        """The keypoints of each picture; -1 and +1 are its first and last pixel's centre, as everywhere in FOMM."""
        points = self.points(image)
        side = torch.tensor([image.shape[3], image.shape[2]], dtype=torch.float64)
        value, jacobian = self._loaded()[1].apply(points / side.numpy() * 2 - 1)
        to_centres = (side / (side - 1)).numpy()  # the landmarks' -1 and +1 are the picture's edges
        value, jacobian = value * to_centres, jacobian * to_centres[:, None]
        like = {"dtype": torch.float32, "device": image.device}
        return KeypointTensors(torch.as_tensor(value, **like), torch.as_tensor(jacobian, **like))

    def points(self, image: Tensor) -> NDArray[np.float64]:
        """(B,70,2) px of each picture's face, pixel centres at +0.5."""
        net = self._loaded()[0]
        pictures = _pictures(image)
        height, width = pictures.shape[1:3]
        crops = [SquareCrop((width / 2, height / 2), float(min(height, width)))] * len(pictures)
        points = np.zeros((len(pictures), 70, 2))
        for _ in range(ROUNDS):
            cut = [crop.cut(picture, LANDMARK_INPUT_SIZE) for crop, picture in zip(crops, pictures, strict=True)]
            with torch.inference_mode():
                found = net(image_tensor(cut))
            turns = found.rotation.double().numpy()
            for index, crop in enumerate(crops):
                points[index] = crop.to_picture(found.points[index].double().numpy())
            rotations = [crop.rotation_to_picture(turn) for crop, turn in zip(crops, turns, strict=True)]
            crops = [crop_around(points[index], rotations[index]) for index in range(len(pictures))]
        return points

    def _loaded(self) -> tuple[LandmarkNet, KeypointMaps]:
        if not self._nets:
            self._nets.append((weights.load_landmark_net(), keypoint_maps(weights.load_face_prior().neutral_cm)))
        return self._nets[0]


def _pictures(image: Tensor) -> NDArray[np.uint8]:
    levels = image.detach().cpu().clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()
