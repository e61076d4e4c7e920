# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard face of the default weights, for both processes: read from its safetensors file with numpy alone."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import ARKIT_CHANNELS, LANDMARKS, POINT_COUNT
from fomm_engine.wire.strict_json import parse_json

Array = npt.NDArray[np.float64]
FILE = Path(__file__).resolve().parents[1] / "weights" / "face_prior.safetensors"
_TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


@dataclass(frozen=True, eq=False)
class StandardFace:
    """The mean face in the head frame (x the subject's left, y up, z out of the face), cm.

    neutral_cm (70, 3): the 68 landmarks and the irises at rest. expression_cm (52, 70, 3): what each ARKit channel adds
    at 1.
    """

    neutral_cm: Array
    expression_cm: Array

    @property
    def outer_eyes_cm(self) -> float:
        """The distance of the outer corners of the eyes, the unit that faces are brought to."""
        corners = self.neutral_cm[[LANDMARKS["eye_left_outer"][0], LANDMARKS["eye_right_outer"][0]]]
        return float(np.linalg.norm(corners[0] - corners[1]))


@functools.cache
def standard_face(path: Path = FILE) -> StandardFace:
    """The standard face; raises UserError("weights-missing", "weights-damaged")."""
    if not path.is_file():
        raise UserError("weights-missing", f"There is no {path.name}.", "Install the extension again.")
    try:
        arrays = _tensors(path.read_bytes())
        neutral, expression = arrays["neutral_cm"], arrays["expression_cm"]
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise UserError("weights-damaged", f"{path.name} cannot be read.", "Install the extension again.") from error
    if neutral.shape != (POINT_COUNT, 3) or expression.shape != (len(ARKIT_CHANNELS), POINT_COUNT, 3):
        raise UserError("weights-damaged", f"{path.name} is of another product.", "Install the extension again.")
    return StandardFace(neutral, expression)


def _tensors(data: bytes) -> dict[str, Array]:
    """The arrays of a safetensors file: 8 bytes of the header's length, a JSON header, then the numbers.

    The format: https://huggingface.co/docs/safetensors/index#format.
    """
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = parse_json(data[8 : 8 + length].decode())
    found: dict[str, Array] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        flat = np.frombuffer(data[8 + length + first : 8 + length + last], _TYPES[entry["dtype"]])
        found[name] = flat.reshape(entry["shape"]).astype(np.float64)
    return found
