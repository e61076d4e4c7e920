# SPDX-License-Identifier: GPL-3.0-or-later
"""What the region nets are trained for: distances, and above all that movements keep their size."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fomm_engine.face.region_nets import RegionOutput
from fomm_engine.face.regions import EYE_POINTS, MOUTH_POINTS
from fomm_engine.wire.names import IRIS_RIGHT, LANDMARKS

_FEWEST = 8  # with fewer patches a slope means nothing


def _rows(points: tuple[int, ...], name: str) -> list[int]:
    return [points.index(index) for index in LANDMARKS[name]]


_LIDS = (_rows(EYE_POINTS, "lid_upper_right"), _rows(EYE_POINTS, "lid_lower_right"))
_EYE = _rows(EYE_POINTS, "eye_right")
_BROW = _rows(EYE_POINTS, "brow_right")
_IRIS = EYE_POINTS.index(IRIS_RIGHT)
_LIPS = (_rows(MOUTH_POINTS, "lip_inner_upper"), _rows(MOUTH_POINTS, "lip_inner_lower"))
_OUTER = (_rows(MOUTH_POINTS, "lip_upper"), _rows(MOUTH_POINTS, "lip_lower"))
_CORNERS = (_rows(MOUTH_POINTS, "mouth_left"), _rows(MOUTH_POINTS, "mouth_right"))


@dataclass(frozen=True)
class RegionLossSettings:
    """Weights of the terms, and of the groups of points within them."""

    distance: float = 8.0
    wing: float = 16.0
    wing_scale: float = 0.03
    gap: float = 10.0
    slope: float = 0.4
    sigma: float = 0.05
    peak: float = 0.002
    peak_limit: float = 24.0
    brow: float = 0.7
    lids: float = 1.2
    iris: float = 1.3


def eye_loss(output: RegionOutput, points: Tensor, settings: RegionLossSettings) -> Tensor:
    """One number for a batch of eyes: points, lid gaps, the iris within an open eye, and the slopes of all three."""
    weight = torch.full((len(EYE_POINTS),), settings.lids)
    weight[_BROW] = settings.brow
    weight[_IRIS] = settings.iris
    found, true = (_eye_movements(each) for each in (output.points, points))
    is_open = _openness(points)
    look = (_look(output.points) - _look(points)).abs().sum(1) * is_open
    slopes = [
        slope(found[:, :1], true[:, :1]),
        slope(found[:, 1:2], true[:, 1:2]),
        slope(found[is_open > 0.8][:, 2:], true[is_open > 0.8][:, 2:]),
    ]
    return (
        _points_loss(output, points, weight / weight.mean(), settings)
        + settings.gap * (_gap(output.points, *_LIDS) - _gap(points, *_LIDS)).abs().sum(2).mean()
        + settings.gap * look.mean()
        + settings.slope * sum((1 - each).square().sum() for each in slopes)
    )


def mouth_loss(output: RegionOutput, points: Tensor, settings: RegionLossSettings) -> Tensor:
    """One number for a batch of mouths: points, gaps of the lips, and the slopes of opening, width and height."""
    found, true = (_mouth_movements(each) for each in (output.points, points))
    return (
        _points_loss(output, points, torch.ones(len(MOUTH_POINTS)), settings)
        + settings.gap * (_gap(output.points, *_LIPS) - _gap(points, *_LIPS)).abs().sum(2).mean()
        + settings.slope * (1 - slope(found, true)).square().sum()
    )


def peak_loss(logits: Tensor, settings: RegionLossSettings) -> Tensor:
    """What heatmaps (B, N, H, W) cost that grow too steep (see landmark_losses.peak_loss)."""
    highest = logits.flatten(2).amax(2).float()
    return settings.peak * (highest - settings.peak_limit).clamp_min(0).square().mean()


def slope(found: Tensor, true: Tensor) -> Tensor:
    """How much of the true differences between patches is found (D,), from values (B, D); 1 is right."""
    if len(true) < _FEWEST:
        return torch.ones(true.shape[1])
    found, true = found - found.mean(0), true - true.mean(0)
    return (found * true).sum(0) / true.square().sum(0).clamp_min(1e-9)


def region_scores(eye: RegionOutput, eye_points: Tensor, mouth: RegionOutput, mouth_points: Tensor) -> dict[str, float]:
    """Errors in percent of half a patch's side, slopes and correlations of movements, and honesty of sigma."""
    scores = {}
    for name, output, points, groups in (
        ("eye", eye, eye_points, {"lids": _EYE, "brow": _BROW, "iris": [_IRIS]}),
        ("mouth", mouth, mouth_points, {"outer": list(range(12)), "inner": list(range(12, 20))}),
    ):
        error = 100 * (output.points - points).norm(dim=2)
        scores |= {f"{group}_percent": float(error[:, rows].mean()) for group, rows in groups.items()}
        distance = (output.points - points).abs().sum(2)
        scores[f"{name}_sigma_ratio"] = float(distance.mean() / output.log_sigma.exp().mean())
    is_open = _openness(eye_points) > 0.8
    found, true = _eye_movements(eye.points), _eye_movements(eye_points)
    scores |= _agreement("lids", found[:, :1], true[:, :1]) | _agreement("brow", found[:, 1:2], true[:, 1:2])
    scores |= _agreement("look_along", found[is_open, 2:3], true[is_open, 2:3])
    scores |= _agreement("look_across", found[is_open, 3:], true[is_open, 3:])
    found, true = _mouth_movements(mouth.points), _mouth_movements(mouth_points)
    for column, name in enumerate(("lips", "lips_outer", "mouth_width")):
        scores |= _agreement(name, found[:, column : column + 1], true[:, column : column + 1])
    return scores


