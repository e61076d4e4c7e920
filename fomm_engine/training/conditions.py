# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tracker is good and where it is not: its errors on people drawn for one condition at a time."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fomm_engine.face.look import FaceReader
from fomm_engine.training.accessories import AccessoryChances
from fomm_engine.training.appearance import AppearanceSettings
from fomm_engine.training.augment import Backgrounds, PhotoSettings
from fomm_engine.training.backgrounds import background_pool
from fomm_engine.training.dataset import FaceSetSettings, Labels, head_angles_deg, render_shard
from fomm_engine.training.expressions import ExpressionSettings
from fomm_engine.training.face_model import FaceModel
from fomm_engine.training.landmark_data import CLEAN_PHOTO
from fomm_engine.training.regions.measure import Shots, reader_scores
from fomm_engine.training.renderer import FaceRenderer
from fomm_engine.training.scene import SceneSettings

_PICTURE_PX = 320
_NOTHING = AccessoryChances(hand=0, locks=0, held=0, headphones=0, microphone=0, tongue=0)
_PLAIN = AppearanceSettings(
    beard=0.15,
    bush=0,
    fringe=0,
    hat=0,
    glasses=0,
    sunglasses=0,
    faint_brows=0.05,
    cast_shadow=0.3,
    accessories=_NOTHING,
)
_FRONTAL = SceneSettings(stylised=0, usual_pose=1.0, usual_pose_deg=(12.0, 7.0, 5.0), appearance=_PLAIN)
_TURNED = replace(_FRONTAL, usual_pose=0.0, wide_pose_deg=(65.0, 12.0, 8.0))
_USUAL = ExpressionSettings()


@dataclass(frozen=True)
class Condition:
    """What people and pictures are like; anything not said is a plain, frontal, clean one."""

    scene: SceneSettings = _FRONTAL
    expression: ExpressionSettings = field(default_factory=ExpressionSettings)
    photo: PhotoSettings = CLEAN_PHOTO
    yaw_deg: tuple[float, float] | None = None  # only frames turned by so much to either side


def _worn(**chances: float) -> SceneSettings:
    return replace(_FRONTAL, appearance=replace(_PLAIN, accessories=replace(_NOTHING, **chances)))


def _looking(**chances: float) -> SceneSettings:
    return replace(_FRONTAL, appearance=replace(_PLAIN, **chances))


CONDITIONS: dict[str, Condition] = {
    "plain, frontal": Condition(),
    "turned 35 to 50 degrees": Condition(_TURNED, yaw_deg=(35.0, 50.0)),
    "turned 50 to 65 degrees": Condition(_TURNED, yaw_deg=(50.0, 65.0)),
    "lids half shut": Condition(expression=replace(_USUAL, lids_half=1.0, lids_shut=0.0)),
    "lids shut": Condition(expression=replace(_USUAL, lids_half=0.0, lids_shut=1.0)),
    "lips pressed": Condition(expression=replace(_USUAL, pressed=1.0)),
    "glasses": Condition(_looking(glasses=1.0)),
    "sunglasses": Condition(_looking(glasses=1.0, sunglasses=1.0)),
    "full beard": Condition(_looking(beard=1.0, bush=1.0)),
    "fringe to the brows": Condition(_looking(fringe=1.0, bald=0.0)),
    "hat": Condition(_looking(hat=1.0, cast_shadow=1.0)),
    "strands before the face": Condition(_worn(locks=1.0)),
    "hand at the face": Condition(_worn(hand=1.0)),
    "cup, phone or paper": Condition(_worn(held=1.0)),
    "cartoon proportions": Condition(replace(_FRONTAL, stylised=1.0)),
    "dark and noisy": Condition(photo=replace(CLEAN_PHOTO, dim=1.0)),
    "motion blur": Condition(photo=replace(CLEAN_PHOTO, motion=1.0)),
}


@dataclass(frozen=True)
class _Rendered:
    labels: Labels
    pictures: NDArray[np.uint8]

    def picture(self, index: int) -> NDArray[np.uint8]:
        return self.pictures[index]


def condition_scores(
    model: FaceModel, reader: FaceReader, *, people: int = 60, seed: int = 31
) -> dict[str, dict[str, float]]:
    """Scores of `reader_scores` for each of CONDITIONS, on two frames of each of `people` people, drawn from a seed
    that no training set has."""
    pool = Backgrounds(background_pool(np.random.default_rng(seed), 60, _PICTURE_PX // 2))
    scores = {}
    with FaceRenderer(model, (_PICTURE_PX, _PICTURE_PX)) as renderer:
        for row, (name, condition) in enumerate(CONDITIONS.items()):
            settings = FaceSetSettings(
                seed=seed,
                people_per_shard=people if condition.yaw_deg is None else 4 * people,
                frames_per_person=2,
                size_px=_PICTURE_PX,
                scene=condition.scene,
                expression=condition.expression,
            )
            pictures, labels = render_shard(model, renderer, settings, shard=row)
            shots = Shots(pool, np.random.default_rng([seed, row]), condition.photo)
            order = _chosen(labels, condition)
            scores[name] = reader_scores(_Rendered(labels, pictures), order, reader, shots) if len(order) else {}
    return scores


def _chosen(labels: Labels, condition: Condition) -> NDArray[np.int64]:
    if condition.yaw_deg is None:
        return np.arange(len(labels.person))
    low, high = condition.yaw_deg
    yaw = np.abs(head_angles_deg(labels.rotation)[0])
    return np.flatnonzero((yaw >= low) & (yaw <= high))
