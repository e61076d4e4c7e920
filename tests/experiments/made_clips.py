# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered clips with known truth for hard cases of tracking: `python -m tests.experiments.made_clips OUT [KIND ...]`.

Small faces, several faces, profiles, dark and noisy webcams, motion blur, cartoon proportions, faces that vanish, hard
cuts. Actors and performances are drawn from seeds that no training set has; no clip of anybody is read.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fomm_engine.training.backgrounds import sample_background
from fomm_engine.training.face_model import FaceModel, load_face_model
from fomm_engine.training.renderer import FaceRenderer, project
from fomm_engine.training.scene import Person, SceneSettings, Shot, sample_person
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.names import ARKIT_CHANNELS
from tests.conftest import find_shared_data

from .synthetic_take import RATE_HZ, head_motion, performance

Array = npt.NDArray[Any]
SEED = 70_000_000
FACE_CM = 14.5  # side of the box around a usual face's landmarks


@dataclass(frozen=True)
class ClipKind:
    """What a clip shows; lengths in pixels of a 640x480 picture, angles in degrees."""

    face_px: float = 240.0  # side of the box around the landmarks
    frames: int = 90
    yaw_sweep_deg: float = 0.0
    stylised: bool = False
    people: int = 1
    crossing: bool = False  # two people swap their sides
    light: float = 1.0
    noise: float = 1.5
    streak_px: float = 0.0
    still: bool = False
    gone: tuple[int, int] = (0, 0)  # frames without the face
    cut: int = 0  # from this frame on somebody else, elsewhere
    jump_px: float = 0.0  # a sudden move in the middle
    focal_widths: float = 1.3
    quality: int = 18


KINDS: dict[str, ClipKind] = {
    "plain": ClipKind(frames=120),
    "plain2": ClipKind(frames=120, focal_widths=2.4),
    "still": ClipKind(still=True, noise=4.0, frames=60),
    "small": ClipKind(face_px=48.0),
    "profile": ClipKind(yaw_sweep_deg=60.0),
    "dark": ClipKind(light=0.18, noise=7.0, quality=28),
    "blur": ClipKind(streak_px=9.0),
    "stylised": ClipKind(stylised=True),
    "two": ClipKind(people=2, face_px=150.0, crossing=True),
    "three": ClipKind(people=3, face_px=110.0),
    "gone": ClipKind(gone=(30, 50), frames=80),
    "cut": ClipKind(cut=40, frames=80, face_px=130.0),
    "jump": ClipKind(jump_px=150.0, frames=80, face_px=130.0),
}
SIZE = (640, 480)


@dataclass(frozen=True)
class Actor:
    """Somebody in a clip: shots in a window of the picture, and the window's place (x, y) in each frame."""

    person: Person
    shots: list[Shot]
    place_px: Array  # (T, 2) of the window's corner, whole pixels
    window: int
    weights: Array
    present: Array  # (T,) bool


def made_clip(model: FaceModel, kind: ClipKind, video: Path, seed: int = SEED) -> Path:
    """`video`; beside it X.gt.npz with the first actor's truth, and `others` (P, T, 68, 2) with everybody's points."""
    rng = np.random.default_rng(seed)
    actors = _cast(model, kind, rng)
    wall = np.asarray(cv2.resize(sample_background(rng, 160), SIZE, interpolation=cv2.INTER_CUBIC), np.float32)
    points: list[list[Array]] = [[] for _ in actors]
    windows = sorted({actor.window for actor in actors})
    with VideoWriter(video, SIZE, frame_rate=(int(RATE_HZ), 1)) as writer:
        renderers = {window: FaceRenderer(model, (window, window)) for window in windows}
        for frame in range(kind.frames):
            picture = wall.copy()
            for number in np.argsort([actor.shots[frame].translation_cm[2] for actor in actors]):
                _paint(picture, actors[number], frame, renderers[actors[number].window])
            writer.write(_filmed(picture, kind, rng))
            for number, actor in enumerate(actors):
                points[number].append(_points(model, actor, frame))
    _write_truth(video.with_suffix("").with_suffix(".gt.npz"), actors, np.array(points), kind)
    return video


def _cast(model: FaceModel, kind: ClipKind, rng: np.random.Generator) -> list[Actor]:
    if kind.cut:
        first, second = (_actor(model, kind, rng, shift) for shift in (-120.0, 130.0))
        first.present[kind.cut :] = second.present[: kind.cut] = False
        return [first, second]
    if kind.people == 1:
        return [_actor(model, kind, rng, -kind.jump_px / 2)]
    spread = np.linspace(-0.33, 0.33, kind.people) * SIZE[0]
    return [_actor(model, kind, rng, float(shift), number) for number, shift in enumerate(spread)]


