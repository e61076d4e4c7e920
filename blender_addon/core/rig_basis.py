# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured of a rig: its controls, the neutral face's landmark points, and what each control does to them."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np

from fomm_engine.wire.names import KEYPOINTS, LANDMARKS, POINT_COUNT

from .array_types import FloatArray
from .regions import REGIONS, Region

# Blender's character looks along -Y with +Z up and its left at +X; the head frame is x left, y up, z out of the face.
ARMATURE_FROM_HEAD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
ControlKind: TypeAlias = Literal["shape", "property", "bone"]
BASIS_VERSION = 1
COMPONENTS = tuple(f"{channel}{axis}" for channel in ("location", "rotation", "scale") for axis in range(3))
LARGEST_VALUE = 1e6  # of a control, and of what one unit of it does
_DECIMALS = 6  # of a cm, an angle or a share: far below what a landmark means
_ARRAYS = ("neutral_cm", "displacement_cm", "confidence", "armature_from_head", "origin")
_KEYPOINT_ARRAYS = ("keypoint_value", "keypoint_jacobian")


@dataclass(frozen=True, slots=True)
class MeasuredControl:
    """One number of the rig that the solver may set.

    name: unique in the basis. kind and target: "shape" with the shape key's name (all meshes' keys of that name move
    together), "property" with the property's data path, "bone" with the pose bone's name. component: "" for shapes
    and properties; for bones "location", "rotation" or "scale" with the axis's number ("rotation0"): rotations in
    radians about the bone's own axis, in pose space. rest: the value at which the face is neutral; minimum and maximum
    in the same unit. pair: the control that does the same on the other side, if there is one.
    """

    name: str
    kind: ControlKind
    target: str
    component: str = ""
    rest: float = 0.0
    minimum: float = 0.0
    maximum: float = 1.0
    region: Region = "mouth"
    pair: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError, in one sentence, for a control that cannot be."""
        if self.kind not in get_args(ControlKind):
            raise ValueError(f"The control {self.name!r} is a {self.kind!r}; expected shape, property or bone.")
        if not self.name or not self.target:
            raise ValueError("A measured control needs a name and a target.")
        fits = self.component in COMPONENTS if self.kind == "bone" else self.component == ""
        if not fits:
            raise ValueError(f"The control {self.name!r} ({self.kind}) cannot have the component {self.component!r}.")
        if self.region not in REGIONS:
            raise ValueError(f"The control {self.name!r} has the region {self.region!r}, which is none.")
        if not all(abs(value) <= LARGEST_VALUE for value in (self.rest, self.minimum, self.maximum)):
            raise ValueError(f"The control {self.name!r} has limits that are not finite, or far too large.")
        if not self.minimum <= self.rest <= self.maximum:
            limits = f"{self.minimum} to {self.maximum}"
            raise ValueError(f"The control {self.name!r} rests at {self.rest}, outside its limits {limits}.")

    @property
    def axis(self) -> int:
        """The axis's number of a bone's component; raises ValueError for shapes and properties."""
        if self.kind != "bone":
            raise ValueError(f"The control {self.name!r} is a {self.kind}; it has no axis.")
        return int(self.component[-1])

    @property
    def channel(self) -> str:
        """What of a bone the control sets: "location", "rotation" or "scale"; "" for shapes and properties."""
        return self.component[:-1]


@dataclass(frozen=True, slots=True, eq=False)
class RigBasis:
    """C measured controls and what one unit of each does, from the control's rest.

    neutral_cm (70, 3): the character's 68 landmark points and irises (subject's right, left) at rest, in the HEAD frame
    (x subject's left, y up, z out of the face), scaled so that the outer-eye distance is the standard face's.
    displacement_cm (C, 70, 3): per unit of each control, same frame and scale. confidence (70,): 0..1, how surely
    each point sits where it should on the mesh. keypoint_value (C, 10, 2), keypoint_jacobian (C, 10, 2, 2): per unit,
    in [-1, 1] of the measuring picture's square (y down), or None where no pictures were made (kept for the report; the
    default weights' keypoints are linear in the landmarks and add nothing to them). scale_cm_per_unit: cm of
    the standard face per unit of the armature. armature_from_head (3, 3): a rotation (with a mirror
    for a character scaled by -1); origin (3,): the head frame's
    origin in the armature. signature: of the meshes and the rig it was measured on. notes: what the measuring says.
    """

    controls: tuple[MeasuredControl, ...]
    neutral_cm: FloatArray
    displacement_cm: FloatArray
    confidence: FloatArray = field(default_factory=lambda: np.ones(POINT_COUNT))
    keypoint_value: FloatArray | None = None
    keypoint_jacobian: FloatArray | None = None
    scale_cm_per_unit: float = 1.0
    armature_from_head: FloatArray = field(default_factory=ARMATURE_FROM_HEAD.copy)
    origin: FloatArray = field(default_factory=lambda: np.zeros(3))
    signature: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check everything and turn the arrays into float64; raises ValueError, in one sentence, naming what is
        wrong."""
        count, keypoints = len(self.controls), len(KEYPOINTS)
        shapes: dict[str, tuple[int, ...]] = {
            "neutral_cm": (POINT_COUNT, 3),
            "displacement_cm": (count, POINT_COUNT, 3),
            "confidence": (POINT_COUNT,),
            "armature_from_head": (3, 3),
            "origin": (3,),
            "keypoint_value": (count, keypoints, 2),
            "keypoint_jacobian": (count, keypoints, 2, 2),
        }
        for name, shape in shapes.items():
            if name in _KEYPOINT_ARRAYS and getattr(self, name) is None:
                continue
            object.__setattr__(self, name, _checked(name, getattr(self, name), shape))
        if (self.keypoint_value is None) != (self.keypoint_jacobian is None):
            raise ValueError("A rig's basis has keypoint values and Jacobians, or neither.")
        self._check_meaning()

    def _check_meaning(self) -> None:
        """Raise ValueError for names that are not unique, pairs that do not exist, or a frame or face that is none."""
        names = [control.name for control in self.controls]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"The rig's basis has more than one control named {', '.join(twice)}.")
        unknown = [control.name for control in self.controls if control.pair is not None and control.pair not in names]
        if unknown:
            raise ValueError(f"The pair of {', '.join(unknown)} is no control of the rig's basis.")
        if not bool((self.confidence >= 0.0).all() and (self.confidence <= 1.0).all()):
            raise ValueError("The confidences of a rig's landmark points must lie between 0 and 1.")
        frame = self.armature_from_head
        if not np.allclose(frame @ frame.T, np.eye(3), atol=1e-4):
            raise ValueError("armature_from_head must be a rotation, or one with a mirror.")
        if not self.scale_cm_per_unit > 0.0:
            raise ValueError(f"scale_cm_per_unit must be above zero; it is {self.scale_cm_per_unit}.")
        right, left = LANDMARKS["eye_right_outer"][0], LANDMARKS["eye_left_outer"][0]
        if self.neutral_cm[left, 0] - self.neutral_cm[right, 0] < 1e-3:
            raise ValueError("The rig's landmark points are no face: the left eye must lie at larger x than the right.")

    @property
    def limits(self) -> tuple[FloatArray, FloatArray]:
        """The controls' limits about their rest: (C,) lowest <= 0 and (C,) highest >= 0, in their own units."""
        low = np.array([control.minimum - control.rest for control in self.controls])
        high = np.array([control.maximum - control.rest for control in self.controls])
        return low.reshape(-1), high.reshape(-1)

    def index(self, name: str) -> int:
        """The place of a control by name; raises KeyError."""
        for place, control in enumerate(self.controls):
            if control.name == name:
                return place
        raise KeyError(name)


