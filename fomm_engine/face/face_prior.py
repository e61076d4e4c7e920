# SPDX-License-Identifier: GPL-3.0-or-later
"""The small statistical face that a take is solved with: 68 landmarks and 2 irises, identity and expression modes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FacePrior:
    """A linear face of 70 points in the head frame, cm.

    neutral_cm: (70, 3) the mean face at rest. identity_modes_cm: (M, 70, 3), each one standard deviation of faces.
    expression_cm: (52, 70, 3), what each ARKit channel at 1 adds.
    """

    neutral_cm: Array
    identity_modes_cm: Array
    expression_cm: Array

    def points_cm(self, identity: Array, expression: Array) -> Array:
        """(..., 70, 3) the points of a face; identity (..., M) in standard deviations, expression (..., 52) in 0..1."""
        shape = self.neutral_cm + np.tensordot(identity, self.identity_modes_cm, 1)
        return shape + np.tensordot(expression, self.expression_cm, 1)
