# SPDX-License-Identifier: GPL-3.0-or-later
"""The match report: what it says before the bake, what the user changes, what a preset keeps."""

import json

import bpy
import numpy as np
import pytest
from test_bake import curves_of, keys_of
from tiny_character import make_character

from blender_addon.blender import paths
from blender_addon.blender.characters import match_report, presets
from blender_addon.core import rig_map
from fomm_engine.wire.names import ARKIT_CHANNELS


@pytest.fixture
def own_presets(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "folder", lambda: tmp_path / "presets")
    return tmp_path / "presets"


@pytest.fixture
def partial(scene, own_presets, take_path):
    """A character that lacks six channels, calls the jaw something else, and has two keys for one blink."""
    keys = [name for name in ARKIT_CHANNELS if not name.startswith(("cheek", "nose")) and name != "jawOpen"]
    keys = [name for name in keys if name != "eyeBlinkLeft"] + ["A.eyeBlinkLeft", "B.eyeBlinkLeft", "Mund auf"]
    character = make_character("Ada", keys=keys)
    bpy.ops.understudy.import_take(filepath=str(take_path))
    bpy.ops.understudy.choose_character()
    return character


def own(scene=None):
    return bpy.context.scene.understudy.character


def choose(channel):
    own().match_index = own().matches.find(channel)
    return own().matches[own().match_index]


def test_the_report_stands_before_the_bake(partial):
    found = match_report.counts(own())
    assert (found.matched, found.ambiguous, found.overrides) == (46, 1, 0)
    assert set(found.missing) == {name for name in ARKIT_CHANNELS if name.startswith(("cheek", "nose"))} | {"jawOpen"}
    assert match_report.sentence(own()).startswith("46 of 52 matched; missing jawOpen, cheekPuff")
    assert "1 ambiguous" in match_report.sentence(own())
    states = {match.name: match_report.state_of(match) for match in own().matches}
    assert (states["jawOpen"], states["eyeBlinkLeft"], states["mouthLeft"]) == ("missing", "ambiguous", "matched")


def test_a_row_that_the_user_sets_is_baked(partial):
    row = choose("jawOpen")
    row.targets[0].control, row.targets[0].weight = "Mund auf", 0.5
    assert match_report.counts(own()).matched == 47
    bpy.ops.understudy.bake()
    opened = keys_of(curves_of(partial.mesh.data.shape_keys)[('key_blocks["Mund auf"].value', 0)])[1]
    assert opened.max() == pytest.approx(0.4, abs=0.05)
    bpy.ops.understudy.refresh_match()
    assert match_report.state_of(choose("jawOpen")) == "override"
    bpy.ops.understudy.choose_character()
    assert choose("jawOpen").targets[0].control == "Mund auf"


def test_an_emptied_row_drives_nothing(partial):
    choose("mouthPucker").targets[0].control = ""
    bpy.ops.understudy.bake()
    paths_written = {path for path, _ in curves_of(partial.mesh.data.shape_keys)}
    assert 'key_blocks["mouthPucker"].value' not in paths_written
    assert 'key_blocks["mouthFunnel"].value' in paths_written


def test_controls_are_added_taken_off_and_reset(partial):
    choose("eyeBlinkLeft")
    bpy.ops.understudy.add_target(control="B.eyeBlinkLeft", replace=True)
    assert choose("eyeBlinkLeft").rows() == (("B.eyeBlinkLeft", 1.0),)
    bpy.ops.understudy.add_target(control="Mund auf")
    assert len(choose("eyeBlinkLeft").rows()) == 2
    bpy.ops.understudy.remove_target(index=0)
    assert choose("eyeBlinkLeft").rows() == (("Mund auf", 1.0),)
    bpy.ops.understudy.reset_match()
    assert choose("eyeBlinkLeft").rows() == (("A.eyeBlinkLeft", 1.0),)
    with pytest.raises(RuntimeError, match="no control Nase"):
        bpy.ops.understudy.add_target(control="Nase")
    with pytest.raises(RuntimeError, match="no control number 8"):
        bpy.ops.understudy.remove_target(index=7)


