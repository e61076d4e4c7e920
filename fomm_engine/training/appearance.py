# SPDX-License-Identifier: GPL-3.0-or-later
"""Random looks: what is painted on a face, what it wears, and how it is lit."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fomm_engine.training.accessories import Accessories, AccessoryChances, sample_accessories
from fomm_engine.training.random_color import Span, random_color

Uniforms = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class AppearanceSettings:
    """How often a look has each thing; everything else is drawn from continuous ranges."""

    dark_skin: float = 0.32
    beard: float = 0.4
    fringe: float = 0.2
    hat: float = 0.08
    bald: float = 0.08
    short_hair: float = 0.5
    glasses: float = 0.22
    sunglasses: float = 0.03
    makeup: float = 0.45
    faint_brows: float = 0.12
    pale_brows: float = 0.25  # hardly darker, or lighter, than the skin
    shaved: float = 0.2  # a shadow of stubble, no hair
    pale_lips: float = 0.25
    shaded_lip: float = 0.25  # the upper lip lies in its own shadow
    shaded_eyes: float = 0.45  # deep-set: no white is to be seen, an eye is a dark slit
    lid_lines: float = 0.7  # a fold above the lid, a line below the eye
    shadow: float = 0.2
    cast_shadow: float = 0.55  # the first light throws shadows
    bush: float = 0.45  # share of beards that have a volume
    accessories: AccessoryChances = field(default_factory=AccessoryChances)


@dataclass(frozen=True)
class Glasses:
    """Frames in cm: half width and height of a lens, its squareness, the wire's radius, the offset below the eye."""

    half_width: float
    half_height: float
    squareness: float
    wire: float
    drop: float
    frame_color: tuple[float, float, float]
    lens: tuple[float, float, float, float]


@dataclass(frozen=True)
class Look:
    """`uniforms` feed the shaders (colours linear, lengths in cm); the rest says which meshes are drawn."""

    uniforms: Uniforms
    glasses: Glasses | None
    hairless: bool
    shoulder_width: float
    collar: float
    torso_follow: float
    accessories: Accessories
    cast: tuple[float, float] | None  # strength of the first light's shadows, softness in cm


def sample_look(rng: Generator, settings: AppearanceSettings | None = None) -> Look:
    """A look drawn from `rng`."""
    chances = settings or AppearanceSettings()
    uniforms: Uniforms = {"seed": rng.uniform(-50, 50, 3)}
    uniforms |= _skin(rng, chances)
    hair_color = _hair_color(rng)
    uniforms |= _brows(rng, chances, hair_color, uniforms["skin"])
    uniforms |= _beard(rng, chances, hair_color, uniforms["skin"])
    uniforms |= _eyes(rng)
    uniforms |= _eye_surroundings(rng, chances)
    uniforms |= _hair(rng, chances, hair_color)
    uniforms |= _makeup(rng, chances)
    uniforms |= _light(rng)
    uniforms |= _shadow(rng, chances)
    uniforms |= _clothes(rng)
    hat = rng.random() < chances.hat
    if hat:
        uniforms |= _hat(rng)
    return Look(
        uniforms=uniforms,
        glasses=_glasses(rng, chances),
        hairless=not hat and rng.random() < chances.bald,
        shoulder_width=rng.uniform(15, 22),
        collar=rng.uniform(-16.5, -13.5),
        torso_follow=rng.uniform(0.5, 1.2),
        accessories=sample_accessories(rng, chances.accessories, hat=hat),
        cast=(rng.uniform(0.4, 1.0), rng.uniform(0.05, 0.5)) if rng.random() < chances.cast_shadow else None,
    )


def drawn_by_hand(look: Look, rng: Generator) -> Look:
    """The look as on a cartoon's or a game's head: even skin, large irises, little shine."""
    uniforms = dict(look.uniforms)
    uniforms["skin_noise"] = uniforms["skin_noise"] * (0.2, 0.1, 0.1, 0.0)
    uniforms["iris"] = uniforms["iris"] * (rng.uniform(1.0, 1.3), 1.0, 1.0, 1.0)
    uniforms["gloss"] = uniforms["gloss"] * (rng.uniform(0, 1), 1.0, 1.0, 1.0)
    return replace(look, uniforms=uniforms)


