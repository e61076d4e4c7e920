# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracker with the embedded weights, as fast as this machine can."""

from pathlib import Path

import torch

from fomm_engine.face import weights
from fomm_engine.face.detect import FaceFinder
from fomm_engine.face.fast_landmarks import fast_landmark_net
from fomm_engine.face.fast_regions import fast_region_nets
from fomm_engine.face.tracker import FaceTracker, TrackerSettings


def default_tracker(
    settings: TrackerSettings | None = None,
    *,
    precision: torch.dtype | None = None,
    folder: Path = weights.WEIGHTS_FOLDER,
) -> FaceTracker:
    """A tracker that has seen nothing yet.

    precision: of the nets' convolutions, as `fast_if_equal`; float32 where tiny differences between pictures matter.
    folder: of the weights. Errors as `weights.checked_file`.
    """
    regions = weights.load_region_nets(folder)
    close = None if regions is None else fast_region_nets(regions, precision)
    net = fast_landmark_net(weights.load_landmark_net(folder), precision)
    return FaceTracker(FaceFinder(weights.load_box_net(folder)), net, settings, close)