def test_a_preset_is_found_again_by_itself(partial, own_presets):
    choose("jawOpen").targets[0].control = "Mund auf"
    bpy.context.scene.understudy.retarget.channels["jawOpen"].gain = 1.5
    bpy.ops.understudy.save_rig_map(name="Studio")
    assert [path.name for path in own_presets.iterdir()] == ["Studio.rigmap.json"]
    assert (own().rig_map, own().rig_map_status, match_report.counts(own()).overrides) == ("Studio", "user", 0)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    make_character("Bea", keys=["Mund auf", *(name for name in ARKIT_CHANNELS if name != "jawOpen"), "A.eyeBlinkLeft"])
    bpy.ops.understudy.choose_character()
    assert own().rig_map == "Studio"
    assert choose("jawOpen").rows() == (("Mund auf", 1.0),)
    bpy.ops.understudy.load_rig_map_settings()
    assert bpy.context.scene.understudy.retarget.channels["jawOpen"].gain == 1.5
    bpy.ops.understudy.delete_rig_map()
    assert own().rig_map == "arkit"
    assert list(own_presets.iterdir()) == []


def test_a_map_goes_out_and_comes_back(partial, own_presets, tmp_path):
    choose("jawOpen").targets[0].control = "Mund auf"
    target = tmp_path / "out" / "mine.json"
    bpy.ops.understudy.export_rig_map(filepath=str(target))
    data = json.loads(target.read_text("ascii"))
    assert (data["format"], data["version"]) == (rig_map.FORMAT, [1, 0])
    bpy.ops.understudy.reset_match(all=True)
    assert match_report.counts(own()).matched == 46
    bpy.ops.understudy.import_rig_map(filepath=str(target))
    assert match_report.counts(own()).matched == 47
    bpy.ops.understudy.import_rig_map(filepath=str(target))
    assert sorted(path.name for path in own_presets.iterdir()) == ["mine 2.rigmap.json", "mine.rigmap.json"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no rig map that can be read"),
        ("[1, 2]", "another kind"),
        ('{"format": "understudy-rig-map", "version": [9, 0], "name": "x"}', "version 9.0"),
        ("[" * 100_000, "no rig map that can be read"),
        ('{"format": "understudy-rig-map", "version": [1, 0], "name": "x", "targets": 5}', "cannot be read"),
    ],
)
def test_files_that_are_no_rig_map_are_refused(partial, tmp_path, own_presets, text, sentence):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.understudy.import_rig_map(filepath=str(path))
    assert not own_presets.exists()


def test_another_map_can_be_chosen_and_an_unsure_one_says_so(scene, own_presets):
    maps = {path.stem: json.loads(path.read_text("ascii")) for path in paths.convention_files()}
    names = dict.fromkeys(name for rows in maps["vrm1_expressions"]["targets"].values() for name, _ in rows)
    make_character("Eve", keys=[*names, *ARKIT_CHANNELS[:20]])
    bpy.ops.understudy.choose_character()
    assert own().rig_map == "arkit"
    assert "vrm1_expressions" in own().maps
    bpy.ops.understudy.choose_rig_map(name="vrm1_expressions")
    assert (own().rig_map, own().rig_map_status) == ("vrm1_expressions", "derived")
    assert "is derived: look at the result" in own().remarks
    assert match_report.counts(own()).matched == len(maps["vrm1_expressions"]["targets"])
    bpy.ops.understudy.choose_rig_map(name="")
    assert own().rig_map == "arkit"


def test_bones_can_be_chosen(scene, own_presets):
    make_character(
        "Ivo",
        keys=(),
        bones=(
            ("rumpf", (0, 0, 0), (0, 0, 1), None),
            ("kugel", (0, 0, 1), (0, 0, 1.3), "rumpf"),
            ("head", (0, 0, 1), (0, 0, 1.2), "rumpf"),
        ),
    )
    bpy.ops.understudy.choose_character()
    assert [entry.name for entry in own().bones] == ["head"]
    own().bone_choices["head"].bone = "kugel"
    own().bone_choices["neck"].bone = "rumpf"
    bpy.ops.understudy.refresh_match()
    assert {entry.name: entry.role for entry in own().bones} == {"kugel": "head", "rumpf": "neck"}


def test_the_report_of_another_character_starts_anew(partial):
    choose("jawOpen").targets[0].control = "Mund auf"
    make_character("Bea")
    bpy.ops.understudy.choose_character(object="Bea Rig")
    assert match_report.counts(own()).overrides == 0
    assert choose("jawOpen").rows() == (("jawOpen", 1.0),)


