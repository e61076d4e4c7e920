# SPDX-License-Identifier: GPL-3.0-or-later
"""The top Viola wears: the body's own rows below a neckline, lifted off the skin, with a rolled edge."""

from __future__ import annotations

import numpy as np

from rigs.characters.viola import palette
from rigs.characters.viola.head_form import head_distance
from rigs.characters.viola.head_grid import HeadGrid
from rigs.characters.viola.proportions import FloatArray
from rigs.characters.viola.sdf import gradient
from rigs.characters.viola.solids import Solid, grid_faces, solid

_NECKLINE_ROW = -15


def top(grid: HeadGrid, head: FloatArray) -> Solid:
    """The garment in cm: from inside the neckline over a round edge and down to the rim of the chest."""
    rows = grid.cells[_NECKLINE_ROW:]
    skin = head[rows]
    outward = gradient(head_distance, skin.reshape(-1, 3)).reshape(skin.shape)
    lift = np.full(len(rows), 0.42)
    lift[:1] = 0.46
    shell = skin + lift[:, None, None] * outward
    edge = [skin[1] - 0.1 * outward[1], 0.5 * skin[0] + 0.5 * skin[1] + 0.1 * outward[0], skin[0] + 0.22 * outward[0]]
    points = np.concatenate([np.stack(edge), shell]).reshape(-1, 3)
    return solid(points, grid_faces(len(rows) + 3, rows.shape[1], wrap=True), "cloth", palette.CLOTH)
