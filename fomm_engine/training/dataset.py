# SPDX-License-Identifier: GPL-3.0-or-later
"""The synthetic data set on disk: shards of pictures with labels, each reproducible from the seed and its number."""

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fomm_engine.training.expressions import ExpressionSampler, ExpressionSettings
from fomm_engine.training.face_model import FaceModel
from fomm_engine.training.renderer import FaceRenderer
from fomm_engine.training.scene import SceneSettings, sample_person, sample_shot
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX
from fomm_engine.wire.whole_file import whole_file

MANIFEST_NAME = "manifest.json"
_PRESSING = [ARKIT_INDEX[f"mouth{name}"] for name in ("PressLeft", "PressRight", "RollLower", "RollUpper")]


@dataclass(frozen=True)
class FaceSetSettings:
    """Size and distributions of a set. The first `held_out_shards` are never trained on (identities differ)."""

    seed: int = 20
    shards: int = 200
    people_per_shard: int = 50
    frames_per_person: int = 4
    size_px: int = 320  # the close look at eyes and mouth needs more than the landmark net
    held_out_shards: int = 5
    scene: SceneSettings = field(default_factory=SceneSettings)
    expression: ExpressionSettings = field(default_factory=ExpressionSettings)


@dataclass(frozen=True)
class Labels:
    """Truth of the frames of a set: `points_px` (N, 70, 2) of the stored picture, `rotation` (N, 3, 3) camera from
    head, `arkit` (N, 52), `person` (N,) number of the identity."""

    points_px: NDArray[np.float32]
    rotation: NDArray[np.float32]
    arkit: NDArray[np.float32]
    person: NDArray[np.int32]


class FaceSet:
    """The finished shards of a folder, pictures mapped from disk; `refresh` finds those written or removed since."""

    def __init__(self, folder: Path, *, held_out: bool) -> None:
        self._folder = folder
        self._held_out = held_out
        self._held_out_shards = int(read_manifest(folder)["held_out_shards"])
        self._shards: dict[Path, tuple[NDArray[np.uint8], Labels]] = {}
        self.refresh()

    def __len__(self) -> int:
        return len(self.labels.person)

    def refresh(self) -> None:
        """Take in the shards that are there now, and forget those that are not; pictures in use stay mapped."""
        there = [path for path in sorted(self._folder.glob("shard_*.npy")) if self._is_mine(path)]
        shards = {path: self._shards.get(path) or _load_shard(path) for path in there}
        self._shards = {path: shard for path, shard in shards.items() if shard is not None}
        self._parts = [labels for _, labels in self._shards.values()]
        self._pictures = [pictures for pictures, _ in self._shards.values()]
        self.labels = self._joined()
        self._starts = np.cumsum([0] + [len(part.person) for part in self._parts])

    def _is_mine(self, path: Path) -> bool:
        return (int(path.stem.split("_")[1]) < self._held_out_shards) == self._held_out

    def picture(self, index: int) -> NDArray[np.uint8]:
        """RGBA (size, size, 4) of one frame."""
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._pictures[shard][index - self._starts[shard]]

    def _joined(self) -> Labels:
        if not self._parts:
            empty = np.zeros((0, 0), np.float32)
            return Labels(empty, empty, empty, np.zeros(0, np.int32))
        names = [item.name for item in dataclasses.fields(Labels)]
        return Labels(**{name: np.concatenate([getattr(part, name) for part in self._parts]) for name in names})


def _load_shard(path: Path) -> tuple[NDArray[np.uint8], Labels] | None:
    """Pictures and labels of a shard, or None where it was removed in the meantime."""
    try:
        pictures = np.load(path, mmap_mode="r")
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as data:
            return pictures, Labels(**{item.name: data[item.name] for item in dataclasses.fields(Labels)})
    except FileNotFoundError:
        return None