def test_the_table_changes_what_is_baked(ready, character):
    channels = ready.retarget.channels
    channels["jawOpen"].maximum = 0.25
    channels["eyeBlinkLeft"].mute = True
    bpy.ops.understudy.bake()
    curves = curves_of(character.mesh.data.shape_keys)
    assert keys_of(curves[('key_blocks["jawOpen"].value', 0)])[1].max() == pytest.approx(0.25)
    assert keys_of(curves[('key_blocks["eyeBlinkLeft"].value', 0)])[1].max() == 0.0
    assert keys_of(curves[('key_blocks["eyeBlinkRight"].value', 0)])[1].max() > 0.9
    channels["jawOpen"].solo = True
    bpy.ops.understudy.bake()
    curves = curves_of(character.mesh.data.shape_keys)
    assert keys_of(curves[('key_blocks["eyeBlinkRight"].value', 0)])[1].max() == 0.0
    bpy.ops.understudy.reset_channels()
    assert (channels["jawOpen"].maximum, channels["jawOpen"].solo, channels["eyeBlinkLeft"].mute) == (1.0, False, False)


def test_a_response_is_drawn_baked_saved_and_kept_in_presets(ready, character, tmp_path):
    from blender_addon.blender.characters import channel_settings, response_curves

    settings = ready.retarget
    bpy.ops.understudy.bake()
    straight = keys_of(curves_of(character.mesh.data.shape_keys)[('key_blocks["jawOpen"].value', 0)])[1]
    settings.channel_index = settings.channels.find("jawOpen")
    bpy.ops.understudy.edit_response()
    response_curves.set_points(settings, "jawOpen", ((0.0, 0.0), (0.5, 0.5), (1.0, 0.5)))
    kept = channel_settings.plain(settings)
    path = str(tmp_path / "curves.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    bpy.ops.understudy.bake()
    bent = keys_of(curves_of(bpy.data.objects["Ada Face"].data.shape_keys)[('key_blocks["jawOpen"].value', 0)])[1]
    assert straight.max() > 0.7 > bent.max()
    np.testing.assert_allclose(bent.max(), 0.5, atol=0.06)
    settings = bpy.context.scene.understudy.retarget
    bpy.ops.understudy.edit_response(remove=True)
    assert not settings.channels["jawOpen"].use_curve
    assert channel_settings.apply(settings, json.loads(json.dumps(kept))) == 8
    assert response_curves.points(settings, "jawOpen") == ((0.0, 0.0), (0.5, 0.5), (1.0, 0.5))
    with pytest.raises(ValueError, match="settings of jawOpen"):
        channel_settings.apply(settings, {"channels": {"jawOpen": {"gain": "much"}}})


def test_only_selected_channels_are_written_and_the_rest_stays(ready, character):
    bpy.ops.understudy.bake()
    before = keys_of(curves_of(character.mesh.data.shape_keys)[('key_blocks["eyeBlinkLeft"].value', 0)])[1]
    ready.retarget.gain, ready.bake.selected_only, ready.bake.head = 0.5, True, False
    bpy.ops.understudy.select_channels(action="NONE")
    with pytest.raises(RuntimeError, match="None of the selected channels"):
        bpy.ops.understudy.bake()
    ready.retarget.channels["jawOpen"].selected = True
    bpy.ops.understudy.bake()
    curves = curves_of(character.mesh.data.shape_keys)
    assert len(curves) == 52
    np.testing.assert_array_equal(keys_of(curves[('key_blocks["eyeBlinkLeft"].value', 0)])[1], before)
    assert keys_of(curves[('key_blocks["jawOpen"].value', 0)])[1].max() < 0.6
    ready.bake.selected_only = False
    bpy.ops.understudy.bake()
    assert len(curves_of(character.mesh.data.shape_keys)) == 52


def test_a_strip_in_the_nla_plays_what_an_action_would(scene, ready, character):
    from blender_addon.blender.baking import measure

    bpy.ops.understudy.bake()
    frames = range(ready.baked_first, ready.baked_last + 1)
    played = measure.measure(scene, frames)
    ready.bake.use_nla = True
    bpy.ops.understudy.bake()
    for owner in (character.mesh.data.shape_keys, character.armature):
        assert owner.animation_data.action is None
        assert [len(track.strips) for track in owner.animation_data.nla_tracks] == [1]
    strip = measure.measure(scene, frames)
    np.testing.assert_allclose(strip.shape_values, played.shape_values, atol=1e-4)
    np.testing.assert_allclose(strip.head_rotation, played.head_rotation, atol=1e-4)


def test_the_last_bake_is_replaced_where_that_is_wanted(ready):
    bpy.ops.understudy.bake()
    first = set(ready.baked.split(", "))
    ready.bake.replace = True
    bpy.ops.understudy.bake()
    assert not first & set(bpy.data.actions.keys())
    assert len(bpy.data.actions) == 2


def test_the_neutral_frame_is_shown_and_taken_from_the_scene(scene, ready):
    scene.frame_set(7)
    bpy.ops.understudy.use_current_neutral()
    assert not ready.retarget.auto_neutral
    assert ready.retarget.neutral_frame == round(6 / 24 * 30000 / 1001)
    scene.frame_set(30)
    bpy.ops.understudy.show_neutral()
    assert scene.frame_current == 7
    scene.frame_set(500)
    with pytest.raises(RuntimeError, match="not on frame 500"):
        bpy.ops.understudy.use_current_neutral()
    scene.frame_set(round(20.5 / 30 * 24) + 1)
    with pytest.raises(RuntimeError, match="no face on frame"):
        bpy.ops.understudy.use_current_neutral()


def test_keys_are_reduced_with_a_stated_error(ready, character):
    bpy.ops.understudy.bake()
    full = {key: keys_of(curve)[1] for key, curve in curves_of(character.mesh.data.shape_keys).items()}
    ready.bake.reduce, ready.bake.tolerance = True, 0.02
    for bezier in (True, False):
        ready.bake.bezier = bezier
        bpy.ops.understudy.bake()
        curves = curves_of(character.mesh.data.shape_keys)
        frames = range(ready.baked_first, ready.baked_last + 1)
        for key, values in full.items():
            seen = np.array([curves[key].evaluate(frame) for frame in frames])
            assert np.abs(seen - values).max() <= 0.0201 * max(np.ptp(values), 1e-6) + 1e-6, key
        jaw = curves[('key_blocks["jawOpen"].value', 0)]
        assert len(jaw.keyframe_points) < len(frames) / 2
        assert jaw.keyframe_points[0].interpolation == ("BEZIER" if bezier else "LINEAR")
        head = curves_of(character.armature)[('pose.bones["head"].rotation_quaternion', 0)]
        others = [curves_of(character.armature)[('pose.bones["head"].rotation_quaternion', i)] for i in range(1, 4)]
        assert all((keys_of(other)[0] == keys_of(head)[0]).all() for other in others)
        told = json.loads(character.armature.animation_data.action["understudy_reduction"])
        assert told["error"] == 0.02
        assert 0.0 < told["largest_error"] <= 0.0201
    assert "% off at most" in ready.reduced


def test_a_third_of_the_keys_keeps_the_blink(ready, character):
    ready.bake.reduce = ready.bake.limit_keys = True
    ready.bake.key_share, ready.bake.tolerance = 0.33, 0.0001
    bpy.ops.understudy.bake()
    curves = curves_of(character.mesh.data.shape_keys)
    blink = curves[('key_blocks["eyeBlinkLeft"].value', 0)]
    assert max(blink.evaluate(frame) for frame in range(1, 40)) > 0.95
    counts = [len(curve.keyframe_points) for curve in curves.values()]
    assert np.mean(counts) <= 0.4 * (ready.baked_last - ready.baked_first + 1)


def test_a_rig_of_unknown_names_is_matched_by_hand(scene, own_presets, take_path):
    character = make_character("Odd", keys=("k000", "k001"))
    bpy.ops.understudy.import_take(filepath=str(take_path))
    bpy.ops.understudy.choose_character()
    assert (own().rig_map, match_report.counts(own()).matched) == ("none", 0)
    choose("jawOpen").targets[0].control = "k000"
    bpy.ops.understudy.refresh_match()
    assert match_report.counts(own()).matched == 1
    bpy.ops.understudy.bake()
    curves = curves_of(character.mesh.data.shape_keys)
    assert keys_of(curves[('key_blocks["k000"].value', 0)])[1].max() > 0.6
    assert ('key_blocks["k001"].value', 0) not in curves
