# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone is the head, the neck, the jaw, an eye: by its name's words and its place in the hierarchy. No bpy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.array_types import FloatArray
from ...core.rig import BONE_ROLES, BoneRole

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WORD_OF_ROLE = {"head": {"head"}, "neck": {"neck"}, "jaw": {"jaw", "jawbone", "lowerjaw"}, "eye": {"eye", "eyeball"}}
# A name with one of these words is a part, a helper or an aim of the thing, not the thing.
_NOT_THE_THING = {
    "brow", "lid", "eyelid", "eyebrow", "lash", "socket", "corner", "target", "aim", "look", "end", "top", "nub", "tip",
    "twist", "tweak", "ik", "pole", "offset", "upper", "teeth", "tongue", "light", "hair", "master", "parent", "scale",
}  # fmt: skip
_INNER_LAYER = {"def", "org", "mch", "helper"}  # Rigify's and others' layers under the controls
ROLE_WORDS: dict[str, str] = {
    "neck": "Neck",
    "head": "Head",
    "jaw": "Jaw",
    "eye_left": "Left Eye",
    "eye_right": "Right Eye",
}
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}


@dataclass(frozen=True)
class BonePlace:
    """A bone of an armature: its name, its parent's, and head and tail (3,) at rest in the armature's space."""

    name: str
    parent: str | None
    head: FloatArray
    tail: FloatArray


def words_of(name: str) -> list[str]:
    """The words of a bone's name in small letters: "c_eyeBall.L" gives c, eye, ball, l."""
    return [word.lower() for word in _WORDS.findall(name)]


def roles_by_words(bones: Sequence[BonePlace]) -> dict[str, BoneRole]:
    """{bone: role} from names, checked against the hierarchy: jaw and eyes hang below the head, necks above it."""
    parents = {bone.name: bone.parent for bone in bones}
    head = _best(bones, "head", side="")
    if head is None:
        return {}
    roles: dict[str, BoneRole] = {}
    above = ancestors(head, parents)
    for name in reversed(above):
        words = words_of(name)
        if _WORD_OF_ROLE["neck"] & set(words) and not _NOT_THE_THING & set(words):
            roles[name] = "neck"
    roles[head] = "head"
    below = [bone for bone in bones if head in ancestors(bone.name, parents)]
    wanted: tuple[tuple[BoneRole, str, str], ...] = (
        ("jaw", "jaw", ""),
        ("eye_left", "eye", "left"),
        ("eye_right", "eye", "right"),
    )
    for role, kind, side in wanted:
        found = _best(below, kind, side=side)
        if found is not None:
            roles[found] = role
    return roles


def with_choice(
    roles: Mapping[str, BoneRole], chosen: Mapping[str, str], parents: Mapping[str, str | None]
) -> dict[str, BoneRole]:
    """The roles with the user's choice {role: bone} in place of what was recognised; bones that are gone count as
    none. The role "neck" chosen means that one bone alone."""
    wanted: dict[BoneRole, str] = {role: chosen[role] for role in BONE_ROLES if chosen.get(role) in parents}
    kept: dict[str, BoneRole] = {
        bone: role for bone, role in roles.items() if role not in wanted and bone not in wanted.values()
    }
    kept.update((bone, role) for role, bone in wanted.items())
    return kept


def in_order(roles: Mapping[str, BoneRole], parents: Mapping[str, str | None]) -> dict[str, BoneRole]:
    """The roles that fit the hierarchy, parents before children; a neck that does not carry the head is left out."""
    heads = [name for name, role in roles.items() if role == "head"]
    carrying = set(ancestors(heads[0], parents)) if heads else set()
    fitting: dict[str, BoneRole] = {name: role for name, role in roles.items() if role != "neck" or name in carrying}
    return dict(sorted(fitting.items(), key=lambda entry: len(ancestors(entry[0], parents))))


def ancestors(name: str, parents: Mapping[str, str | None]) -> list[str]:
    """The bones above one, nearest first."""
    found: list[str] = []
    parent = parents.get(name)
    while parent is not None:
        found.append(parent)
        parent = parents.get(parent)
    return found


def armature_from_head(roles: Mapping[str, BoneRole], bones: Mapping[str, BonePlace]) -> FloatArray:
    """(3, 3): the armature's axes from the head frame (x the subject's left, y up, z out of the face).

    Up is the armature axis nearest to the way from the lowest driven bone to the head's tip; left is the one nearest to
    the way between the eyes, or X where there are none. Blender's own characters (Z up, face to -Y) and those that came
    with Y up, face to +Z, are both met.
    """
    up = _nearest_axis(_upward(roles, bones), np.array([0.0, 0.0, 1.0]))
    left = np.array([1.0, 0.0, 0.0])
    eyes = {role: name for name, role in roles.items() if role in ("eye_left", "eye_right")}
    if len(eyes) == 2:
        between = bones[eyes["eye_left"]].head - bones[eyes["eye_right"]].head
        left = _nearest_axis(between - up * float(between @ up), left)
    if abs(float(left @ up)) > 0.5:
        left = np.array([0.0, 1.0, 0.0])
    return np.stack([left, up, np.cross(left, up)], axis=1)


def _upward(roles: Mapping[str, BoneRole], bones: Mapping[str, BonePlace]) -> FloatArray:
    names = [name for role in ("neck", "head") for name, own in roles.items() if own == role]
    if not names:
        return np.zeros(3)
    return bones[names[-1]].tail - bones[names[0]].head


def _nearest_axis(direction: FloatArray, otherwise: FloatArray) -> FloatArray:
    if float(np.abs(direction).max(initial=0.0)) < 1e-6:
        return otherwise
    place = int(np.abs(direction).argmax())
    axis = np.zeros(3)
    axis[place] = np.sign(direction[place])
    return axis


def _best(bones: Sequence[BonePlace], kind: str, *, side: str) -> str | None:
    """The plainest name of a kind: no helper layer, then the fewest words."""
    fitting: list[tuple[int, int, str]] = []
    for bone in bones:
        words = words_of(bone.name)
        sides = {_SIDES[word] for word in words if word in _SIDES}
        named = _WORD_OF_ROLE[kind] & set(words) and not _NOT_THE_THING & set(words)
        if named and sides == ({side} if side else set()):
            fitting.append((len(_INNER_LAYER & set(words)), len(words), bone.name))
    return min(fitting)[2] if fitting else None
