# SPDX-License-Identifier: GPL-3.0-or-later
"""Rig maps: names match across case, prefix and separators; the report says what is there, missing and unsure."""

import json

import pytest

from blender_addon.core import rig_map
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import ARKIT_CHANNELS


def convention(**changes):
    data = {
        "name": "made",
        "status": "verified",
        "targets_status": "verified",
        "source": ["this test"],
        "targets": {name: [[name, 1.0]] for name in ARKIT_CHANNELS},
        "limits": {},
        "pairs": [["eyeBlinkLeft", "eyeBlinkRight"]],
        "bones": {"head": ["Head"], "neck": ["Neck"], "eye_L": ["LeftEye"]},
    }
    return rig_map.parse_convention(data | changes)


@pytest.fixture(scope="module")
def conventions(project_root):
    folder = project_root / "rigs" / "conventions"
    return [rig_map.parse_convention(json.loads(path.read_text("ascii"))) for path in sorted(folder.glob("*.json"))]


def test_exact_names_match_completely():
    report = rig_map.match_shapes(convention(), ARKIT_CHANNELS).report
    assert len(report.matched) == 52
    assert report.sentence() == "52 of 52 matched."
    assert report.unused == ()


@pytest.mark.parametrize(
    "style",
    [
        str.upper,
        lambda n: n[0].upper() + n[1:],
        lambda n: "Face." + n,
        lambda n: "blendShape2.Head_" + n,
        lambda n: n + "_",
    ],
)
def test_case_prefix_and_separators_do_not_matter(style):
    names = [style(name) for name in ARKIT_CHANNELS]
    match = rig_map.match_shapes(convention(), names)
    assert match.report.missing == ()
    assert [control.name for control in match.controls] == names
    assert match.controls[0].channels == (("eyeBlinkLeft", 1.0),)


def test_directions_are_never_taken_for_sides():
    match = rig_map.match_shapes(convention(), ["jaw_L", "jaw_R", "mouth_L", "Left", "mouthRight"])
    assert list(match.report.matched) == ["mouthRight"]


def test_missing_ambiguous_and_unused_names_are_told():
    names = ["jawOpen", "Face_eyeBlinkLeft", "Teeth_eyeBlinkLeft", "Basis"]
    report = rig_map.match_shapes(convention(), names).report
    assert report.matched == {"eyeBlinkLeft": ("Face_eyeBlinkLeft",), "jawOpen": ("jawOpen",)}
    assert report.ambiguous == {"eyeBlinkLeft": ("Face_eyeBlinkLeft", "Teeth_eyeBlinkLeft")}
    assert report.unused == ("Teeth_eyeBlinkLeft", "Basis")
    assert len(report.missing) == 50
    assert "2 of 52 matched" in report.sentence()
    assert "1 ambiguous" in report.sentence()


def test_a_channel_with_several_targets_needs_all_of_them():
    both = convention(targets={"browInnerUp": [["up_L", 1.0], ["up_R", 1.0]]})
    assert rig_map.match_shapes(both, ["up_L", "up_R"]).report.missing == ()
    half = rig_map.match_shapes(both, ["up_L"])
    assert half.report.missing == ("browInnerUp",)
    assert half.report.matched == {"browInnerUp": ("up_L",)}


def test_a_control_that_goes_both_ways_gets_both_channels_and_its_limits():
    side = convention(
        targets={"jawLeft": [["jawSide", 1.0]], "jawRight": [["jawSide", -1.0]]}, limits={"jawSide": [-1.0, 1.0]}
    )
    control = rig_map.match_shapes(side, ["jawSide"]).controls[0]
    assert set(control.channels) == {("jawLeft", 1.0), ("jawRight", -1.0)}
    assert (control.minimum, control.maximum) == (-1.0, 1.0)


def test_the_rigs_own_limits_narrow_and_overrides_win():
    match = rig_map.match_shapes(
        convention(),
        ["jawOpen", "Mund"],
        limits={"jawOpen": (0.0, 0.6), "Mund": (0.0, 1.0)},
        overrides={"mouthFunnel": (("Mund", 0.5),), "jawOpen": ()},
    )
    assert [(control.name, control.channels) for control in match.controls] == [("Mund", (("mouthFunnel", 0.5),))]
    kept = rig_map.match_shapes(convention(), ["jawOpen"], limits={"jawOpen": (0.0, 0.6)}).controls[0]
    assert (kept.minimum, kept.maximum) == (0.0, 0.6)


def test_a_map_that_is_not_sure_says_so():
    unsure = convention(targets_status="derived")
    assert "derived" in rig_map.match_shapes(unsure, ARKIT_CHANNELS).report.sentence()


@pytest.mark.parametrize(
    "broken",
    [{"targets": {"jawOpn": [["x", 1.0]]}}, {"status": "sure"}, {"targets": {"jawOpen": [["x"]]}}, {"targets": None}],
)
def test_a_broken_map_is_refused_by_name(broken):
    with pytest.raises(ValueError, match="made"):
        convention(**broken)


