# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a take's report: known noise, known gaps, known contacts come out as they went in."""

import json
from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core import take_report
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import Rig, ShapeControl
from blender_addon.core.settings import RetargetSettings
from blender_addon.core.tracks import PerformanceTracks, PinholeCamera
from fomm_engine.wire.names import ARKIT_CHANNELS
from fomm_engine.wire.standard_face import standard_face

FRAMES, FPS = 90, 30
LOST = (40, 41, 42)


def made_tracks(noise_px=0.0, lost=()):
    """A jaw that opens twice, one smile, a head that turns to one side; landmarks with white noise."""
    face, time = standard_face(), np.arange(FRAMES)
    weights = np.zeros((FRAMES, 52))
    weights[:, ARKIT_CHANNELS.index("jawOpen")] = 0.7 * np.clip(np.sin(time / 14), 0, 1)
    weights[:, ARKIT_CHANNELS.index("mouthSmileLeft")] = 0.4 * np.clip(np.sin((time - 50) / 12), 0, 1)
    yaw = np.radians(20) * np.clip((time - 10) / 60, 0, 1)
    turn = np.tile(np.eye(3), (FRAMES, 1, 1))
    turn[:, 0, 0], turn[:, 0, 2], turn[:, 2, 0], turn[:, 2, 2] = np.cos(yaw), np.sin(yaw), -np.sin(yaw), np.cos(yaw)
    shift = np.tile([0.0, 0.0, -60.0], (FRAMES, 1))
    points = face.neutral_cm + np.einsum("tc,cpx->tpx", weights, face.expression_cm)
    seen = np.einsum("tij,tpj->tpi", turn, points) + shift[:, None]
    px = 256 + 900 * seen[..., :2] * (1, -1) / -seen[..., 2:]
    px = px + noise_px * np.random.default_rng(5).standard_normal(px.shape)
    valid = np.ones(FRAMES, bool)
    valid[list(lost)] = False
    return PerformanceTracks(
        time_s=time / FPS,
        valid=valid,
        landmarks_px=px[:, :68],
        landmarks_sigma_px=np.full((FRAMES, 68), 0.7),
        irises_px=px[:, 68:],
        irises_sigma_px=np.full((FRAMES, 2), 0.7),
        head_rotation=turn,
        head_translation_cm=shift,
        fomm_value=np.zeros((FRAMES, 10, 2)),
        fomm_jacobian=np.zeros((FRAMES, 10, 2, 2)),
        arkit=weights,
        neutral_cm=face.neutral_cm,
        basis_cm=face.expression_cm,
        camera=PinholeCamera(900, 256, 256),
        arkit_is_exact=True,
    )


def report(tracks, names=("jawOpen", "cheekPuff")):
    rig = Rig(tuple(ShapeControl(name, ((name, 1.0),)) for name in names))
    result = retarget(tracks, rig, RetargetSettings(frame_rate=(FPS, 1), smoothing=0.0))
    return take_report.report_of(tracks, result, rig)


def test_noise_comes_out_as_a_share_of_the_distance_between_the_eyes():
    tracks = made_tracks(noise_px=0.5)
    eyes_px = np.linalg.norm(tracks.landmarks_px[:, 45] - tracks.landmarks_px[:, 36], axis=1).mean()
    assert report(tracks).jitter == pytest.approx(0.5 / eyes_px, rel=0.1)
    assert report(made_tracks()).jitter < 1e-4


def test_lost_frames_are_counted_seen_and_not_averaged_in():
    found = report(made_tracks(lost=LOST))
    assert (found.frames, found.lost) == (FRAMES, 3)
    assert found.longest_gap_s == pytest.approx(4 / FPS, abs=1e-5)
    dark = {column for column, sure in enumerate(found.confidence_columns) if sure == 0}
    assert dark == set(range(int(40 / FRAMES * 128), int(np.ceil(43 / FRAMES * 128))))
    assert found.confidence == report(made_tracks()).confidence > 0.8


def test_an_unsure_tracker_shows():
    tracks = made_tracks()
    unsure = replace(tracks, landmarks_sigma_px=tracks.landmarks_sigma_px * 8)
    assert report(unsure).confidence < 0.6 * report(tracks).confidence


def test_what_is_used_and_what_is_not():
    found = report(made_tracks())
    assert found.peaks["jawOpen"] > 0.6
    assert found.dead == ("cheekPuff",)
    assert found.unmapped == ("mouthSmileLeft",)
    yaw, pitch, _ = found.head_deg
    assert yaw[1] - yaw[0] == pytest.approx(20, abs=0.5)
    assert pitch[1] - pitch[0] < 0.5


def test_it_comes_back_from_its_text():
    found = report(made_tracks(noise_px=0.3, lost=LOST))
    assert take_report.from_json(found.to_json()) == found
    assert len(found.to_json()) < 8000


@pytest.mark.parametrize(
    "change",
    [
        {"frames": "many"},
        {"peaks": {}},
        {"confidence_columns": [0.5]},
        {"contacts": []},
        {"head_deg": 3},
        {"extra": 1},
        {"jitter": None},
    ],
)
def test_another_text_is_refused(change):
    data = {**json.loads(report(made_tracks()).to_json()), **change}
    with pytest.raises(ValueError):
        take_report.from_json(json.dumps(data))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999", '"0.5x"'])
def test_what_is_no_number_is_refused(number):
    text = report(made_tracks()).to_json()
    before = json.dumps(json.loads(text)["jitter"])
    with pytest.raises(ValueError):
        take_report.from_json(text.replace(f'"jitter": {before}', f'"jitter": {number}'))


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"frames": 1}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(ValueError):
        take_report.from_json(text)


def test_a_take_of_few_frames():
    tracks = made_tracks()
    first = {
        name: getattr(tracks, name)[:2]
        for name in (
            "time_s",
            "valid",
            "landmarks_px",
            "landmarks_sigma_px",
            "irises_px",
            "irises_sigma_px",
            "head_rotation",
            "head_translation_cm",
            "fomm_value",
            "fomm_jacobian",
            "arkit",
        )
    }
    found = report(replace(tracks, **first))
    assert (found.frames, found.jitter, len(found.confidence_columns)) == (2, 0.0, 128)
