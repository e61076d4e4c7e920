# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a take and its mapping are, in figures: confidence, lost frames, jitter, range, dead channels, contacts.

Everything is small enough to be kept with the character as JSON: curves over time come in COLUMNS columns.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn, cast

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from . import take_confidence
from .array_types import FloatArray
from .curves import ContactEvent, RetargetResult
from .rig import Rig
from .timing import find_gaps
from .tracks import PerformanceTracks

COLUMNS = 128
IN_USE = 0.05  # of a channel's range
PARTS = ("eye_right", "eye_left", "lips")
_OUTER_EYES = (36, 45)  # the outer corners in the 68 landmarks, subject's right and left
# White noise of deviation s has third differences of deviation sqrt(20) s; slow motion has almost none. The factor from
# the median of their sizes to the deviation is that of the normal distribution (Rousseeuw, Croux, JASA 88, 1993).
_NOISE_OF_THIRD = 1.4826 / np.sqrt(20.0)


@dataclass(frozen=True, slots=True)
class TakeReport:
    """The figures.

    confidence 0..1: the mean over frames with a face of `take_confidence.frame_confidence`; confidence_columns: the
    lowest in each column, 0 where the face was lost. jitter: the noise
    of the landmarks as a share of the distance between the eyes, before any smoothing; jitter_columns likewise;
    jitter_left: what is left of it in the channels, as a share of their range. peaks {channel: largest value}.
    dead: channels with a control that the take does not use; unmapped: used channels without a control (empty where the
    rig was measured); at_limit: channels that stand at 1 for more than a tenth of the take. contacts {part: ((first,
    last), ...)} as shares of the take's length. head_deg: (lowest, highest) of yaw, pitch and roll against neutral.
    """

    frames: int
    duration_s: float
    lost: int
    longest_gap_s: float
    confidence: float
    confidence_columns: tuple[float, ...]
    jitter: float
    jitter_columns: tuple[float, ...]
    jitter_left: float
    peaks: dict[str, float]
    dead: tuple[str, ...]
    unmapped: tuple[str, ...]
    at_limit: tuple[str, ...]
    contacts: dict[str, tuple[tuple[float, float], ...]]
    head_deg: tuple[tuple[float, float], ...]
    explained: float

    def to_json(self) -> str:
        """Give the figures as ASCII JSON."""
        return json.dumps(asdict(self), ensure_ascii=True, allow_nan=False, sort_keys=True)


def from_json(text: str) -> TakeReport:
    """Give the figures back; raises ValueError for anything that `to_json` did not write."""
    data: Any = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    names = {field.name for field in fields(TakeReport)}
    if not isinstance(data, dict) or set(cast(dict[str, Any], data)) != names:
        raise ValueError("This is no report of a take.")
    return _read(cast(dict[str, Any], data))


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"A report holds no {word}.")


def _finite(text: str) -> float:
    value = float(text)
    return value if np.isfinite(value) else _refuse(text)


