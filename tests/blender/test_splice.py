# SPDX-License-Identifier: GPL-3.0-or-later
"""Two takes on one character: in one Action, or as strips in the NLA; both show the same."""

import json

import bpy
import numpy as np
import pytest
from test_bake import curves_of, keys_of

from blender_addon.blender.baking import measure
from blender_addon.blender.capturing import live_link_takes
from blender_addon.core import live_link
from blender_addon.core.live_link import LiveLinkTake
from blender_addon.core.timecode import Timecode
from fomm_engine.wire.names import ARKIT_INDEX

COUNT = 45


@pytest.fixture
def two_takes(ready, tmp_path):
    """Beside the tiny take: one whose jaw is half open, whose brows are up and whose head is turned all the time."""
    arkit = np.zeros((COUNT, 52))
    arkit[:, ARKIT_INDEX["jawOpen"]], arkit[:, ARKIT_INDEX["browInnerUp"]] = 0.5, 0.7
    angles = np.tile([0.4, 0.0, 0.0], (COUNT, 1))
    angles[0] = 0.0
    take = LiveLinkTake(
        (30000, 1001),
        30,
        Timecode(0, 0, 0, 0.0),
        np.arange(COUNT) * 1001 / 30000,
        np.ones(COUNT, bool),
        arkit,
        live_link.matrices_from_angles(angles),
        np.zeros((COUNT, 2, 2)),
        np.zeros((COUNT, 2)),
    )
    path = tmp_path / "second.csv"
    live_link_takes.write_recording(take, path)
    bpy.ops.understudy.import_live_link(filepath=str(path), output=str(tmp_path / "second.capture.npz"))
    ready.take_index = 0
    ready.splice.use, ready.splice.take = True, "second"
    ready.splice.regions = {"jaw", "mouth"}
    return ready


def values(character, channel):
    return keys_of(curves_of(character.mesh.data.shape_keys)[(f'key_blocks["{channel}"].value', 0)])[1]


def test_the_mouth_of_one_and_the_eyes_of_the_other(two_takes, character):
    bpy.ops.understudy.bake()
    np.testing.assert_allclose(values(character, "jawOpen"), 0.5, atol=1e-5)
    assert values(character, "browInnerUp").max() < 0.3
    assert values(character, "eyeBlinkLeft").max() > 0.9
    action = character.armature.animation_data.action
    assert json.loads(action["understudy_splice"])["regions"] == ["jaw", "mouth"]
    assert action.name.startswith("tiny + second")


def test_between_two_frames_with_blends(two_takes, character):
    own = two_takes.splice
    own.use_range, own.first, own.last, own.blend_s = True, 10, 24, 4 / 24
    own.regions = {"brows"}
    bpy.ops.understudy.bake()
    brow = values(character, "browInnerUp")
    own.use = False
    bpy.ops.understudy.bake()
    alone = values(character, "browInnerUp")
    np.testing.assert_allclose(brow[13:20], 0.7, atol=1e-5)
    np.testing.assert_array_equal(np.delete(brow, np.arange(10, 23)), np.delete(alone, np.arange(10, 23)))
    assert np.abs(np.diff(brow)).max() < 0.35


def test_as_strips_it_is_the_same(scene, two_takes, character):
    own = two_takes.splice
    own.regions = {"brows", "head"}
    bpy.ops.understudy.bake()
    frames = range(two_takes.baked_first, two_takes.baked_last + 1)
    one = measure.measure(scene, frames)
    two_takes.bake.use_nla = True
    bpy.ops.understudy.bake()
    tracks = character.armature.animation_data.nla_tracks
    assert [track.strips[0].action.name.split(" ")[0] for track in tracks] == ["tiny", "second"]
    strips = measure.measure(scene, frames)
    np.testing.assert_allclose(strips.shape_values, one.shape_values, atol=1e-4)
    np.testing.assert_allclose(strips.head_rotation, one.head_rotation, atol=1e-3)


def test_strips_blend_at_the_ends_of_a_range(scene, two_takes, character):
    own = two_takes.splice
    own.use_range, own.first, own.last, own.blend_s, own.regions = True, 10, 24, 4 / 24, {"brows"}
    two_takes.bake.use_nla = True
    bpy.ops.understudy.bake()
    strip = character.mesh.data.shape_keys.animation_data.nla_tracks[1].strips[0]
    assert (strip.frame_start, strip.frame_end, round(strip.blend_in), round(strip.blend_out)) == (10, 24, 4, 4)
    measured = measure.measure(scene, range(1, two_takes.baked_last + 1))
    brow = measured.shape_values[:, measured.shape_names.index("browInnerUp")]
    np.testing.assert_allclose(brow[14:19], 0.7, atol=1e-4)
    assert brow[:8].max() < 0.3
    assert 0.1 < brow[11] < 0.69


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"take": "nobody"}, "no other take"),
        ({"take": "tiny"}, "is the take that is baked"),
        ({"regions": set()}, "no region"),
        ({"use_range": True, "first": 30, "last": 10}, "before it starts"),
    ],
)
def test_a_splice_that_is_none_is_refused(two_takes, change, sentence):
    for name, value in change.items():
        setattr(two_takes.splice, name, value)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.bake()
    assert len(bpy.data.actions) == 0
