# SPDX-License-Identifier: GPL-3.0-or-later
"""The small statistical face (70 points) that the capture fits to a whole take, drawn from the parametric head."""

from dataclasses import dataclass

import numpy as np

from fomm_engine.training.face_model import FaceModel, FloatArray


@dataclass(frozen=True)
class PriorSettings:
    """How much of the identity space the small face keeps."""

    modes: int = 40


def face_prior(model: FaceModel, settings: PriorSettings | None = None) -> dict[str, FloatArray]:
    """Arrays of `face_prior.safetensors`, all in cm of the head frame (origin between the ears, x left, y up, z out).

    `neutral_cm` (70, 3) is the mean face; `identity_modes_cm` (M, 70, 3) are principal components of the identities,
    scaled so that a coefficient of 1 is one standard deviation; `expression_cm` (52, 70, 3) is what each ARKit channel
    adds at 1. The model's identity weights are independent with unit variance, so the covariance of the points is
    A'A for the modes A at those points, and its square root is the singular values times the right vectors.
    """
    modes = (settings or PriorSettings()).modes
    at_points = model.identity_cm.reshape(len(model.identity_cm), -1, 3)[:, model.landmarks]
    _, sigma, axes = np.linalg.svd(at_points.reshape(len(at_points), -1), full_matrices=False)
    expression = model.expression_cm.reshape(len(model.expression_cm), -1, 3)[:, model.landmarks]
    return {
        "neutral_cm": model.neutral_cm[model.landmarks],
        "identity_modes_cm": (sigma[:, None] * axes)[:modes].reshape(-1, len(model.landmarks), 3).astype(np.float32),
        "expression_cm": np.einsum("ce,epk->cpk", model.arkit_from_own > 0, expression).astype(np.float32),
    }