def _read(data: dict[str, Any]) -> TakeReport:
    try:
        contacts = {part: tuple((float(a), float(b)) for a, b in data["contacts"][part]) for part in PARTS}
        numbers = {name: float(data[name]) for name in ("duration_s", "longest_gap_s", "confidence", "jitter")}
        return TakeReport(
            frames=int(data["frames"]),
            lost=int(data["lost"]),
            **numbers,
            confidence_columns=_column_values(data["confidence_columns"]),
            jitter_columns=_column_values(data["jitter_columns"]),
            jitter_left=float(data["jitter_left"]),
            peaks={name: float(data["peaks"][name]) for name in ARKIT_CHANNELS},
            dead=_names(data["dead"]),
            unmapped=_names(data["unmapped"]),
            at_limit=_names(data["at_limit"]),
            contacts=contacts,
            head_deg=tuple((float(low), float(high)) for low, high in data["head_deg"]),
            explained=float(data["explained"]),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("This report of a take cannot be read.") from error


def report_of(tracks: PerformanceTracks, result: RetargetResult, rig: Rig) -> TakeReport:
    """Give the figures of a take and of what was made of it for a rig."""
    size_px = _eye_distance_px(tracks)
    sure, noise = _confidence(tracks), _landmark_noise(tracks, size_px)
    peaks = {name: float(result.arkit_weights[:, ARKIT_INDEX[name]].max()) for name in ARKIT_CHANNELS}
    driven = {channel for shape in rig.shapes for channel, _ in shape.channels}
    used = {name for name in ARKIT_CHANNELS if peaks[name] >= IN_USE}
    measured = rig.basis is not None
    return TakeReport(
        frames=tracks.frame_count,
        duration_s=round(float(tracks.time_s[-1] - tracks.time_s[0]), 6),
        lost=int((~tracks.valid).sum()),
        longest_gap_s=round(_longest_gap_s(tracks), 6),
        confidence=_rounded(sure[tracks.valid].mean() if tracks.valid.any() else 0.0),
        confidence_columns=_columns(sure, np.min),
        jitter=_rounded(np.median(noise[tracks.valid]) if tracks.valid.any() else 0.0),
        jitter_columns=_columns(noise, np.max),
        jitter_left=_rounded(_jitter_left(result)),
        peaks={name: _rounded(value) for name, value in peaks.items()},
        dead=tuple(name for name in ARKIT_CHANNELS if name in driven and name not in used),
        unmapped=() if measured else tuple(n for n in ARKIT_CHANNELS if n in used and n not in driven),
        at_limit=tuple(n for n in ARKIT_CHANNELS if (result.arkit_weights[:, ARKIT_INDEX[n]] >= 0.999).mean() > 0.1),
        contacts=_contacts(result.report.events, tracks.frame_count),
        head_deg=_head_range_deg(result),
        explained=_rounded(result.report.explained),
    )


def _eye_distance_px(tracks: PerformanceTracks) -> FloatArray:
    """Give each frame's distance between the outer corners of the eyes, (T,) px; at least one."""
    right, left = (tracks.landmarks_px[:, index] for index in _OUTER_EYES)
    return np.maximum(1.0, np.linalg.norm(left - right, axis=1))


def _confidence(tracks: PerformanceTracks) -> FloatArray:
    """Give how sure each frame is, (T,) in 0..1, as the list of takes shows it."""
    points = take_confidence.point_confidence(tracks.landmarks_sigma_px, tracks.landmarks_px, tracks.valid)
    return take_confidence.frame_confidence(points, tracks.valid)


def _landmark_noise(tracks: PerformanceTracks, size_px: FloatArray) -> FloatArray:
    """Give each frame's landmark noise as a share of the distance between the eyes, (T,); 0 next to lost frames."""
    noise = np.zeros(tracks.frame_count)
    if tracks.frame_count < 4:
        return noise
    third = np.diff(tracks.landmarks_px, n=3, axis=0)  # (T - 3, 68, 2)
    sizes = np.median(np.abs(third), axis=(1, 2)) * _NOISE_OF_THIRD
    whole = tracks.valid[:-3] & tracks.valid[1:-2] & tracks.valid[2:-1] & tracks.valid[3:]
    noise[1:-2] = np.where(whole, sizes / size_px[1:-2], 0.0)
    return noise


def _jitter_left(result: RetargetResult) -> float:
    """Give the noise in the channels that are in use, as a share of their range; 0 where none is."""
    used = result.arkit_weights[:, result.arkit_weights.max(0) >= IN_USE]
    if used.shape[1] == 0 or len(used) < 4:
        return 0.0
    return float(np.median(np.abs(np.diff(used, n=3, axis=0))) * _NOISE_OF_THIRD)


def _head_range_deg(result: RetargetResult) -> tuple[tuple[float, float], ...]:
    """Give the lowest and highest yaw, pitch and roll against neutral."""
    turn = result.head_rotation_relative
    yaw = np.arctan2(-turn[:, 2, 0], np.hypot(turn[:, 0, 0], turn[:, 1, 0]))
    pitch = -np.arctan2(turn[:, 2, 1], turn[:, 2, 2])
    roll = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    return tuple((_rounded(np.degrees(a.min())), _rounded(np.degrees(a.max()))) for a in (yaw, pitch, roll))


def _contacts(events: tuple[ContactEvent, ...], frames: int) -> dict[str, tuple[tuple[float, float], ...]]:
    last = max(1, frames)
    return {
        part: tuple(
            (_rounded(e.first_frame / last), _rounded((e.last_frame + 1) / last)) for e in events if e.part == part
        )
        for part in PARTS
    }


def _longest_gap_s(tracks: PerformanceTracks) -> float:
    return max((gap.duration_s for gap in find_gaps(tracks.valid, tracks.time_s)), default=0.0)


def _columns(values: FloatArray, of_column: Callable[[FloatArray], float]) -> tuple[float, ...]:
    """Give a curve over the frames in COLUMNS columns, of which each shows its frames' lowest or highest."""
    edges = np.linspace(0, len(values), COLUMNS + 1)
    starts, ends = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    return tuple(_rounded(of_column(values[a:b])) for a, b in zip(starts, ends, strict=True))


def _rounded(value: float) -> float:
    return round(float(value), 5)


def _column_values(values: Iterable[float]) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if len(found) != COLUMNS:
        raise ValueError("A curve of this report has another length.")
    return found


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in values if name in ARKIT_INDEX)
