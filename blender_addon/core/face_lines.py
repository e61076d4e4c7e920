# SPDX-License-Identifier: GPL-3.0-or-later
"""Between which of the 68 landmarks lines are drawn, so that one sees a face."""

from __future__ import annotations

import itertools

from fomm_engine.wire.names import LANDMARKS

_LOOPS = ("eye_right", "eye_left", "lips_outer", "lips_inner")
_CHAINS = ("jaw", "brow_right", "brow_left", "nose_bridge", "nose_base")


def landmark_lines() -> list[tuple[int, int]]:
    """Give the pairs of points between which lines are drawn."""
    found: list[tuple[int, int]] = []
    for name in (*_CHAINS, *_LOOPS):
        own = LANDMARKS[name]
        found += list(itertools.pairwise(own))
        if name in _LOOPS:
            found.append((own[-1], own[0]))
    return found