def _skin(rng: Generator, chances: AppearanceSettings) -> Uniforms:
    lightness = rng.uniform(0.08, 0.3) if rng.random() < chances.dark_skin else rng.uniform(0.3, 0.8)
    tone = np.array([1.0, rng.uniform(0.62, 0.78), rng.uniform(0.42, 0.66)])
    skin = tone * lightness * rng.uniform(0.9, 1.1, 3)
    if rng.random() < 0.03:  # painted, statues and cartoons
        skin = random_color(rng, (0, 360), (0, 0.7), (0.2, 0.9))
    natural = skin * np.array([rng.uniform(0.8, 1.1), *(rng.uniform(0.5, 1.0) * np.array([0.75, 0.78]))])
    lips = natural if rng.random() < 0.75 else random_color(rng, (-25, 20), (0.4, 0.9), (0.1, 0.6))
    if rng.random() < chances.pale_lips:
        lips = skin * rng.uniform(0.75, 1.05) * np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.8, 1.0)])
    shade = rng.uniform(0.1, 0.6) if rng.random() < chances.shaded_lip else 0.0
    freckles = rng.random() if rng.random() < 0.2 else 0.0
    return {
        "skin": skin,
        "skin_noise": np.array([rng.uniform(0, 0.5), rng.uniform(0, 0.35), rng.uniform(0, 0.25), freckles]),
        "lip_color": lips,
        "lip": np.array([rng.uniform(0.2, 1), rng.uniform(-0.08, 0.06), shade, rng.uniform(0, 0.8)]),
        "mouth": np.array([rng.uniform(0.35, 1.1), shade * rng.uniform(0.3, 1.3), rng.uniform(0.05, 1.2), 0]),
    }


def _hair_color(rng: Generator) -> NDArray[np.float64]:
    if rng.random() < 0.62:
        return np.array([0.03, 0.022, 0.018]) * rng.uniform(0.4, 2.5)
    spans: list[tuple[Span, Span, Span]] = [
        ((15, 45), (0.3, 0.75), (0.08, 0.6)),
        ((0, 60), (0, 0.12), (0.15, 0.8)),
        ((0, 360), (0.2, 0.9), (0.05, 0.7)),
    ]
    return random_color(rng, *spans[rng.choice(3, p=[0.6, 0.3, 0.1])])


def _brows(
    rng: Generator, chances: AppearanceSettings, hair_color: NDArray[np.float64], skin: NDArray[np.float64]
) -> Uniforms:
    """`brow`: half width in cm, taper, opacity, softness; `brow_shape`: height over the model's ridge in cm (people's
    brows lie lower than the mean head's more often than higher), slope, bow, reach."""
    own = np.array([0.05, 0.035, 0.025]) * rng.uniform(0.5, 3)
    color = hair_color * rng.uniform(0.5, 1.1) if rng.random() < 0.7 else own
    opacity = rng.uniform(0, 0.5) if rng.random() < chances.faint_brows else rng.uniform(0.5, 1.1)
    if rng.random() < chances.pale_brows:
        color = skin * rng.uniform(0.3, 1.15) * np.array([1.0, rng.uniform(0.75, 1.05), rng.uniform(0.6, 1.1)])
        opacity = rng.uniform(0.35, 1.0)
    width = rng.uniform(0.12, 0.3) if rng.random() < 0.3 else rng.uniform(0.3, 0.75)
    reach = rng.uniform(0.1, 0.5) if rng.random() < 0.06 else rng.normal(0, 0.06)  # brows that meet
    height = brow_heights_cm(rng, 1)[0]
    return {
        "brow_color": color,
        "brow": np.array([width, rng.random(), opacity, rng.uniform(0.15, 0.8)]),
        "brow_shape": np.array([height, rng.normal(0, 0.2), rng.normal(0, 0.16), reach]),
    }


def brow_heights_cm(rng: Generator, count: int) -> NDArray[np.float64]:
    """How far (count,) people's brows lie above the ridge of the head model; mostly below it."""
    return np.clip(rng.normal(-0.2, 0.32, count), -1.0, 0.5)


