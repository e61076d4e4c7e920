# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes that the head model's identities lack: hooded, with puffy lower lids, and narrow though open."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from fomm_engine.training.face_masks import lid_distance_cm
from fomm_engine.training.face_model import FaceModel, FloatArray, eyeball_centres_cm

_FOLD_CM, _FOLD_WIDTH_CM = 0.42, 0.3  # where above the lid's edge the fold hangs
_BAG_CM, _BAG_WIDTH_CM = 0.45, 0.3
_LID_STILL_CM = 0.12  # skin nearer to the edge than this hardly goes along with the fold


@dataclass(frozen=True)
class EyeShapeSettings:
    """Chances of each shape."""

    hooded: float = 0.45
    puffy: float = 0.3
    narrow: float = 0.35


def with_eye_shapes(
    model: FaceModel, base_cm: FloatArray, rng: Generator, settings: EyeShapeSettings | None = None
) -> FloatArray:
    """Vertices (N, 3) of a neutral shape whose eyes are hooded, puffy or narrow by chance; both eyes alike."""
    chances = settings or EyeShapeSettings()
    shaped = base_cm
    if rng.random() < chances.narrow:
        shaped = shaped + model.expression_offset_cm(narrowing(model, rng))
    if rng.random() < chances.hooded:
        shaped = shaped + _fold(model, depth_cm=rng.uniform(0.1, 0.45), outwards=rng.uniform(-0.5, 1.0))
    if rng.random() < chances.puffy:
        shaped = shaped + _bags(model, depth_cm=rng.uniform(0.05, 0.3))
    return shaped.astype(np.float32)


def narrowing(model: FaceModel, rng: Generator) -> FloatArray:
    """Expression weights (E,) that narrow eyes hold all the time: lids as in the midst of a blink and a squint."""
    weights = np.zeros(len(model.expression_names), np.float32)
    blink, squint = rng.uniform(0.0, 0.3), rng.uniform(0.0, 0.4)
    for side in "LR":
        weights[model.expression_index("eyeBlink_" + side)] = blink
        weights[model.expression_index("eyeSquint_" + side)] = squint
    return weights


def _fold(model: FaceModel, *, depth_cm: float, outwards: float) -> FloatArray:
    """The skin above the lid, hanging down and forwards; `outwards` > 0 more at the outer corners."""
    distance, above, aside = _around_lids(model)
    bump = np.exp(-(((distance - _FOLD_CM) / _FOLD_WIDTH_CM) ** 2)) * above
    bump *= np.clip((distance / _LID_STILL_CM), 0, 1) * np.clip(1 + outwards * aside, 0.2, 2.0)
    return bump[:, None] * np.array([0.0, -0.62, 0.7]) * depth_cm


def _bags(model: FaceModel, *, depth_cm: float) -> FloatArray:
    """Fuller skin below the lower lid."""
    distance, above, _ = _around_lids(model)
    bump = np.exp(-(((distance - _BAG_CM) / _BAG_WIDTH_CM) ** 2)) * (1 - above)
    return bump[:, None] * np.array([0.0, 0.15, 1.0]) * depth_cm


def _around_lids(model: FaceModel) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each vertex (N,): distance to the lids' edge in cm, 1 above the eye and 0 below it, and how far outside."""
    x, y, z = model.neutral_cm.T
    centre = eyeball_centres_cm(model.neutral_cm)["left"]
    above = np.clip((y - centre[1] + 0.05) / 0.25, 0, 1)
    aside = np.clip((np.abs(x) - centre[0]) / 1.3, -1, 1)
    distance = np.where(z > 5, lid_distance_cm(model), 9.0)
    return np.maximum(distance, 0.0) + 9.0 * (distance < 0), above, aside
