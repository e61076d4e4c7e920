# SPDX-License-Identifier: GPL-3.0-or-later
"""Random expressions in the face model's own weights."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from fomm_engine.training.face_model import FaceModel, FloatArray

_PAIRS = (
    "browDown browOuterUp browInnerUp cheekPuff cheekRaiser cheekSquint eyeSquint mouthDimple mouthFrown"
    " mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
).split()
_SINGLES = (
    "jawForward jawLeft jawRight mouthFunnel mouthLeft mouthRight mouthPucker mouthRollLower mouthRollUpper"
    " mouthShrugLower mouthShrugUpper"
).split()


@dataclass(frozen=True)
class ExpressionSettings:
    """Chances of each part of an expression. The four lid states exclude each other."""

    neutral: float = 0.1
    pair: float = 0.2
    single: float = 0.13
    brows: float = 0.25
    smile: float = 0.22
    jaw: float = 0.5
    ajar: float = 0.1  # lips apart by a hair's breadth
    contact: float = 0.22  # an open jaw behind lips that meet or nearly meet
    pressed: float = 0.12  # lips pressed on each other or rolled in
    lids_shut: float = 0.11
    lids_half: float = 0.16  # 45 to 88 % closed
    lids_low: float = 0.14
    lids_wide: float = 0.1
    wink: float = 0.05
    gaze_sigma: float = 0.38
    straight_gaze: float = 0.25


class ExpressionSampler:
    """Draws expressions: weights (E,) in 0..1, in the order of the model's expressions."""

    def __init__(self, model: FaceModel, settings: ExpressionSettings | None = None) -> None:
        self._index = {name: row for row, name in enumerate(model.expression_names)}
        self._settings = settings or ExpressionSettings()

    def sample(self, rng: Generator) -> FloatArray:
        """One expression."""
        weights = np.zeros(len(self._index), np.float32)
        if rng.random() > self._settings.neutral:
            self._muscles(weights, rng)
        self._mouth(weights, rng)
        self._lids(weights, rng)
        self._gaze(weights, rng)
        return weights

    def _pair(self, weights: FloatArray, name: str, amount: float, rng: Generator) -> None:
        """Both sides, a quarter of the time one of them weaker."""
        other = amount if rng.random() < 0.75 else amount * rng.random()
        left, right = (amount, other) if rng.random() < 0.5 else (other, amount)
        weights[self._index[name + "_L"]] = left
        weights[self._index[name + "_R"]] = right

    def _muscles(self, weights: FloatArray, rng: Generator) -> None:
        for name in _PAIRS:
            if rng.random() < self._settings.pair:
                self._pair(weights, name, rng.random() ** 1.2, rng)
        for name in _SINGLES:
            if rng.random() < self._settings.single:
                weights[self._index[name]] = rng.random() ** 1.2
        if rng.random() < self._settings.brows:
            self._pair(weights, str(rng.choice(["browDown", "browInnerUp", "browOuterUp"])), rng.uniform(0.3, 1), rng)

    def _mouth(self, weights: FloatArray, rng: Generator) -> None:
        chances = self._settings
        if rng.random() < chances.smile:
            self._pair(weights, "mouthSmile", rng.uniform(0.2, 1), rng)
            weights[[self._index["mouthFrown_L"], self._index["mouthFrown_R"]]] = 0
        jaw = self._index["jawOpen"]
        dice = rng.random()
        if dice < chances.ajar:
            weights[jaw] = rng.uniform(0, 0.12)
        elif dice < chances.ajar + chances.jaw:
            weights[jaw] = rng.random() ** 1.6
        if rng.random() < chances.contact:
            share = rng.random() if rng.random() < 0.4 else rng.uniform(0.9, 1.0)
            weights[self._index["mouthClose"]] = weights[jaw] * share
        if rng.random() < chances.pressed:
            self._press(weights, rng)

    def _press(self, weights: FloatArray, rng: Generator) -> None:
        """Shut lips under pressure; the contact of the head model keeps them from crossing."""
        jaw = rng.uniform(0, 0.35) if rng.random() < 0.5 else 0.0
        weights[self._index["jawOpen"]] = jaw
        weights[self._index["mouthClose"]] = min(1.0, jaw + rng.uniform(0, 0.1))
        for name in ("mouthFunnel", "mouthLowerDown_L", "mouthLowerDown_R", "mouthUpperUp_L", "mouthUpperUp_R"):
            weights[self._index[name]] = 0
        kind = int(rng.integers(0, 3))
        if kind != 1:
            self._pair(weights, "mouthPress", rng.uniform(0.3, 1), rng)
        if kind != 0:
            weights[self._index["mouthRollLower"]] = rng.uniform(0.1, 1)
            weights[self._index["mouthRollUpper"]] = rng.uniform(0.1, 1)

    def _lids(self, weights: FloatArray, rng: Generator) -> None:
        chances = self._settings
        bounds = np.cumsum([chances.lids_shut, chances.lids_half, chances.lids_low, chances.lids_wide])
        state = int(np.searchsorted(bounds, rng.random(), side="right"))
        if state == 0:
            self._pair(weights, "eyeBlink", rng.uniform(0.9, 1.0), rng)
        elif state == 1:
            self._pair(weights, "eyeBlink", rng.uniform(0.45, 0.88), rng)
        elif state == 2:
            self._pair(weights, "eyeBlink", rng.uniform(0.0, 0.5), rng)
        elif state == 3:
            self._pair(weights, "eyeWide", rng.random(), rng)
        if rng.random() < chances.wink:
            for side in "LR":
                weights[self._index["eyeBlink_" + side]] = rng.random()

    def _gaze(self, weights: FloatArray, rng: Generator) -> None:
        """Both eyes look the same way: sideways (positive to the subject's left) and up."""
        left, up = rng.normal(0, self._settings.gaze_sigma, 2).clip(-1, 1)
        if rng.random() < self._settings.straight_gaze:
            left = up = 0.0
        sideways = ("eyeLookOut_L", "eyeLookIn_R") if left > 0 else ("eyeLookIn_L", "eyeLookOut_R")
        for name in sideways:
            weights[self._index[name]] = abs(left)
        for side in "LR":
            weights[self._index[("eyeLookUp_" if up > 0 else "eyeLookDown_") + side]] = abs(up)
