# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a rig that curves are made for: shape controls and bones, as plain data."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from fomm_engine.wire.names import ARKIT_INDEX

from .array_types import FloatArray
from .rig_basis import ARMATURE_FROM_HEAD, RigBasis

BoneRole: TypeAlias = Literal["neck", "head", "jaw", "eye_left", "eye_right"]
LARGEST = 1e6  # of a control's value or weight
BONE_ROLES: tuple[BoneRole, ...] = ("neck", "head", "jaw", "eye_left", "eye_right")


@dataclass(frozen=True, slots=True)
class ShapeControl:
    """One shape key (or slider): its value is the sum of weight times ARKit channel, kept within minimum..maximum."""

    name: str
    channels: tuple[tuple[str, float], ...]
    minimum: float = 0.0
    maximum: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for a channel that is none of ARKit's or for empty limits."""
        unknown = [channel for channel, _ in self.channels if channel not in ARKIT_INDEX]
        if unknown:
            raise ValueError(f"The shape {self.name!r} is mapped to {', '.join(unknown)}, which ARKit does not have.")
        if not -LARGEST <= self.minimum <= self.maximum <= LARGEST:
            raise ValueError(f"The shape {self.name!r} has the limits {self.minimum} to {self.maximum}.")
        if not all(abs(weight) <= LARGEST for _, weight in self.channels):  # not a number compares false
            raise ValueError(f"The shape {self.name!r} has weights that are no numbers.")


@dataclass(frozen=True, slots=True, eq=False)
class BoneControl:
    """One bone.

    rest_matrix (3, 3): rotation from the bone to the armature at rest. parent: the nearest ancestor that is itself
    one of the rig's BoneControls, or None. inherits_rotation: false where the bone does not turn with its parents.
    share: this bone's part of the neck where several bones have the role "neck" (equal parts by default).
    """

    name: str
    role: BoneRole
    rest_matrix: FloatArray
    parent: str | None = None
    inherits_rotation: bool = True
    share: float = 1.0

    def __post_init__(self) -> None:
        """Make the matrix a pure rotation (rest matrices may carry scale); raises ValueError when it has none."""
        matrix = np.asarray(self.rest_matrix, np.float64)
        if matrix.shape != (3, 3) or not bool(np.isfinite(matrix).all()) or abs(np.linalg.det(matrix)) < 1e-12:
            raise ValueError(f"The rest matrix of the bone {self.name!r} is no rotation.")
        left, _, right = np.linalg.svd(matrix)
        flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
        object.__setattr__(self, "rest_matrix", left @ flip @ right)


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """A character's controls. armature_from_head (3, 3): the armature's axes from the head frame, for a character that
    does not look along -Y. basis: what was measured of the face's controls; where it is there, the face is solved in
    it and `shapes` (the controls known by their names) are not used."""

    shapes: tuple[ShapeControl, ...] = ()
    bones: tuple[BoneControl, ...] = ()
    armature_from_head: FloatArray = field(default_factory=ARMATURE_FROM_HEAD.copy)
    basis: RigBasis | None = None

    def with_role(self, role: BoneRole) -> tuple[BoneControl, ...]:
        """Give the bones of a role, in the order of the rig."""
        return tuple(bone for bone in self.bones if bone.role == role)

    def is_empty(self) -> bool:
        """Tell whether there is nothing to drive."""
        measured = self.basis is not None and len(self.basis.controls) > 0
        return not self.shapes and not self.bones and not measured
