# SPDX-License-Identifier: GPL-3.0-or-later
"""The gallery's portraits: synthetic people, cartoon heads and statues, each sitting for the same photographer.

`python -m fomm_engine.training.portraits --face-model FILE --out FOLDER` writes FOLDER/<category>/<name>.jpg.

A seed is a person only as long as `scene` and `appearance` draw as they do: the gallery's pictures were made before
eyes and teeth came to vary, and would be other people today.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fomm_engine.training.accessories import AccessoryChances
from fomm_engine.training.appearance import AppearanceSettings, Look
from fomm_engine.training.face_model import FaceModel, load_face_model
from fomm_engine.training.renderer import FaceRenderer
from fomm_engine.training.scene import Person, SceneSettings, Shot, rotation_from_euler, sample_person
from fomm_engine.wire.names import ARKIT_CHANNELS

Color = tuple[float, float, float]
SIDE_PX, SUPERSAMPLE, QUALITY = 512, 2, 86
_DEPTH_CM, _FACE_SHARE, _FACE_CM = 90.0, 0.44, 14.5
_SMILE = {"mouthSmileLeft": 0.16, "mouthSmileRight": 0.16}
_NO_THINGS = AccessoryChances(
    hand=0, second_hand=0, locks=0, held=0, headphones=0, microphone=0, tongue=0
)  # nothing before the face: what hides it cannot be animated
_PLAIN = AppearanceSettings(shadow=0, cast_shadow=0, sunglasses=0, hat=0, accessories=_NO_THINGS)


@dataclass(frozen=True)
class Sitter:
    """Who sits: the seed of the face, and what the photographer chose. Colours are linear RGB.

    stone: the whole head is of this colour, as a statue's. yaw_deg: where the head is turned.
    """

    category: str
    name: str
    seed: int
    skin: Color
    cloth: Color
    wall: Color
    yaw_deg: float = 5.0
    drawn: bool = False
    stone: bool = False


SITTERS = (
    Sitter("people", "Aiko", 1000, (0.60, 0.40, 0.27), (0.05, 0.12, 0.20), (0.34, 0.42, 0.50), 6),
    Sitter("people", "Bruno", 1032, (0.62, 0.40, 0.29), (0.24, 0.05, 0.05), (0.40, 0.37, 0.30), -7),
    Sitter("people", "Carmen", 1022, (0.46, 0.27, 0.17), (0.55, 0.50, 0.42), (0.22, 0.36, 0.36), 5),
    Sitter("people", "Desta", 1007, (0.20, 0.10, 0.06), (0.60, 0.36, 0.06), (0.30, 0.28, 0.40), -5),
    Sitter("people", "Emil", 1014, (0.66, 0.45, 0.34), (0.06, 0.08, 0.10), (0.45, 0.30, 0.24), 7),
    Sitter("people", "Kwame", 1028, (0.22, 0.115, 0.07), (0.02, 0.16, 0.13), (0.42, 0.34, 0.26), -6),
    Sitter("cartoon", "Pip", 2014, (0.78, 0.50, 0.36), (0.10, 0.30, 0.60), (0.62, 0.48, 0.30), 5, drawn=True),
    Sitter("cartoon", "Mora", 2011, (0.52, 0.29, 0.17), (0.55, 0.10, 0.16), (0.30, 0.50, 0.46), -6, drawn=True),
    Sitter("cartoon", "Zib", 2017, (0.16, 0.42, 0.62), (0.12, 0.05, 0.25), (0.52, 0.30, 0.52), 6, drawn=True),
    Sitter("statues", "Marble", 1025, (0.50, 0.49, 0.46), (0.46, 0.45, 0.42), (0.18, 0.22, 0.28), 8, stone=True),
    Sitter("statues", "Bronze", 1015, (0.27, 0.15, 0.055), (0.22, 0.12, 0.045), (0.30, 0.36, 0.33), -9, stone=True),
)


def write_portraits(model: FaceModel, folder: Path, sitters: tuple[Sitter, ...] = SITTERS) -> list[Path]:
    """The paths of the portraits, JPEG of SIDE_PX, in a folder for each category."""
    side = SIDE_PX * SUPERSAMPLE
    written: list[Path] = []
    with FaceRenderer(model, (side, side)) as renderer:
        for sitter in sitters:
            path = folder / sitter.category / f"{sitter.name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = cv2.resize(_photograph(model, renderer, sitter), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(path), np.asarray(picture)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            written.append(path)
    return written


def _photograph(model: FaceModel, renderer: FaceRenderer, sitter: Sitter) -> NDArray[np.uint8]:
    settings = SceneSettings(stylised=float(sitter.drawn), strong_identity=0, appearance=_PLAIN)
    person = sample_person(model, np.random.default_rng(sitter.seed), settings)
    person = replace(person, look=_dressed(person.look, sitter))
    side = SIDE_PX * SUPERSAMPLE
    seen = renderer.render(person, _shot(model, person, sitter, side)).rgba
    share = seen[..., 3:].astype(np.float32) / 255
    picture = seen[..., :3] * share + _wall(side, sitter.wall) * (1 - share)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _shot(model: FaceModel, person: Person, sitter: Sitter, side: int) -> Shot:
    channels = np.zeros(len(ARKIT_CHANNELS), np.float32)
    for name, value in ({} if sitter.stone else _SMILE).items():
        channels[ARKIT_CHANNELS.index(name)] = value
    expression = model.own_from_arkit(channels)
    rotation = rotation_from_euler(np.radians(sitter.yaw_deg), 0.0, 0.0)
    points = person.vertices_cm(model, expression)[model.landmarks]
    middle = (points.min(0) + points.max(0)) / 2
    middle[2] = 0.0
    translation = np.array([0.0, -0.9, -_DEPTH_CM]) - rotation @ middle
    focal_px = _DEPTH_CM * side * _FACE_SHARE / _FACE_CM
    return Shot(rotation, translation, float(focal_px), (side / 2, side / 2), expression)


def _dressed(look: Look, sitter: Sitter) -> Look:
    """The look in the studio's light, with the sitter's own colours."""
    uniforms: dict[str, Any] = dict(look.uniforms) | _STUDIO
    skin, cloth = np.array(sitter.skin), np.array(sitter.cloth)
    uniforms |= {"skin": skin, "cloth": cloth, "pattern": uniforms["pattern"] * (1, 1, 0, 1)}
    uniforms["lip_color"] = skin * (0.95, 0.66, 0.66)
    if sitter.stone:
        uniforms |= {name: skin * shade for name, shade in _STONE_SHADES.items()}
        uniforms["brow"] = uniforms["brow"] * (1, 1, 0, 1)
        uniforms["skin_noise"] = uniforms["skin_noise"] * (0.3, 0.0, 0.0, 0.0)
        uniforms["makeup"] = np.zeros(4)
        uniforms["gloss"] = np.array([0.16, 26.0, 0.5, 0.4])
    return replace(look, uniforms=uniforms, cast=None, collar=-12.6, glasses=None if sitter.stone else look.glasses)


_STUDIO: dict[str, NDArray[np.float64]] = {
    "light_direction": np.array([[-0.75, 0.55, 1.0], [0.95, 0.1, 0.55], [0.5, 0.8, -0.7]]),
    "light_color": np.array([[1.0, 0.91, 0.81], [0.17, 0.22, 0.30], [0.45, 0.43, 0.42]]),
    "ambient": np.array([0.27, 0.28, 0.31]),
    "ambient_slope": np.array([[0.0, 0.0, 0.0], [0.08, 0.08, 0.09], [0.03, 0.03, 0.03]]),
    "gloss": np.array([0.05, 18.0, 0.25, 0.3]),
}
_STONE_SHADES = {"lip_color": 0.93, "hair_color": 0.82, "beard_color": 0.82, "iris_color": 0.72, "sclera": 0.95}


def _wall(side: int, color: Color) -> NDArray[np.float32]:
    """(side, side, 3) a painted wall, lighter behind the head and darker at the corners; sRGB levels of 255."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    glow = np.exp(-((x + 0.12) ** 2 + (y + 0.1) ** 2) / 0.22)[..., None]
    return np.array(color, np.float32) * 255 * (0.42 + 0.72 * glow - 0.18 * y[..., None])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m fomm_engine.training.portraits", description=__doc__)
    parser.add_argument("--face-model", type=Path, required=True, help="ict_facekit.npz")
    parser.add_argument("--out", type=Path, required=True, help="the gallery's folder")
    args = parser.parse_args()
    write_portraits(load_face_model(args.face_model), args.out)


if __name__ == "__main__":
    main()