def _beard(
    rng: Generator, chances: AppearanceSettings, hair_color: NDArray[np.float64], skin: NDArray[np.float64]
) -> Uniforms:
    """`beard`: colour's strength, how far it is cut back, thickness and length in cm (0 = shaved or stubble)."""
    strength = rng.uniform(0.1, 0.95) if rng.random() < chances.beard else 0.0
    bushy = strength > 0.4 and rng.random() < chances.bush
    thick = rng.uniform(0.1, 0.9) if bushy else 0.0
    long = rng.uniform(0, 3.5) * rng.random() if bushy else 0.0
    color, cut = hair_color * rng.uniform(0.7, 1.3), rng.uniform(0.05, 0.55)
    if strength == 0.0 and rng.random() < chances.shaved:
        color, cut = skin * rng.uniform(0.2, 0.8) * np.array([0.8, 1.0, rng.uniform(1.0, 1.4)]), 0.05
        strength = rng.uniform(0.15, 0.8)
    return {"beard_color": color, "beard": np.array([strength, cut, thick, long])}


def _eyes(rng: Generator) -> Uniforms:
    spans: list[tuple[Span, Span, Span]] = [
        ((15, 40), (0.5, 0.9), (0.03, 0.3)),
        ((190, 230), (0.2, 0.7), (0.2, 0.7)),
        ((40, 120), (0.2, 0.5), (0.1, 0.4)),
    ]
    radius = rng.uniform(0.42, 0.53) if rng.random() < 0.92 else rng.uniform(0.5, 0.65)
    return {
        "iris_color": random_color(rng, *spans[rng.choice(3, p=[0.6, 0.25, 0.15])]),
        "iris": np.array([radius, rng.uniform(0.3, 0.6), rng.uniform(0.1, 1.2), rng.uniform(0.2, 1)]),
        "sclera": np.array([1, rng.uniform(0.9, 1), rng.uniform(0.85, 1)]) * rng.uniform(0.5, 0.95),
    }


def _eye_surroundings(rng: Generator, chances: AppearanceSettings) -> Uniforms:
    """`eye_shade`: what is left of the eyeball's colour, the corners' darkness, the socket's; `lid_lines`: darkness of
    the fold above the lid and its distance in cm, the same of the line below the eye."""
    left, corners, socket = 1.0, rng.uniform(0, 0.5), rng.uniform(0, 0.25)
    if rng.random() < chances.shaded_eyes:
        left, corners, socket = rng.uniform(0.12, 0.7), rng.uniform(0, 1), rng.uniform(0, 0.6)
    fold, below = rng.uniform(0.05, 0.6, 2) * (rng.random(2) < chances.lid_lines)
    return {
        "eye_shade": np.array([left, corners, socket, 0]),
        "lid_lines": np.array([fold, rng.uniform(0.12, 0.5), below, rng.uniform(0.25, 0.9)]),
    }


def _hair(rng: Generator, chances: AppearanceSettings, hair_color: NDArray[np.float64]) -> Uniforms:
    """`hair_line`: front height, temple depth, lower end, thickness; `hair_cut`: curve, nape, free ears, raggedness."""
    look = np.array([rng.uniform(0.2, 1.4), rng.uniform(-0.1, 0.6), rng.random() ** 2.5, rng.uniform(0.3, 1)])
    short = rng.random() < chances.short_hair
    front = rng.uniform(5.0, 7.4) if rng.random() < chances.fringe else rng.uniform(7.4, 11.0)
    temple = rng.uniform(-1.5, 2.0) if short else rng.uniform(0, 4.5)
    low = rng.uniform(-1, 3) if short else rng.uniform(-16, 0)
    thick = rng.uniform(0.15, 1.3) if short else rng.uniform(0.4, 2.6)
    free_ears = float(short or rng.random() < 0.3)
    return {
        "hair_color": hair_color,
        "hair": look,
        "hair_line": np.array([front, temple, low, thick]),
        "hair_cut": np.array([rng.uniform(-1.5, 0.8), rng.uniform(0, 0.6), free_ears, rng.uniform(0.2, 2.0)]),
    }


def _hat(rng: Generator) -> Uniforms:
    """A cap or a hat is hair with an even edge and another colour."""
    front = rng.uniform(6.8, 9.5)
    return {
        "hair_color": random_color(rng, (0, 360), (0, 0.9), (0.02, 0.8)),
        "hair": np.array([0.2, 1.0, rng.random() ** 2.5, rng.uniform(0.3, 1)]),
        "hair_line": np.array([front, rng.uniform(-1, 1), rng.uniform(4, 7), rng.uniform(0.5, 1.5)]),
        "hair_cut": np.array([0, 0, 0, 0.1]),
    }


