# SPDX-License-Identifier: GPL-3.0-or-later
"""The take's ARKit weights before any edit: features, the regressor's opinion and the solver put together."""

from dataclasses import dataclass, replace

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from . import calibration, contact, expression, features
from .actor_calibration import ActorCalibration, calibration_of
from .array_types import FloatArray
from .contact import Contacts
from .priors import DEFAULT_PRIOR
from .settings import RetargetSettings
from .tracks import PerformanceTracks

REST_PERCENTILE = 10


@dataclass(frozen=True, slots=True)
class SolvedTake:
    """What a take shows before any edit: its neutral, the valid frames' weights (n, 52), contacts, share explained.

    It depends on the take and on the settings' neutral_frame and regressor_trust alone, so that it can be kept while
    the others are changed.
    """

    neutral: calibration.Neutral
    weights: FloatArray
    contacts: Contacts
    explained: float


def solve_take(tracks: PerformanceTracks, settings: RetargetSettings) -> SolvedTake:
    """Give what a take shows; raises ValueError when no frame shows a face or the neutral frame is not usable."""
    neutral = calibration.find_neutral(tracks, settings.neutral_frame)
    return SolvedTake(neutral, *solved_weights(tracks, neutral, settings))


def calibrate(tracks: PerformanceTracks, *, neutral_frame: int | None = None, actor: str = "") -> ActorCalibration:
    """Give an actor's own ranges from a range-of-motion take; raises ValueError when no frame shows a face."""
    neutral = calibration.find_neutral(tracks, neutral_frame)
    weights, _, _ = solved_weights(tracks, neutral, RetargetSettings(neutral_frame=neutral_frame))
    place = np.cumsum(tracks.valid) - 1
    return calibration_of(weights, place[neutral.rest_frames], actor=actor)


def solved_weights(
    tracks: PerformanceTracks, neutral: calibration.Neutral, settings: RetargetSettings
) -> tuple[FloatArray, Contacts, float]:
    """Give the valid frames' weights (n, 52) before any edit, the contacts that the landmarks show, and the share
    explained."""
    frames = np.flatnonzero(tracks.valid)
    contacts = contact.find_contacts(tracks, neutral_frame=neutral.frame)
    if tracks.arkit_is_exact:
        return _exact(tracks, settings), contacts, 1.0
    observation = features.observe(tracks, rest_frames=neutral.rest_frames, prior=DEFAULT_PRIOR)
    has_opinion = bool(tracks.arkit.any())  # a take of another tracker may come without
    opinion, trust = _opinion(tracks, neutral, settings), settings.regressor_trust if has_opinion else 0.0
    if settings.neutral_frame is None:
        lips_touch = float(contact.lips_apart(tracks)[neutral.frame]) <= contact.LIPS_APART
        rest_is_sure = lips_touch or not has_opinion
        bias = expression.estimate_row_bias(
            observation, frames=frames, opinion=opinion, trust=trust, rest_is_sure=rest_is_sure
        )
        observation = replace(observation, row_bias=bias)
    quick = lid_channels(contacts.lids[frames])
    solved = expression.solve_expression(observation, frames=frames, opinion=opinion, trust=trust, quick=quick)
    own = contact.in_own_range(solved.weights, tracks.neutral_cm, tracks.basis_cm)
    return own, contacts, solved.explained


def _exact(tracks: PerformanceTracks, settings: RetargetSettings) -> FloatArray:
    """Give the valid frames' own channels, (n, 52), against the neutral frame where the user chose one."""
    rest = tracks.arkit[settings.neutral_frame] if settings.neutral_frame is not None else 0.0
    return np.clip(tracks.arkit[tracks.valid] - rest, 0.0, 1.0)


def _opinion(tracks: PerformanceTracks, neutral: calibration.Neutral, settings: RetargetSettings) -> FloatArray:
    """Give the regressor's weights of the valid frames against rest, (n, 52).

    A neutral frame that was only searched for may show a little of a channel; then the take's own low counts as rest.
    """
    opinion = tracks.arkit[tracks.valid]
    rest = np.median(tracks.arkit[neutral.rest_frames], axis=0)
    if settings.neutral_frame is None:
        rest = np.minimum(rest, np.percentile(opinion, REST_PERCENTILE, axis=0))
    return np.clip(opinion - rest, 0.0, 1.0)


def lid_channels(lids: FloatArray) -> FloatArray:
    """Give which channels of which frames belong to a closing lid: (n, 2) -> (n, 52), frames around it included."""
    wide = np.maximum(lids, np.maximum(np.roll(lids, 1, 0), np.roll(lids, -1, 0)))
    wide[0], wide[-1] = lids[0], lids[-1]
    result = np.zeros((len(lids), len(ARKIT_CHANNELS)))
    result[:, ARKIT_INDEX["eyeBlinkRight"]] = wide[:, 0]
    result[:, ARKIT_INDEX["eyeBlinkLeft"]] = wide[:, 1]
    return result
