# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept in the .blend, one module for each thing it is about; CLASSES in the order they must be registered."""

from .bake import UnderstudyBake, UnderstudySplice
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
from .performance import UnderstudyPerformance
from .performers import UnderstudyPerformer, UnderstudyStood
from .portrait import UnderstudyPortrait
from .render import UnderstudyRender
from .retarget import DEFAULTS, REGIONS, UnderstudyChannel, UnderstudyRegion, UnderstudyRetarget, ensure_entries
from .scene import (
    NO_TAKE,
    UnderstudyScene,
    acting,
    chosen_take,
    ensure,
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
    UnderstudyBake,
    UnderstudySplice,
    UnderstudyStood,
    UnderstudyPerformer,
    UnderstudyPerformance,
    UnderstudyRender,
    UnderstudyPortrait,
    UnderstudyScene,
)

__all__ = [
    "CLASSES",
    "DEFAULTS",
    "NO_TAKE",
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
    "UnderstudyPerformer",
    "UnderstudyPortrait",
    "UnderstudyRegion",
    "UnderstudyRender",
    "UnderstudyRetarget",
    "UnderstudyScene",
    "UnderstudySplice",
    "UnderstudyStood",
    "UnderstudyTake",
    "UnderstudyTarget",
    "acting",
    "chosen_take",
    "ensure",
    "ensure_entries",
    "of",
]