def _makeup(rng: Generator, chances: AppearanceSettings) -> Uniforms:
    """`makeup`: upper and lower shade, place of the liner in cm outside the lid, strength of the liner."""
    worn = rng.random() < chances.makeup
    lower = max(0.0, rng.normal(0, 0.3)) if rng.random() < 0.3 else 0.0
    liner = rng.random() if worn else 0.0
    return {
        "makeup": np.array([max(0.0, rng.normal(0.1, 0.15)), lower, rng.uniform(-0.05, 0.05), liner]),
        "makeup_color": random_color(rng, (-40, 60), (0.2, 0.7), (0.1, 0.6)),
    }


def _light(rng: Generator) -> Uniforms:
    """Up to three lights, an ambient light that differs with direction, and how the skin shines."""
    count = int(rng.integers(1, 4))
    direction = rng.normal(0, 1, (3, 3))
    direction[:, 2] = np.abs(direction[:, 2]) * rng.uniform(0.2, 1.5)
    from_above = rng.random(3) < 0.75
    direction[:, 1] = np.where(from_above, np.abs(direction[:, 1]), direction[:, 1])
    color = np.zeros((3, 3))
    for row in range(count):
        saturation = rng.choice([0.08, 0.25, 0.6], p=[0.65, 0.28, 0.07])
        color[row] = random_color(rng, (0, 360), (0, saturation), (0.99, 1)) * rng.uniform(0.15, 1.1)
    strength = rng.uniform(0.2, 1.0)
    slope = rng.normal(0, 0.22, 3)[:, None] * np.ones((1, 3)) + rng.normal(0, 0.05, (3, 3))
    return {
        "ambient": random_color(rng, (0, 360), (0, 0.2), (0.99, 1)) * strength,
        "ambient_slope": slope * strength,
        "light_direction": direction,
        "light_color": color,
        "gloss": np.array(
            [rng.uniform(0, 0.35) ** 1.3, 2 ** rng.uniform(2.5, 5.5), rng.uniform(0, 0.6), rng.uniform(0, 0.6)]
        ),
    }


def _shadow(rng: Generator, chances: AppearanceSettings) -> Uniforms:
    """A soft straight shadow edge (normal, distance from the face's centre in cm, what is left of the light) and its
    softness; `shadow_soft.z` is the glint on spectacles."""
    glint = rng.random() * 0.6
    if rng.random() >= chances.shadow:
        return {"shadow_edge": np.array([0, 0, 1e3, 1.0]), "shadow_soft": np.array([1, 0, glint, 0])}
    angle = rng.uniform(0, 2 * np.pi)
    edge = np.array([np.cos(angle), np.sin(angle), rng.normal(0, 4), rng.uniform(0.25, 0.8)])
    return {"shadow_edge": edge, "shadow_soft": np.array([rng.uniform(0.1, 3), 0, glint, 0])}


def _clothes(rng: Generator) -> Uniforms:
    stripes = rng.uniform(0.05, 0.3) if rng.random() < 0.4 else 0.0
    under_hair = rng.random() if rng.random() < 0.5 else 0.0
    return {
        "cloth": random_color(rng, (0, 360), (0, 0.9), (0.01, 0.9)),
        "pattern": np.array([rng.normal(0, 0.4), rng.normal(0, 0.4), stripes, under_hair]),
        "solid": np.zeros(4),
    }


def _glasses(rng: Generator, chances: AppearanceSettings) -> Glasses | None:
    dice = rng.random()
    if dice >= chances.glasses:
        return None
    dark = dice < chances.sunglasses
    frame = random_color(rng, (0, 360), (0, 0.7), (0.0, 0.4 if rng.random() < 0.8 else 0.9))
    tint = random_color(rng, (0, 360), (0, 0.6), (0.0, 0.3 if dark else 0.9))
    opacity = rng.uniform(0.75, 1.0) if dark else rng.uniform(0, 0.12)
    return Glasses(
        half_width=rng.uniform(1.9, 2.8),
        half_height=rng.uniform(1.3, 2.2),
        squareness=rng.uniform(2, 6),
        wire=rng.uniform(0.05, 0.2),
        drop=rng.uniform(-0.6, 0.2),
        frame_color=(float(frame[0]), float(frame[1]), float(frame[2])),
        lens=(float(tint[0]), float(tint[1]), float(tint[2]), float(opacity)),
    )
