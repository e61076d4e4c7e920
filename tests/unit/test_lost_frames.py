# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames without a face are found, bridged or held as the setting says, and told with the scene's frames."""

from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core.lost_frames import changed_notes, lost_notes, lost_spans
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import Rig, ShapeControl
from blender_addon.core.settings import RetargetSettings
from blender_addon.core.timing import SceneClock, find_gaps
from fomm_engine.wire.names import ARKIT_CHANNELS
from tests.unit.made_take import acting, made_take, still

FRAMES = 90
RIG = Rig(tuple(ShapeControl(name, ((name, 1.0),)) for name in ARKIT_CHANNELS))
CLOCK = SceneClock(101, (24, 1), 0.5)


def take(*lost: tuple[int, int]):
    valid = np.ones(FRAMES, bool)
    for first, last in lost:
        valid[first : last + 1] = False
    return made_take(acting(FRAMES), still(FRAMES), valid=valid)


def test_spans_say_where_in_take_and_scene_and_what_is_done():
    spans = lost_spans(take((0, 2), (30, 32), (50, 70), (88, 89)), CLOCK, 0.5)
    assert [(span.first_frame, span.last_frame, span.bridged) for span in spans] == [
        *((0, 2, False), (30, 32, True)),
        *((50, 70, False), (88, 89, False)),
    ]
    assert [(span.scene_first, span.scene_last) for span in spans[1:3]] == [(137, 139), (153, 169)]
    assert spans[1].duration_s == pytest.approx(4 / 30)


def test_the_bridge_is_the_settings_own():
    tracks = take((30, 32))
    for bridge_s, bridged in ((0.0, False), (0.13, False), (0.14, True), (60.0, True)):
        settings = RetargetSettings(frame_rate=(30, 1), bridge_s=bridge_s)
        report = retarget(tracks, RIG, settings).report
        assert [span.bridged for span in report.lost_spans] == [bridged]
        assert report.lost_frames == 3


def test_a_held_pose_is_the_last_one_that_was_seen():
    result = retarget(take((40, 75)), RIG, RetargetSettings(frame_rate=(30, 1), smoothing=0.0))
    smile = result.arkit_weights
    assert np.allclose(smile[40:61], smile[39])
    assert np.abs(np.diff(smile[60:77], axis=0)).max() < 0.2
    note = next(note for note in result.notes if note.code == "gap-held")
    assert note.frames == tuple(range(40, 76))
    assert "Frames 41 to 76 show no face (1.23 s); the pose is held" in note.message


def test_each_gap_has_its_note_and_many_have_one():
    few = lost_spans(take((10, 11), (20, 21), (40, 60)), CLOCK, 0.5)
    assert [note.code for note in lost_notes(few)] == ["gap-bridged", "gap-bridged", "gap-held"]
    assert lost_notes(few)[0].frames == (10, 11)
    many = lost_spans(take(*((first, first + 1) for first in range(5, 85, 10))), CLOCK, 0.5)
    assert len(many) == 8
    (note,) = lost_notes(many)
    assert note.code == "gap-bridged"
    assert note.message == "8 short gaps without a face (16 frames in all) are crossed on a line."
    assert len(note.frames) == 16
    (note,) = lost_notes(tuple(replace(span, bridged=False) for span in many))
    assert note.code == "gap-held"
    assert "8 gaps without a face are too long to bridge (up to 0.10 s)" in note.message
    assert len(lost_notes(many[:6])) == 6
    assert len(lost_notes(tuple(replace(span, bridged=False) for span in many[:6]))) == 6
    assert lost_notes(()) == ()


def test_broken_and_sudden_frames_are_told_apart():
    one, none = np.array([False, True, True]), np.zeros(3, bool)
    assert changed_notes(none, none) == ()
    (note,) = changed_notes(one, none)
    assert (note.code, note.frames) == ("broken-frames", (1, 2))
    assert note.message.startswith("2 frames of the take hold values that no face has")
    (note,) = changed_notes(none, one)
    assert (note.code, note.frames) == ("head-jumps", (1, 2))
    assert "on 2 frames" in note.message


def test_gaps_are_found_at_the_ends_and_in_between():
    valid = np.array([False, True, False, False, True, False])
    assert [(gap.first, gap.last) for gap in find_gaps(valid, np.arange(6.0))] == [(0, 0), (2, 3), (5, 5)]
    assert find_gaps(np.ones(3, bool), np.arange(3.0)) == ()
