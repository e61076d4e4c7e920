# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept in the .blend, one module for each thing it is about; CLASSES in the order they must be registered."""

from .character import (
    UnderstudyBone,
    UnderstudyBoneChoice,
    UnderstudyCharacter,
    UnderstudyControl,
    UnderstudyMap,
    UnderstudyMatch,
    UnderstudyMesh,
    UnderstudyTarget,
)
from .retarget import DEFAULTS, REGIONS, UnderstudyChannel, UnderstudyRegion, UnderstudyRetarget, ensure_entries
from .scene import (
    UnderstudyBake,
    UnderstudyPerformance,
    UnderstudyPortrait,
    UnderstudyRender,
    UnderstudyScene,
    UnderstudySplice,
    chosen_take,
    of,
)
from .takes import UnderstudyCalibration, UnderstudyTake

# What is pointed to comes first.
CLASSES: tuple[type, ...] = (
    UnderstudyRegion,
    UnderstudyChannel,
    UnderstudyRetarget,
    UnderstudyTake,
    UnderstudyCalibration,
    UnderstudyMesh,
    UnderstudyBone,
    UnderstudyBoneChoice,
    UnderstudyControl,
    UnderstudyTarget,
    UnderstudyMatch,
    UnderstudyMap,
    UnderstudyCharacter,
    UnderstudyPerformance,
    UnderstudyBake,
    UnderstudySplice,
    UnderstudyRender,
    UnderstudyPortrait,
    UnderstudyScene,
)

__all__ = [
    "CLASSES",
    "DEFAULTS",
    "REGIONS",
    "UnderstudyBake",
    "UnderstudyBone",
    "UnderstudyBoneChoice",
    "UnderstudyCalibration",
    "UnderstudyChannel",
    "UnderstudyCharacter",
    "UnderstudyControl",
    "UnderstudyMap",
    "UnderstudyMatch",
    "UnderstudyMesh",
    "UnderstudyPerformance",
    "UnderstudyPortrait",
    "UnderstudyRegion",
    "UnderstudyRender",
    "UnderstudyRetarget",
    "UnderstudyScene",
    "UnderstudySplice",
    "UnderstudyTake",
    "UnderstudyTarget",
    "chosen_take",
    "ensure_entries",
    "of",
]