def _actor(model: FaceModel, kind: ClipKind, rng: np.random.Generator, shift_px: float, number: int = 0) -> Actor:
    settings = SceneSettings(stylised=float(kind.stylised), strong_identity=0.0)
    person = sample_person(model, rng, settings)
    time_s = np.arange(kind.frames) / RATE_HZ
    weights, turn = performance(rng, time_s, rest_s=0.2), head_motion(rng, time_s, rest_s=0.2)
    if kind.still:
        weights, turn = np.repeat(weights[-1:], kind.frames, 0), np.repeat(turn[-1:], kind.frames, 0)
    if kind.yaw_sweep_deg:
        turn = _sweep(time_s, kind.yaw_sweep_deg) @ turn
    face_px = kind.face_px * (1 - 0.12 * number)
    window = int(np.ceil(face_px * 2.4 / 16)) * 16
    focal = kind.focal_widths * SIZE[0]
    depth = focal * FACE_CM / face_px
    pivot = np.array([0.0, -6.0, -2.0])
    offset = np.full((kind.frames, 2), (shift_px, 0.0))
    offset += 0.0 if kind.still else _drift(rng, kind.frames) * face_px
    if kind.crossing:
        offset[:, 0] *= np.cos(np.pi * np.clip(time_s / time_s[-1] * 1.4 - 0.2, 0, 1))
    if kind.jump_px:
        offset[kind.frames // 2 :, 0] += kind.jump_px
    corner = np.round(np.array(SIZE) / 2 + offset - window / 2)
    shots: list[Shot] = []
    for frame in range(kind.frames):
        middle = np.array(SIZE) / 2 - corner[frame]
        across = offset[frame] / focal * depth * [1, -1]
        where = np.array([*across, -depth]) + pivot - turn[frame] @ pivot
        expression = model.own_from_arkit(weights[frame].astype(np.float32))
        shots.append(Shot(turn[frame], where, focal, (float(middle[0]), float(middle[1])), expression))
    present = np.ones(kind.frames, bool)
    present[slice(*kind.gone)] = False
    return Actor(person, shots, corner.astype(int), window, weights, present)


def _sweep(time_s: Array, reach_deg: float) -> Array:
    yaw = np.radians(reach_deg) * np.sin(2 * np.pi * time_s / time_s[-1])
    c, s, zero, one = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw), np.ones_like(yaw)
    return np.stack([np.stack([c, zero, s], -1), np.stack([zero, one, zero], -1), np.stack([-s, zero, c], -1)], -2)


def _drift(rng: np.random.Generator, frames: int) -> Array:
    """(T, 2) a slow wander, a few hundredths of the face."""
    time = np.arange(frames)[:, None] / RATE_HZ
    return 0.05 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6, 2) * time + rng.uniform(0, 6.3, 2))


def _paint(picture: Array, actor: Actor, frame: int, renderer: FaceRenderer) -> None:
    if not actor.present[frame]:
        return
    rgba = renderer.render(actor.person, actor.shots[frame]).rgba.astype(np.float32)
    x, y = actor.place_px[frame]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + actor.window, SIZE[0]), min(y + actor.window, SIZE[1])
    if right <= left or bottom <= top:
        return
    part = rgba[top - y : bottom - y, left - x : right - x]
    alpha = part[..., 3:] / 255
    picture[top:bottom, left:right] = part[..., :3] * alpha + picture[top:bottom, left:right] * (1 - alpha)


def _filmed(picture: Array, kind: ClipKind, rng: np.random.Generator) -> Array:
    """What a camera makes of it: motion blur, too little light, noise."""
    if kind.streak_px:
        count = int(kind.streak_px)
        kernel = np.zeros((count, count), np.float32)
        angle = rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * (count - 1) / 2 * rng.random()
        ends = np.rint([(count - 1) / 2 - reach, (count - 1) / 2 + reach]).astype(int).tolist()
        cv2.line(kernel, ends[0], ends[1], 1.0, 1)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    noisy = picture * kind.light + rng.standard_normal(picture.shape, np.float32) * kind.noise
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _points(model: FaceModel, actor: Actor, frame: int) -> Array:
    """(70, 2) px of the whole picture."""
    shot = actor.shots[frame]
    vertices = actor.person.vertices_cm(model, shot.expression)[model.landmarks].astype(np.float64)
    camera = vertices @ shot.rotation_camera_from_head.T + shot.translation_cm
    return project(camera, shot) + actor.place_px[frame]


def _write_truth(path: Path, actors: list[Actor], points: Array, kind: ClipKind) -> None:
    present = np.array([actor.present for actor in actors])
    who = present.argmax(0)  # the truth of a frame is the first actor who is there
    frames = np.arange(kind.frames)
    seen = points[who, frames]
    focal = actors[0].shots[0].focal_px
    np.savez_compressed(
        path,
        fps=np.float64(RATE_HZ),
        size=np.array(SIZE),
        landmarks68=seen[:, :68].astype(np.float32),
        iris2d=seen[:, [69, 68]].astype(np.float32),
        head_R=np.stack([actors[who[f]].shots[f].rotation_camera_from_head for f in frames]),
        weights=np.stack([actors[who[f]].weights[f] for f in frames]).astype(np.float32),
        weight_names=np.array(ARKIT_CHANNELS),
        K=np.array([[focal, 0, SIZE[0] / 2], [0, focal, SIZE[1] / 2], [0, 0, 1]]),
        detected=present.any(0),
        others=points[:, :, :68].astype(np.float32),
        neutral_frames=np.int64(5),
    )


def main(arguments: list[str], say: Callable[[str], object] = sys.stdout.write) -> None:
    """Nothing; writes the clips of the kinds that are named, or of all."""
    shared = find_shared_data()
    if shared is None:
        raise SystemExit("the face model is not there: put the shared data at ../shared/data")
    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    model = load_face_model(shared / "face_model" / "ict_facekit.npz")
    for name in arguments[1:] or KINDS:
        made_clip(model, KINDS[name], out / f"{name}.mp4", SEED + list(KINDS).index(name))
        say(f"{name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
