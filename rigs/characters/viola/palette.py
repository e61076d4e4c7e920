# SPDX-License-Identifier: GPL-3.0-or-later
"""Viola's colours, linear RGB, in one place: meshes are tinted and materials made from them."""

from __future__ import annotations

Colour = tuple[float, float, float]

SKIN: Colour = (0.56, 0.265, 0.155)
BLUSH: Colour = (0.62, 0.20, 0.135)
LIPS: Colour = (0.44, 0.10, 0.085)
MOUTH: Colour = (0.30, 0.055, 0.05)
GUMS: Colour = (0.50, 0.16, 0.15)
TEETH: Colour = (0.86, 0.82, 0.74)
TONGUE: Colour = (0.62, 0.20, 0.19)
SCLERA: Colour = (0.82, 0.79, 0.76)
IRIS: Colour = (0.10, 0.215, 0.09)
LIMBUS: Colour = (0.02, 0.025, 0.018)
PUPIL: Colour = (0.003, 0.003, 0.003)
HAIR: Colour = (0.105, 0.032, 0.014)
BROW: Colour = (0.055, 0.018, 0.009)
LASH: Colour = (0.010, 0.006, 0.005)
CLOTH: Colour = (0.03, 0.13, 0.17)
