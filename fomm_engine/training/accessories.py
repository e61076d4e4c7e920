# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wears or holds before the face: how it is drawn at random. Lengths in cm, angles in radians."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from fomm_engine.training.random_color import random_color

Color = tuple[float, float, float]


@dataclass(frozen=True)
class AccessoryChances:
    """Shares of people who have each thing."""

    hand: float = 0.12
    second_hand: float = 0.25  # of those with a hand at the face
    locks: float = 0.2
    held: float = 0.07
    headphones: float = 0.06
    microphone: float = 0.05
    tongue: float = 0.06


@dataclass(frozen=True)
class Hand:
    """A hand that comes from `angle` (0 = subject's left, in the face's plane); its finger tips stop `overlap` of the
    way from the face's rim to the aim, one of "mouth", "chin", "eye" and "middle"."""

    angle_rad: float
    aim: str
    overlap: float
    spread: float
    size: float
    turn_rad: float


@dataclass(frozen=True)
class Locks:
    """Strands that hang from the hair line before the face: their places across the forehead (share of its half
    width, positive to the subject's left), how low they reach (0 = brows, 1 = chin), sideways drift and radius."""

    place: tuple[float, ...]
    reach: tuple[float, ...]
    drift_cm: tuple[float, ...]
    radius_cm: float
    shade: float


@dataclass(frozen=True)
class Held:
    """A "phone", "cup" or "sheet" near the face: its centre from the mouth, in the head's axes, and its colour."""

    kind: str
    offset_cm: tuple[float, float, float]
    tilt_rad: float
    size: float
    color: Color


@dataclass(frozen=True)
class Accessories:
    """Everything beside hair, beard and glasses; None and () where there is none. `brim` is (reach, share of the round,
    drop) of a hat's rim, `tongue` (length, sideways)."""

    hands: tuple[Hand, ...] = ()
    locks: Locks | None = None
    held: Held | None = None
    brim: tuple[float, float, float] | None = None
    headphones: Color | None = None
    microphone: float | None = None  # the side it comes from: -1 right, 1 left
    tongue: tuple[float, float] | None = None


def sample_accessories(rng: Generator, chances: AccessoryChances, *, hat: bool) -> Accessories:
    """Accessories drawn from `rng`; a brim only on those who wear a hat."""
    hands: tuple[Hand, ...] = ()
    if rng.random() < chances.hand:
        hands = tuple(_hand(rng) for _ in range(2 if rng.random() < chances.second_hand else 1))
    brim = (rng.uniform(2.0, 7.0), rng.choice([0.5, 1.0]), rng.uniform(-0.5, 2.0)) if rng.random() < 0.7 else None
    return Accessories(
        hands=hands,
        locks=_locks(rng) if rng.random() < chances.locks else None,
        held=_held(rng) if rng.random() < chances.held else None,
        brim=brim if hat else None,
        headphones=_color(rng) if rng.random() < chances.headphones else None,
        microphone=float(rng.choice([-1.0, 1.0])) if rng.random() < chances.microphone else None,
        tongue=(rng.uniform(0.8, 3.6), rng.normal(0, 0.4)) if rng.random() < chances.tongue else None,
    )


def _hand(rng: Generator) -> Hand:
    return Hand(
        angle_rad=rng.uniform(-np.pi, np.pi),
        aim=str(rng.choice(["mouth", "chin", "eye", "middle"])),
        overlap=rng.uniform(0.1, 1.0),
        spread=rng.uniform(0.8, 1.5),
        size=rng.uniform(0.8, 1.15),
        turn_rad=rng.normal(0, 0.5),
    )


def _locks(rng: Generator) -> Locks:
    """A few single strands, a curtain on one side, or a fringe across the whole forehead."""
    kind = int(rng.integers(0, 3))
    count = int(rng.integers(2, 7)) if kind == 0 else int(rng.integers(10, 22))
    middle, half = ((0.0, 0.9), (float(rng.choice([-0.6, 0.6])), 0.4), (0.0, 0.85))[kind]
    longest = (rng.uniform(0.1, 1.0), rng.uniform(0.2, 1.1), rng.uniform(-0.15, 0.25))[kind]
    return Locks(
        place=tuple(middle + half * rng.uniform(-1, 1, count)),
        reach=tuple(longest + rng.normal(0, 0.05, count)),
        drift_cm=tuple(rng.normal(0, 0.8) + rng.normal(0, 0.5, count)),
        radius_cm=rng.uniform(0.06, 0.16) if kind == 0 else rng.uniform(0.2, 0.45),
        shade=rng.uniform(0.7, 1.3),
    )


def _held(rng: Generator) -> Held:
    kind = str(rng.choice(["phone", "cup", "sheet"]))
    side = rng.choice([-1.0, 1.0])
    offset = {
        "phone": (side * rng.uniform(4, 9), rng.uniform(-3, 6), rng.uniform(-2, 3)),
        "cup": (rng.normal(0, 1.0), rng.uniform(-5, -1), rng.uniform(3.5, 6)),
        "sheet": (rng.normal(0, 3), rng.uniform(-9, -3), rng.uniform(4, 8)),
    }[kind]
    x, y, z = (float(value) for value in offset)
    return Held(kind, (x, y, z), rng.normal(0, 0.4), rng.uniform(0.8, 1.2), _color(rng))


def _color(rng: Generator) -> Color:
    red, green, blue = random_color(rng, (0, 360), (0, 0.8), (0.02, 0.9))
    return float(red), float(green), float(blue)