def test_every_shipped_map_can_be_read_has_a_source_and_finds_its_own_names(conventions):
    assert len(conventions) >= 38
    for entry in conventions:
        assert entry.status in rig_map.STATUSES
        assert entry.source or entry.status == "unverified", entry.name
        targets = [target for rows in entry.targets.values() for target, _ in rows]
        match = rig_map.match_shapes(entry, list(dict.fromkeys(targets)))
        assert match.report.missing == (), entry.name
        assert len(match.report.matched) == len(entry.targets), entry.name


@pytest.mark.parametrize(
    "name",
    [
        "arkit",
        "arkit_pascalcase_perfect_sync",
        "arkit_underscore_LR",
        "metahuman",
        "mmd",
        "reallusion_cc3_traditional",
        "daz_genesis_9",
        "vroid",
    ],
)
def test_a_rigs_own_convention_is_found_first(conventions, name):
    wanted = next(entry for entry in conventions if entry.name == name)
    shapes = ["Basis", *dict.fromkeys(target for rows in wanted.targets.values() for target, _ in rows)]
    best, share = rig_map.rank_conventions(conventions, shapes=shapes)[0]
    assert best.targets == wanted.targets
    assert share == 1.0


def test_bones_are_found_with_their_roles(conventions):
    rigify = next(entry for entry in conventions if entry.name == "rigify_face_legacy_super_face")
    roles = rig_map.match_bones(rigify, ["spine", "neck", "head", "jaw_master", "eye.L", "eye.R"])
    assert roles == {"neck": "neck", "head": "head", "jaw_master": "jaw", "eye.L": "eye_left", "eye.R": "eye_right"}
    mixamo = next(entry for entry in conventions if entry.name == "mixamo")
    assert rig_map.match_bones(mixamo, ["mixamorig:Head", "mixamorig:Neck"]) == {
        "mixamorig:Neck": "neck",
        "mixamorig:Head": "head",
    }


def test_every_channel_has_a_row_with_its_state():
    made = convention(
        targets={"jawOpen": [["jaw", 1.0]], "browInnerUp": [["up_L", 0.5], ["up_R", 0.5]], "tongueOut": [["t", 1]]}
    )
    names = ["a.jaw", "b.jaw", "up_L", "other"]
    match = rig_map.match_shapes(made, names, overrides={"cheekPuff": (("other", -0.5),)})
    assert set(match.rows) == set(match.states) == set(ARKIT_CHANNELS)
    assert match.rows["jawOpen"] == (("a.jaw", 1.0),)
    assert match.candidates["jawOpen"] == ("a.jaw", "b.jaw")
    wanted = {"jawOpen": "ambiguous", "browInnerUp": "partial", "tongueOut": "missing", "cheekPuff": "override"}
    assert {channel: match.states[channel] for channel in wanted} == wanted
    assert match.states["mouthLeft"] == "unmapped"


def test_what_the_user_chose_may_use_the_sliders_whole_range():
    match = rig_map.match_shapes(
        convention(), ["slide"], limits={"slide": (-1.0, 1.0)}, overrides={"jawLeft": (("slide", -1.0),)}
    )
    assert (match.controls[0].minimum, match.controls[0].maximum) == (-1.0, 1.0)


def test_a_map_of_ones_own_is_written_read_and_found_before_all_others(conventions):
    names = [*ARKIT_CHANNELS, "Mund auf"]
    arkit = next(entry for entry in conventions if entry.name == "arkit")
    match = rig_map.match_shapes(arkit, names, overrides={"jawOpen": (("Mund auf", 0.7),), "tongueOut": ()})
    bones = {"hals": "neck", "kopf": "head", "nacken": "neck"}
    own = rig_map.own_map("Studio", match, arkit, bones=bones, source="Ada")
    again = rig_map.parse_convention(json.loads(json.dumps(rig_map.to_plain(own))))
    assert again == own
    assert again.targets["jawOpen"] == (("Mund auf", 0.7),)
    assert rig_map.rank_conventions([*conventions, again], shapes=names)[0][0] == again
    assert rig_map.rank_conventions([*conventions, again], shapes=ARKIT_CHANNELS)[0][0] == arkit
    assert set(rig_map.match_bones(again, list(bones))) == set(bones)


@pytest.mark.parametrize(
    "broken",
    [
        {"format": "something-else"},
        {"format": rig_map.FORMAT, "version": [2, 0]},
        {"format": rig_map.FORMAT},
        {"targets": {"jawOpen": [["x", float("nan")]]}},
        {"targets": {"jawOpen": [["x", 1e9]]}},
    ],
)
def test_presets_of_another_format_or_version_are_refused(broken):
    with pytest.raises((ValueError, UserError), match="made"):
        convention(**broken)
