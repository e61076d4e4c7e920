# SPDX-License-Identifier: GPL-3.0-or-later
"""From landmarks in space to places on the mesh: lids and lips at their very edges, irises on the eyeballs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS, MIRRORED_POINTS, POINT_COUNT

from ...core.array_types import BoolArray, FloatArray, IntArray
from . import islands
from .anchors import Anchors, anchors_at
from .surface import Hit, Part, Surface
from .views import Frame, mirror, mirrored_mean

_SEEDS = (*range(27, 36), 48, 54, 51, 57)  # nose and lips: what they lie on is the skin
_EYES = {"eye_right": IRIS_RIGHT, "eye_left": IRIS_LEFT}
_PARTNERS = list(MIRRORED_POINTS)
_STEPS = 64  # of a search along a line across a lid or the lips
_BEYOND = 1.9  # how far past the expected lid the search goes
_FAR = 0.10  # of the outer eye distance: an edge farther from where the engine saw it is not believed
_SYMMETRIC = 0.012  # of the outer eye distance: how well a symmetric head lies on its mirror image
_SURE = 0.035  # of the outer eye distance: errors that halve the confidence


@dataclass(frozen=True)
class _Scene:
    """The surface from the front: all of it, the skin alone, and the way the face looks (3,)."""

    surface: Surface
    whole: Part
    skin: Part
    forward: FloatArray
    up: FloatArray
    unit: float

    def skin_from_front(self, point: FloatArray) -> Hit | None:
        """Where the skin is met from the front at a point; None where the front of it lies far before or behind."""
        hit = self.skin.cast(point + 4.0 * self.unit * self.forward, -self.forward)
        if hit is not None and abs(float((hit.place - point) @ self.forward)) < 0.35 * self.unit:
            return hit
        return None

    def front(self, point: FloatArray) -> Hit | None:
        """What is met first from the front at a point."""
        return self.whole.cast(point + 4.0 * self.unit * self.forward, -self.forward)


def cast_points(surface: Surface, points: FloatArray, error: FloatArray, frame: Frame) -> Anchors:
    """The anchors of landmarks (70, 3, world) that err by about `error` (70,), on a head that looks as `frame` says.

    Raises UserError("landmarks-off") where they do not lie on the mesh.
    """
    unit = float(np.linalg.norm(points[45] - points[36]))
    scene = _scene(surface, points, frame, unit)
    points, symmetric = _evened(points, error, scene)
    hits: list[Hit | None] = [None] * POINT_COUNT
    for index in range(len(LANDMARKS["jaw"])):
        hits[index] = scene.skin.nearest(points[index])
    for index in (*range(17, 36), *LANDMARKS["lips_outer"]):
        hits[index] = scene.skin_from_front(points[index]) or scene.skin.nearest(points[index])
    for name, iris in _EYES.items():
        _eye(scene, points, name, iris, hits)
    _lips(scene, points, hits)
    return _anchored(scene, points, error, hits, symmetric=symmetric)


def _scene(surface: Surface, points: FloatArray, frame: Frame, unit: float) -> _Scene:
    forward, up = frame.rotation[:, 2], frame.rotation[:, 1]
    whole = surface.only(np.ones(len(surface.triangles), np.bool_))
    names: list[int] = []
    for index in _SEEDS:
        hit = whole.nearest(points[index])
        if hit is not None and hit.distance < 0.5 * unit:
            names.append(int(surface.island[hit.triangle]))
    if not names:
        message = "The landmarks that the engine sees do not lie on the character's meshes."
        raise UserError("landmarks-off", message, "Look whether something hides the face, and find them again.")
    skin = max(set(names), key=names.count)
    return _Scene(surface, whole, surface.only(surface.island == skin), forward, up, unit)


def _evened(points: FloatArray, error: FloatArray, scene: _Scene) -> tuple[FloatArray, bool]:
    """The points made the same on both sides, where the head itself is; and whether it is."""
    weights = 1.0 / np.maximum(error, 0.01 * scene.unit) ** 2
    even, plane = mirrored_mean(points, _PARTNERS, weights)
    vertices = np.unique(scene.surface.triangles[scene.skin.numbers])
    around = np.linalg.norm(scene.surface.points[vertices] - points[30], axis=1) < 1.2 * scene.unit
    some = vertices[around][:: max(1, int(around.sum()) // 200)]
    hits = [scene.skin.nearest(point) for point in mirror(scene.surface.points[some], plane)]
    off = float(np.median([hit.distance for hit in hits if hit is not None])) if len(some) else np.inf
    return (even, True) if off < _SYMMETRIC * scene.unit else (points, False)


def _eye(scene: _Scene, points: FloatArray, name: str, iris: int, hits: list[Hit | None]) -> None:
    """Fill in an eye: its iris on the eyeball, its lids where the skin begins around it."""
    own = list(LANDMARKS[name])
    middle = points[own].mean(axis=0)
    seen = scene.front(points[iris]) or scene.front(middle)
    hits[iris] = seen or scene.whole.nearest(points[iris])
    skin = int(scene.surface.island[scene.skin.numbers[0]])
    open_eye = seen is not None and int(scene.surface.island[seen.triangle]) != skin
    for index in own:
        edge = _lid_edge(scene, points[iris] * 0.5 + middle * 0.5, points[index]) if open_eye else None
        hits[index] = edge or scene.skin_from_front(points[index]) or scene.skin.nearest(points[index])


def _lid_edge(scene: _Scene, middle: FloatArray, lid: FloatArray) -> Hit | None:
    """Where the visible skin begins on the way from the eye's middle over a lid's point; None where that is far off.

    Lashes and other things before the eye are looked through: only the skin against what lies behind it counts.
    """
    found: Hit | None = None
    for share in np.linspace(0.0, _BEYOND, _STEPS):
        place = middle + share * (lid - middle)
        skin = scene.skin_from_front(place)
        if skin is None or float((skin.place - place) @ scene.forward) < -0.12 * scene.unit:
            found = None  # through the opening, onto the socket
            continue
        if not _is_before_the_eye(scene, place, skin):
            found = None
            continue
        found = found or skin
        if share >= 1.0:
            break
    near = found is not None and _across(scene, found.place - lid) < _FAR * scene.unit * 1.5
    return found if near else None


def _is_before_the_eye(scene: _Scene, place: FloatArray, skin: Hit) -> bool:
    """Whether the skin lies before anything large that is not skin: an eyeball, not a lash."""
    origin = place + 4.0 * scene.unit * scene.forward
    travelled = 0.0
    for _ in range(6):
        hit = scene.whole.cast(origin + travelled * -scene.forward, -scene.forward)
        if hit is None:
            return True
        travelled += hit.distance + 1e-5 * scene.unit
        if travelled >= skin.distance - 1e-4 * scene.unit:
            return True
        if _is_bulky(scene, int(scene.surface.island[hit.triangle])):
            return False
    return True


def _is_bulky(scene: _Scene, island: int) -> bool:
    """Whether an island is as thick as an eyeball."""
    own = scene.surface.points[np.unique(scene.surface.triangles[scene.surface.island == island])]
    spread = np.linalg.svd(own - own.mean(axis=0), compute_uv=False) / np.sqrt(len(own))
    return bool(spread[2] > 0.25 * spread[0] and spread[0] > 0.03 * scene.unit)


def _lips(scene: _Scene, points: FloatArray, hits: list[Hit | None]) -> None:
    """Fill in the inner lips: on the upper and on the lower side of the line at which they meet."""
    side = _lip_sides(scene, hits)
    height = float(np.linalg.norm(points[51] - points[57]))
    for upper, lower in zip(LANDMARKS["lip_inner_upper"], LANDMARKS["lip_inner_lower"], strict=True):
        column = (points[upper] + points[lower]) / 2
        above, below = _seam(scene, column, height, side)
        hits[upper] = above or scene.skin_from_front(points[upper]) or scene.skin.nearest(points[upper])
        hits[lower] = below or scene.skin_from_front(points[lower]) or scene.skin.nearest(points[lower])
    for corner in (60, 64):
        hits[corner] = scene.skin_from_front(points[corner]) or scene.skin.nearest(points[corner])


def _seam(scene: _Scene, column: FloatArray, height: float, side: BoolArray) -> tuple[Hit | None, Hit | None]:
    """(last place of the upper lip, first of the lower) down a line over the mouth, as seen from the front."""
    hits: list[Hit] = []
    for share in np.linspace(0.6, -0.6, _STEPS):
        place = column + share * height * scene.up
        hit = scene.skin_from_front(place)
        seen = scene.front(place)
        if hit is not None and seen is not None and seen.distance > hit.distance - 0.02 * scene.unit:
            hits.append(hit)
    upper = [bool(side[scene.surface.triangles[hit.triangle]].sum() >= 2) for hit in hits]
    if True not in upper or False not in upper:
        return None, None
    first_lower = next(n for n in range(len(upper)) if not any(upper[n:])) if not upper[-1] else None
    if first_lower is None or first_lower == 0:
        return None, None
    return hits[first_lower - 1], hits[first_lower]


def _lip_sides(scene: _Scene, hits: list[Hit | None]) -> BoolArray:
    """(V,) whether a vertex is nearer, along the skin, to the upper lip's outer points than to the lower's."""
    surface = scene.surface
    upper, lower = (_corners(scene, hits, own) for own in ((50, 51, 52), (56, 57, 58)))
    used = surface.triangles[scene.skin.numbers]
    middle = surface.points[np.concatenate([upper, lower])].mean(axis=0)
    near = np.linalg.norm(surface.points[used].mean(axis=1) - middle, axis=1) < 0.7 * scene.unit
    away = [
        islands.surface_distance(surface.points, used[near], seeds, reach=1.5 * scene.unit) for seeds in (upper, lower)
    ]
    return away[0] < away[1]


def _corners(scene: _Scene, hits: list[Hit | None], own: tuple[int, ...]) -> IntArray:
    found = [hit.triangle for hit in (hits[index] for index in own) if hit is not None]
    return np.unique(scene.surface.triangles[found])


def _anchored(
    scene: _Scene, points: FloatArray, error: FloatArray, hits: list[Hit | None], *, symmetric: bool
) -> Anchors:
    if any(hit is None for hit in hits):
        raise UserError("landmarks-off", "The landmarks do not lie on the character's face.", "Find them again.")
    met = [hit for hit in hits if hit is not None]
    places = np.stack([hit.place for hit in met])
    anchors = anchors_at(scene.surface, places, np.array([hit.triangle for hit in met]))
    off = np.array([_across(scene, own) for own in places - points])
    if symmetric:
        error = (error + error[_PARTNERS]) / 2 / np.sqrt(2.0)
    confidence = 1.0 / (1.0 + ((error + off) / (_SURE * scene.unit)) ** 2)
    return replace(anchors, confidence=confidence)


def _across(scene: _Scene, way: FloatArray) -> float:
    """The length of a way as seen from the front."""
    return float(np.linalg.norm(way - (way @ scene.forward) * scene.forward))
