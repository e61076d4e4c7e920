# SPDX-License-Identifier: GPL-3.0-or-later
"""The array types of the retargeting: short names for numpy arrays of one kind of element."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]
