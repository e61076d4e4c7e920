# SPDX-License-Identifier: GPL-3.0-or-later
"""What the landmark net is trained for, and what it is measured by."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fomm_engine.face.nets import LandmarkOutput
from fomm_engine.wire.names import IRIS_LEFT, IRIS_RIGHT, LANDMARKS, POINT_COUNT

_LID_PAIRS = (("lid_upper_right", "lid_lower_right"), ("lid_upper_left", "lid_lower_left"))
_FEWEST_EYES = 8  # with fewer open ones a slope means nothing
_LIP_PAIR = ("lip_inner_upper", "lip_inner_lower")


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms, and of the groups of points within them."""

    distance: float = 10.0
    wing: float = 20.0
    wing_scale: float = 0.02
    gap: float = 10.0
    gaze: float = 12.0
    gain: float = 0.5
    sigma: float = 0.05
    rotation: float = 1.0
    peak: float = 0.002
    peak_limit: float = 24.0  # logit of a heatmap's highest cell that costs nothing
    eyes: float = 2.2
    irises: float = 3.0
    lips_outer: float = 1.4
    lips_inner: float = 1.8
    jaw: float = 0.5


def point_weights(settings: LossSettings) -> Tensor:
    """Weight of each of the 70 points, 1 on average."""
    weight = torch.ones(POINT_COUNT)
    weight[list(LANDMARKS["jaw"])] = settings.jaw
    weight[[*LANDMARKS["eye_right"], *LANDMARKS["eye_left"]]] = settings.eyes
    weight[list(LANDMARKS["lips_outer"])] = settings.lips_outer
    weight[list(LANDMARKS["lips_inner"])] = settings.lips_inner
    weight[[IRIS_RIGHT, IRIS_LEFT]] = settings.irises
    return weight / weight.mean()


def landmark_loss(output: LandmarkOutput, points: Tensor, rotation: Tensor, settings: LossSettings) -> Tensor:
    """One number for a batch: distances, a logarithmic wing that cares for the last pixel, gaps of lids and lips,
    the rotation, and the likelihood of sigma for the *detached* distances (a hard point is never weighted down)."""
    distance = (output.points - points).abs().sum(2)
    weight = point_weights(settings)
    wing = torch.log1p(distance / settings.wing_scale) * settings.wing_scale
    likelihood = distance.detach() * torch.exp(-output.log_sigma) + output.log_sigma
    return (
        settings.distance * (distance * weight).mean()
        + settings.wing * (wing * weight).mean()
        + settings.gap * (gaps(output.points) - gaps(points)).abs().sum(2).mean()
        + settings.gaze * ((looks(output.points) - looks(points)).abs().sum(2) * openness(points)).mean()
        + settings.gain * (1 - gaze_gains(output.points, points)).square().sum()
        + settings.sigma * likelihood.mean()
        + settings.rotation * (output.rotation - rotation).square().sum((1, 2)).mean()
    )


def peak_loss(logits: Tensor, settings: LossSettings) -> Tensor:
    """What heatmaps (B, N, H, W) cost that grow too steep.

    The expectation needs several cells; once a map has shrunk to one, its position is rounded to the cell and its
    gradient vanishes. A high learning rate drives maps there and this term keeps them away.
    """
    highest = logits.flatten(2).amax(2).float()
    return settings.peak * (highest - settings.peak_limit).clamp_min(0).square().mean()


def gaps(points: Tensor) -> Tensor:
    """Vectors (B, 7, 2) between opposite points of lids and inner lips."""
    pairs = (*_LID_PAIRS, _LIP_PAIR)
    upper = [index for pair in pairs for index in LANDMARKS[pair[0]]]
    lower = [index for pair in pairs for index in LANDMARKS[pair[1]]]
    return points[:, upper] - points[:, lower]


def looks(points: Tensor) -> Tensor:
    """Vectors (B, 2, 2) from the middle of each eye's outline to its iris, subject's right eye first."""
    middles = [points[:, list(LANDMARKS[name])].mean(1) for name in ("eye_right", "eye_left")]
    return points[:, [IRIS_RIGHT, IRIS_LEFT]] - torch.stack(middles, 1)


def openness(points: Tensor) -> Tensor:
    """How open each eye is (B, 2), subject's right first: 0 where the lids touch, 1 from a quarter of its width on."""
    shares = []
    for side in ("right", "left"):
        ends = [points[:, LANDMARKS["eye_" + side][place]] for place in (0, 3)]
        upper, lower = (points[:, list(LANDMARKS[f"lid_{lid}_{side}"])].mean(1) for lid in ("upper", "lower"))
        shares.append((upper - lower).norm(dim=1) / (ends[1] - ends[0]).norm(dim=1).clamp_min(1e-3))
    return (4 * torch.stack(shares, 1)).clamp(0, 1)