def write_face_set(
    model: FaceModel,
    folder: Path,
    settings: FaceSetSettings,
    *,
    done: Callable[[int], bool],
    part: tuple[int, int] = (0, 1),
) -> None:
    """Render the shards that are missing, in order. `done(shard)` is told of each new one and says when to stop.

    `part` = (index, count) takes every count-th shard only, so that several processes can share the work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_manifest(folder, settings)
    with FaceRenderer(model, (settings.size_px, settings.size_px)) as renderer:
        for shard in range(part[0], settings.shards, part[1]):
            path = folder / f"shard_{shard:04d}.npy"
            if path.exists():
                continue
            pictures, labels = render_shard(model, renderer, settings, shard=shard)
            _save_shard(path, pictures, labels)
            if done(shard):
                break
    describe_face_set(folder)


def describe_face_set(folder: Path) -> None:
    """Write counts and measured distributions of the shards that are there into the manifest."""
    content = read_manifest(folder)
    kinds = {"training": False, "held_out": True}
    sets = {name: FaceSet(folder, held_out=held_out).labels for name, held_out in kinds.items()}
    content["measured"] = {name: distributions(labels) for name, labels in sets.items() if len(labels.person)}
    _write_json(folder / MANIFEST_NAME, content)


def distributions(labels: Labels) -> dict[str, float]:
    """Numbers of frames and identities, and shares of frames by head pose (degrees) and expression."""
    yaw, pitch = head_angles_deg(labels.rotation)
    shut = labels.arkit[:, [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]]
    jaw, close = (labels.arkit[:, ARKIT_INDEX[name]] for name in ("jawOpen", "mouthClose"))
    looks = [ARKIT_INDEX[name] for name in ARKIT_CHANNELS if name.startswith("eyeLook")]
    shares = {
        "yaw_beyond_30_deg": np.abs(yaw) > 30,
        "yaw_beyond_50_deg": np.abs(yaw) > 50,
        "pitch_beyond_20_deg": np.abs(pitch) > 20,
        "lids_shut": (shut > 0.88).any(1),
        "lids_45_to_88_percent_shut": ((shut > 0.45) & (shut <= 0.88)).any(1),
        "jaw_open_beyond_0.2": (jaw > 0.2) & (close < 0.5 * jaw),
        "lips_met_before_an_open_jaw": (jaw > 0.1) & (close > 0.9 * jaw),
        "lips_pressed_or_rolled_in": (labels.arkit[:, _PRESSING] > 0.25).any(1),
        "gaze_off_axis": labels.arkit[:, looks].max(1) > 0.2,
    }
    counts = {"frames": len(labels.person), "identities": len(np.unique(labels.person))}
    return counts | {name: round(float(rows.mean()), 4) for name, rows in shares.items()}


def head_angles_deg(rotation: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Yaw and pitch (N,) in degrees of rotations (N, 3, 3), camera from head."""
    yaw = np.arctan2(-rotation[:, 2, 0], np.hypot(rotation[:, 0, 0], rotation[:, 1, 0]))
    pitch = -np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    return np.degrees(yaw), np.degrees(pitch)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The settings that a set was made with."""
    return json.loads((folder / MANIFEST_NAME).read_text(encoding="ascii"))


def render_shard(
    model: FaceModel, renderer: FaceRenderer, settings: FaceSetSettings, *, shard: int
) -> tuple[NDArray[np.uint8], Labels]:
    """Pictures (N, size, size, 4) and labels of one shard, drawn from the seed and the shard's number alone."""
    rng = np.random.default_rng([settings.seed, shard])
    sampler = ExpressionSampler(model, settings.expression)
    pictures, points, rotations, weights, people = [], [], [], [], []
    for number in range(settings.people_per_shard):
        person = sample_person(model, rng, settings.scene)
        for _ in range(settings.frames_per_person):
            expression = sampler.sample(rng)
            shot = sample_shot(model, person, expression, rng, size=settings.size_px, settings=settings.scene)
            rendering = renderer.render(person, shot)
            pictures.append(rendering.rgba)
            points.append(rendering.points_px)
            rotations.append(shot.rotation_camera_from_head.astype(np.float32))
            weights.append(model.arkit_from_own @ expression)
            people.append(shard * settings.people_per_shard + number)
    labels = Labels(np.stack(points), np.stack(rotations), np.stack(weights), np.array(people, np.int32))
    return np.stack(pictures), labels


def _save_shard(path: Path, pictures: NDArray[np.uint8], labels: Labels) -> None:
    """Labels first, then the pictures under their final name: a shard that exists is whole."""
    values = {item.name: getattr(labels, item.name) for item in dataclasses.fields(labels)}
    np.savez(path.with_suffix(".npz"), allow_pickle=False, **values)
    partial = path.with_name("partial_" + path.name)
    np.save(partial, pictures)
    os.replace(partial, path)


def _write_manifest(folder: Path, settings: FaceSetSettings) -> None:
    _write_json(folder / MANIFEST_NAME, dataclasses.asdict(settings))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="ascii")