def _agreement(name: str, found: Tensor, true: Tensor) -> dict[str, float]:
    """Slope and correlation of one movement; nothing where there is too little to tell."""
    if len(true) < _FEWEST:
        return {}
    both = torch.cat([found, true], 1).T
    return {f"{name}_slope": float(slope(found, true)[0]), f"{name}_r": float(torch.corrcoef(both)[0, 1])}


def _points_loss(output: RegionOutput, points: Tensor, weight: Tensor, settings: RegionLossSettings) -> Tensor:
    """Distances, the wing that cares for the last pixel, and sigma for the *detached* distances."""
    distance = (output.points - points).abs().sum(2)
    wing = torch.log1p(distance / settings.wing_scale) * settings.wing_scale
    likelihood = distance.detach() * torch.exp(-output.log_sigma) + output.log_sigma
    return (
        settings.distance * (distance * weight).mean()
        + settings.wing * (wing * weight).mean()
        + settings.sigma * likelihood.mean()
    )


def _gap(points: Tensor, upper: list[int], lower: list[int]) -> Tensor:
    """Vectors (B, K, 2) between opposite points."""
    return points[:, upper] - points[:, lower]


def _look(points: Tensor) -> Tensor:
    """(B, 2) from the middle of the eye's outline to the iris."""
    return points[:, _IRIS] - points[:, _EYE].mean(1)


def _openness(points: Tensor) -> Tensor:
    """(B,) 0 where the lids touch, 1 from a quarter of the eye's width on."""
    width = (points[:, _EYE[3]] - points[:, _EYE[0]]).norm(dim=1).clamp_min(1e-3)
    return (4 * _gap(points, *_LIDS).mean(1).norm(dim=1) / width).clamp(0, 1)


def _eye_movements(points: Tensor) -> Tensor:
    """(B, 4) lids' opening, the brow's height over the eye, the iris along and across, in half patch sides."""
    opening = _gap(points, *_LIDS)[..., 1].mean(1)
    brow = points[:, _BROW, 1].mean(1) - points[:, _EYE, 1].mean(1)
    return torch.cat([opening[:, None], brow[:, None], _look(points)], 1)


def _mouth_movements(points: Tensor) -> Tensor:
    """(B, 3) opening between the inner lips, between the outer ones, and width, in half patch sides."""
    inner = _gap(points, *_LIPS)[..., 1].mean(1)
    outer = _gap(points, *_OUTER)[..., 1].mean(1)
    width = _gap(points, *_CORNERS)[:, 0].norm(dim=1)
    return torch.stack([inner, outer, width], 1)