def gaze_gains(found: Tensor, points: Tensor) -> Tensor:
    """How much of the irises' true movement within open eyes is found (2,): slopes of found offsets over true ones,
    along and across each eye's axis; 1 is right. Eyes less open than a fifth of their width do not count.

    A net that is unsure of what it sees does best on average by seeing too little of it, and actors who look about
    would then never look far; as a loss this holds the slope at 1 whatever the uncertainty.
    """
    is_open = openness(points) > 0.8
    offsets = []
    for row, side in enumerate(("right", "left")):
        ends = [points[:, LANDMARKS["eye_" + side][place]] for place in (0, 3)]
        width = (ends[1] - ends[0]).norm(dim=1, keepdim=True).clamp_min(1e-3)
        along = (ends[1] - ends[0]) / width
        axes = torch.stack([along, torch.stack([-along[:, 1], along[:, 0]], 1)], 1) / width[:, None]
        both = [(axes @ looks(each)[:, row, :, None])[..., 0] for each in (points, found)]
        offsets.append(torch.stack(both)[:, is_open[:, row]])
    truth, seen = torch.cat(offsets, 1)
    if len(truth) < _FEWEST_EYES:
        return torch.ones(2)
    truth, seen = truth - truth.mean(0), seen - seen.mean(0)
    return (truth * seen).sum(0) / truth.square().sum(0).clamp_min(1e-9)


def landmark_scores(output: LandmarkOutput, points: Tensor, rotation: Tensor) -> dict[str, float]:
    """Errors in percent of the distance of the outer eye corners (at least .12 of the half crop), rotation in degrees.

    `frontal` counts the frames whose head looks within 35 degrees of the camera.
    """
    outer = [*LANDMARKS["eye_right_outer"], *LANDMARKS["eye_left_outer"]]
    unit = (points[:, outer[0]] - points[:, outer[1]]).norm(dim=1).clamp_min(0.12)
    error = 100 * (output.points - points).norm(dim=2) / unit[:, None]
    inner = list(LANDMARKS["inner51"])
    frontal = rotation[:, 2, 2] > 0.82
    turn = (output.rotation.transpose(1, 2) @ rotation).diagonal(dim1=1, dim2=2).sum(1)
    groups = {
        "all68": list(range(POINT_COUNT - 2)),
        "inner51": inner,
        "eyes": [*LANDMARKS["eye_right"], *LANDMARKS["eye_left"]],
        "mouth": [*LANDMARKS["lips_outer"], *LANDMARKS["lips_inner"]],
        "irises": [IRIS_RIGHT, IRIS_LEFT],
    }
    scores = {f"{name}_percent": float(error[:, ids].mean()) for name, ids in groups.items()}
    scores["inner51_frontal_percent"] = float(error[frontal][:, inner].mean())
    scores["rotation_deg"] = float(torch.rad2deg(torch.acos(((turn - 1) / 2).clamp(-1, 1))).mean())
    difference = (euler_deg(output.rotation) - euler_deg(rotation)).abs().mean(0)
    scores |= dict(zip(("yaw_deg", "pitch_deg", "roll_deg"), difference.tolist(), strict=True))
    gains = gaze_gains(output.points, points).tolist()
    scores |= dict(zip(("gaze_gain_along", "gaze_gain_across"), gains, strict=True))
    return scores | sigma_scores(output, points)


def sigma_scores(output: LandmarkOutput, points: Tensor) -> dict[str, float]:
    """How honest sigma is at the inner 51 points. sigma stands for the mean of |dx| + |dy|: `sigma_ratio` is that mean
    over sigma (1 is right), `sigma_worst_ratio` the one furthest from 1 among eighths of the points by their sigma."""
    inner = list(LANDMARKS["inner51"])
    error = (output.points - points).abs().sum(2)[:, inner].flatten()
    sigma = output.log_sigma[:, inner].flatten().exp()
    parts = sigma.argsort().chunk(8)
    ratios = [float(error[rows].mean() / sigma[rows].mean()) for rows in parts]
    return {
        "sigma_ratio": float(error.mean() / sigma.mean()),
        "sigma_worst_ratio": max(ratios, key=lambda ratio: abs(ratio - 1)),
    }


def euler_deg(rotation: Tensor) -> Tensor:
    """Yaw, pitch and roll (B, 3) in degrees of R = Rz(roll) Ry(yaw) Rx(-pitch)."""
    yaw = torch.atan2(-rotation[:, 2, 0], torch.hypot(rotation[:, 0, 0], rotation[:, 1, 0]))
    pitch = -torch.atan2(rotation[:, 2, 1], rotation[:, 2, 2])
    roll = torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return torch.rad2deg(torch.stack([yaw, pitch, roll], 1))
