# SPDX-License-Identifier: GPL-3.0-or-later
"""The parametric head (ICT FaceKit) that every synthetic face is made of."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fomm_engine.training.contact import Contacts, find_contacts
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import ARKIT_CHANNELS

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int32]

# Face ranges of the light FaceKit mesh: the skin (front and back of the head), then the mouth and eye sockets.
_SKIN_FACES = range(11144)
_MOUTH_FACES = range(11144, 13226)
_SOCKET_FACES = range(13226, 14034)
_MATERIAL_PARTS = {"gums": 2, "teeth": 3, "eye_left": 4, "eye_right": 6, "lashes": 11}
_EYEBALL_VERTICES = {"right": range(23021, 23791), "left": range(21451, 22221)}
# What a look at 1 turns a left eye by, in the head frame; ARKit states no angle, this is what an eye does with ease.
_EYE_TURNS = {"Out": ("y", 30.0), "In": ("y", -30.0), "Up": ("x", -25.0), "Down": ("x", 25.0)}
FACE_VERTICES = 9409  # vertices of the front of the head
SKIN_VERTICES = 14062  # vertices of the head, the mouth socket and the eye sockets
_LASH_VERTICES = range(25351, 26719)
_JAW_DROP_CM = 0.3  # what goes down by more in a whole jawOpen belongs to the lower jaw


@dataclass(frozen=True)
class FaceModel:
    """A linear head in cm: x to the subject's left, y up, z out of the face (the head frame of the whole engine).

    `identity` and `expression` are flattened (modes, vertices * 3). `landmarks` indexes the 68 iBUG points and then the
    two pupils (subject's right, left). `arkit_from_own` (52, expressions) maps the model's own weights to ARKit's.
    """

    neutral_cm: FloatArray
    identity_cm: FloatArray
    expression_cm: FloatArray
    expression_names: tuple[str, ...]
    landmarks: IntArray
    parts: dict[str, IntArray]
    arkit_from_own: FloatArray

    @property
    def triangles(self) -> IntArray:
        """All triangles (T, 3) that take part in the normals."""
        return np.concatenate(list(self.parts.values()))

    def shape_cm(self, identity_weights: FloatArray) -> FloatArray:
        """Vertices (N, 3) in cm of one identity (weights in standard deviations) with a neutral expression."""
        return self.neutral_cm + (identity_weights @ self.identity_cm).reshape(-1, 3)

    def expression_offset_cm(self, weights: FloatArray) -> FloatArray:
        """What an expression (own weights, E) adds to the vertices, (N, 3) in cm."""
        used = np.flatnonzero(weights)
        if used.size == 0:
            return np.zeros_like(self.neutral_cm)
        return (weights[used] @ self.expression_cm[used]).reshape(-1, 3)

    @cached_property
    def contacts(self) -> Contacts:
        """Where lips and lids of this head meet."""
        movable = np.zeros(len(self.neutral_cm), bool)
        movable[:SKIN_VERTICES] = True
        movable[list(_LASH_VERTICES)] = True
        jaw = self.expression_cm[self.expression_index("jawOpen")].reshape(-1, 3)[:, 1]
        blinks = {side: self.expression_index("eyeBlink_" + side[0].upper()) for side in ("right", "left")}
        return find_contacts(self.neutral_cm, jaw, self.landmarks, skin=movable, blinks=blinks)

    @cached_property
    def jaws(self) -> dict[str, IntArray]:
        """Vertices of teeth and gums: the "upper" ones stand still when the jaw opens, the "lower" ones go along."""
        vertices = np.unique(np.concatenate([self.parts["teeth"], self.parts["gums"]]))
        drop_cm = -self.expression_cm[self.expression_index("jawOpen")].reshape(-1, 3)[vertices, 1]
        lower = drop_cm > _JAW_DROP_CM
        return {"upper": vertices[~lower], "lower": vertices[lower]}

    def posed_cm(self, identity_shape_cm: FloatArray, weights: FloatArray) -> FloatArray:
        """Vertices (N, 3) of an identity with an expression, lips and lids meeting where they would cross."""
        return self.contacts.settle(identity_shape_cm + self.expression_offset_cm(weights), weights)

    def expression_index(self, name: str) -> int:
        """Index of one of the model's own expressions, such as `eyeBlink_L`."""
        return self.expression_names.index(name)

    def own_from_arkit(self, arkit: FloatArray) -> FloatArray:
        """The model's own weights (..., E) for ARKit weights (..., 52); a joint channel drives both of its halves."""
        return (arkit @ (self.arkit_from_own > 0)).astype(np.float32)


def load_face_model(path: Path) -> FaceModel:
    """The model read from `ict_facekit.npz` (ICT-VGL/ICT-FaceKit, MIT licence).

    Raises UserError("face-model-missing") where there is no such file.
    """
    if not path.is_file():
        raise UserError("face-model-missing", f"There is no face model at {path}.", "Give its path with --face-model.")
    with np.load(path, allow_pickle=False) as data:
        neutral = data["neutral"].astype(np.float32)
        names = tuple(str(name) for name in data["expression_names"])
        return FaceModel(
            neutral_cm=neutral,
            identity_cm=data["identity"].astype(np.float32).reshape(len(data["identity"]), -1),
            expression_cm=_with_eye_turns(data["expression"].astype(np.float32), names, neutral),
            expression_names=names,
            landmarks=np.concatenate([data["landmarks68"], _pupil_vertices(neutral)]).astype(np.int32),
            parts=_parts(data["faces"], data["face_material"]),
            arkit_from_own=_arkit_from_own(names),
        )


def eyeball_centres_cm(neutral_cm: FloatArray) -> dict[str, FloatArray]:
    """Centre (3,) of each eyeball ("right", "left": the subject's) of the neutral mean face."""
    spans = {side: neutral_cm[list(ids)] for side, ids in _EYEBALL_VERTICES.items()}
    return {side: (points.min(0) + points.max(0)) / 2 for side, points in spans.items()}


def eyeball_vertices(side: str) -> IntArray:
    """Vertex indices of the eyeball of one side ("right" or "left": the subject's)."""
    return np.array(_EYEBALL_VERTICES[side], np.int32)


def _pupil_vertices(neutral_cm: FloatArray) -> list[int]:
    """The foremost vertex on the axis of each eyeball, subject's right first."""
    found = []
    for ids in _EYEBALL_VERTICES.values():
        points = neutral_cm[list(ids)]
        off_axis = np.hypot(*(points[:, :2] - points[:, :2].mean(0)).T)
        found.append(ids[0] + int(np.argmax(points[:, 2] - 2 * off_axis)))
    return found


def _with_eye_turns(expression_cm: FloatArray, names: tuple[str, ...], neutral_cm: FloatArray) -> FloatArray:
    """(E, N * 3): the expressions, those that look somewhere now turning the eyeball too (the model's move lids only).

    Linear in the weight, like every other expression: half a weight lies on the chord, 3 % inside the eyeball.
    """
    centres = eyeball_centres_cm(neutral_cm)
    turned = expression_cm.copy()
    for side, letter in (("left", "L"), ("right", "R")):
        vertices = eyeball_vertices(side)
        from_centre = neutral_cm[vertices] - centres[side]
        for look, (axis, angle_deg) in _EYE_TURNS.items():
            mirrored = -1.0 if side == "right" and axis == "y" else 1.0
            rotation = Rotation.from_euler(axis, angle_deg * mirrored, degrees=True)
            turned[names.index(f"eyeLook{look}_{letter}"), vertices] += rotation.apply(from_centre) - from_centre
    return turned.reshape(len(names), -1)


def _parts(faces: IntArray, material: NDArray[np.int16]) -> dict[str, IntArray]:
    parts = {"skin": list(_SKIN_FACES), "mouth": list(_MOUTH_FACES), "sockets": list(_SOCKET_FACES)}
    triangles = {name: _triangles(faces[ids]) for name, ids in parts.items()}
    for name, number in _MATERIAL_PARTS.items():
        triangles[name] = _triangles(faces[material == number])
    return triangles


def _triangles(quads: IntArray) -> IntArray:
    """Triangles of quads; a quad whose fourth index is negative is a triangle already."""
    second = quads[quads[:, 3] >= 0][:, [0, 2, 3]]
    return np.concatenate([quads[:, :3], second]).astype(np.int32)


def _arkit_from_own(names: tuple[str, ...]) -> FloatArray:
    """(52, E): rows take an own weight, or the mean of both halves where ARKit has one channel for the two sides."""
    matrix = np.zeros((len(ARKIT_CHANNELS), len(names)), np.float32)
    for row, channel in enumerate(ARKIT_CHANNELS):
        sided = channel.replace("Left", "_L").replace("Right", "_R")
        halves = [name for name in names if name in (channel, sided, channel + "_L", channel + "_R")]
        for name in halves:
            matrix[row, names.index(name)] = 1.0 / len(halves)
    return matrix
