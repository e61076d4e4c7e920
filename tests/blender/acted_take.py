# SPDX-License-Identifier: GPL-3.0-or-later
"""A take of the standard face that does exactly what the project's own filmed performance did, from its truth."""

from pathlib import Path

import numpy as np

from fomm_engine.wire.capture import Capture, write_capture
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX, KEYPOINTS
from fomm_engine.wire.standard_face import standard_face

TRUTH = Path(__file__).resolve().parents[2] / "rigs" / "performances" / "monologue.gt.npz"
FOCAL_PX, SIZE_PX, DISTANCE_CM = 900.0, 512, 60.0


def true_performance(every=1, path=TRUTH):
    """(frames per second, weights (T, 52), head rotation (T, 3, 3) camera from head) of every n-th frame."""
    with np.load(path) as truth:
        weights = np.zeros((len(truth["weights"]), len(ARKIT_CHANNELS)))
        for column, name in enumerate(truth["weight_names"]):
            if str(name) in ARKIT_INDEX:
                weights[:, ARKIT_INDEX[str(name)]] = truth["weights"][:, column]
        return float(truth["fps"]) / every, weights[::every], truth["head_R"][::every].astype(np.float64)


def true_points(weights):
    """(T, 70, 3) cm: the standard face's points with these weights, in the head frame."""
    face = standard_face()
    return face.neutral_cm + np.einsum("tc,cpx->tpx", weights, face.expression_cm)


def write_acted_take(path, every=1):
    """The path, after writing the capture: the truth seen through a camera, without noise."""
    rate, weights, rotation = true_performance(every)
    face, count, keypoints = standard_face(), len(weights), len(KEYPOINTS)
    translation = np.tile([0.0, 0.0, -DISTANCE_CM], (count, 1))
    seen = np.einsum("tij,tpj->tpi", rotation, true_points(weights)) + translation[:, None]
    points_px = SIZE_PX / 2 + FOCAL_PX * seen[..., :2] * (1, -1) / -seen[..., 2:]
    tracks = {
        "landmarks_px": points_px[:, :68],
        "landmarks_sigma_px": np.full((count, 68), 0.7),
        "irises_px": points_px[:, 68:],
        "irises_sigma_px": np.full((count, 2), 0.7),
        "head_rotation": rotation,
        "head_translation_cm": translation,
        "fomm_value": np.zeros((count, keypoints, 2)),
        "fomm_jacobian": np.zeros((count, keypoints, 2, 2)),
        "arkit": weights,
    }
    frame_rate = [round(rate * 1001), 1001]
    header = {
        "created_by": "test",
        "source": {"file": "acted.mp4", "width": SIZE_PX, "height": SIZE_PX, "frame_rate": frame_rate, "frames": count},
        "camera": {"focal_px": FOCAL_PX, "cx": SIZE_PX / 2, "cy": SIZE_PX / 2, "focal_source": "given"},
        "crop": {"x": 0.0, "y": 0.0, "size": float(SIZE_PX)},
        "neutral": {"frame": 0, "reason": "test"},
    }
    models = {"neutral_cm": face.neutral_cm, "basis_cm": face.expression_cm}
    time_s = np.arange(count) * frame_rate[1] / frame_rate[0]
    write_capture(Capture(header, time_s, np.ones(count, bool), tracks, models), path)
    return path