def _checked(name: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    """The array as float64; raises ValueError for another shape or values that are not finite."""
    array = np.asarray(value, np.float64)
    if array.shape != shape and not (array.size == 0 and 0 in shape):
        raise ValueError(f"The rig basis's {name} has the shape {array.shape}; expected {shape}.")
    if not bool(np.isfinite(array).all()):
        raise ValueError(f"The rig basis's {name} holds values that are not finite.")
    if not bool((np.abs(array) <= LARGEST_VALUE).all()):
        raise ValueError(f"The rig basis's {name} holds values that are far too large.")
    return array.reshape(shape)


def basis_to_plain(basis: RigBasis) -> dict[str, Any]:
    """The basis as dicts, lists, numbers and strings that JSON can hold (no NaN)."""
    plain: dict[str, Any] = {"format": "rig-basis", "version": BASIS_VERSION}
    plain["controls"] = [
        {name: getattr(control, name) for name in MeasuredControl.__dataclass_fields__} for control in basis.controls
    ]
    for name in (*_ARRAYS, *_KEYPOINT_ARRAYS):
        value: FloatArray | None = getattr(basis, name)
        plain[name] = None if value is None else value.round(_DECIMALS).tolist()
    plain["scale_cm_per_unit"] = float(basis.scale_cm_per_unit)
    plain["signature"], plain["notes"] = basis.signature, list(basis.notes)
    return plain


def basis_from_plain(plain: Any) -> RigBasis:
    """The basis that `basis_to_plain` wrote; raises ValueError, in one sentence, for anything else."""
    given = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
    if given.get("format") != "rig-basis":
        raise ValueError("This is not the measured basis of a rig.")
    if given.get("version") != BASIS_VERSION:
        found = f"{given.get('version')!r:.20}"
        raise ValueError(f"The rig's measure has version {found}, not {BASIS_VERSION}. Measure the rig again.")
    try:
        controls = tuple(MeasuredControl(**entry) for entry in given["controls"])
        arrays = {name: given[name] for name in (*_ARRAYS, *_KEYPOINT_ARRAYS)}
        return RigBasis(
            controls=controls,
            **arrays,
            scale_cm_per_unit=float(given["scale_cm_per_unit"]),
            signature=str(given["signature"]),
            notes=tuple(str(note) for note in given["notes"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"The rig's basis is incomplete or broken ({error}).") from error
