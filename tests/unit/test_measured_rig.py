# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on a measured rig: motion, limits, odd controls, contacts on the mesh, what goes where."""

import time
from dataclasses import replace

import numpy as np
import pytest

from blender_addon.core import control_contact, control_solve, measured_curves, proportions, rotation
from blender_addon.core.key_reduction import ReductionSettings, curve_at, reduce_keys
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import BoneControl, Rig, ShapeControl
from blender_addon.core.rig_basis import MeasuredControl, RigBasis, basis_from_plain, basis_to_plain
from blender_addon.core.settings import RetargetSettings
from fomm_engine.wire.names import ARKIT_INDEX, LANDMARKS
from tests.unit.made_basis import made_character, merged, moved_points, rescaled
from tests.unit.made_take import MOVING, acting, made_basis, made_neutral, made_take, nodding

FRAMES = 120
AT_30 = RetargetSettings(frame_rate=(30, 1))
OPEN = {name: np.zeros(FRAMES) for name in control_contact.GROUPS}


def target_motion(basis, weights):
    return control_solve.transported_motion(weights, basis_cm=made_basis(), actor_cm=made_neutral(), basis=basis)


def explained(basis, values, motion):
    left = moved_points(basis, values) - basis.neutral_cm - motion
    return 1.0 - float((left**2).sum() / (motion**2).sum())


@pytest.fixture(scope="module")
def take():
    return made_take(acting(FRAMES), nodding(FRAMES), noise_px=0.3, rng=np.random.default_rng(3))


def shapes_of(basis, curves):
    return np.stack([curves.shape_values[control.target] for control in basis.controls], 1)


def test_the_character_moves_as_the_actor_did_in_its_own_proportions(take):
    basis = made_character()
    result = retarget(take, Rig(basis=basis), AT_30)
    assert explained(basis, shapes_of(basis, result.curves), target_motion(basis, acting(FRAMES))) > 0.9


def test_scaled_flipped_and_merged_controls_do_the_same(take):
    plain = made_character()
    odd = merged(rescaled(rescaled(plain, "k2", 3.0), "k3", -0.5), "k0", "k1")  # the blinks become one control
    motion = target_motion(plain, acting(FRAMES))
    values = [shapes_of(basis, retarget(take, Rig(basis=basis), AT_30).curves) for basis in (plain, odd)]
    first, second = explained(plain, values[0], motion), explained(odd, values[1], motion)
    assert second > first - 0.02
    assert values[1][:, odd.index("k3")].min() < -0.1  # the flipped one is used the other way


def test_values_stay_within_the_rigs_own_limits_and_useless_controls_at_exactly_their_rest():
    basis = made_character()
    extra = (
        MeasuredControl("nothing", "shape", "nothing", rest=0.25),
        MeasuredControl("ear", "shape", "ear", rest=0.5),
    )
    ear = np.zeros((1, 70, 3))
    ear[0, 0] = [0.0, 0.0, 0.3]  # moves one point of the jaw's contour forward, which no actor here does
    moves = np.concatenate([basis.displacement_cm, np.zeros((1, 70, 3)), ear])
    tight = tuple(replace(control, maximum=0.3) for control in basis.controls)
    basis = replace(basis, controls=tight + extra, displacement_cm=moves)
    values = control_solve.solve_controls(target_motion(basis, acting(FRAMES)), basis)
    assert values[:, :-2].max() == pytest.approx(0.3)
    assert values.min() >= 0.0
    assert (values[:, -2] == 0.25).all()
    assert (values[:, -1] == 0.5).all()


def test_a_long_take_on_many_controls_takes_seconds():
    rng = np.random.default_rng(0)
    basis = made_character()
    moves = np.concatenate([basis.displacement_cm] * 5) * rng.uniform(0.5, 1.5, (60, 70, 1))
    controls = tuple(MeasuredControl(f"c{k}", "shape", f"c{k}") for k in range(60))
    many = replace(basis, controls=controls, displacement_cm=moves)
    motion = np.tensordot(rng.uniform(0, 1, (3000, 60)), moves, 1) / 10.0
    started = time.process_time()
    values = control_solve.solve_controls(motion, many)
    assert time.process_time() - started < 10.0  # about one second on a quiet machine
    assert explained(many, values, motion) > 0.95


def with_room(basis):
    """The character with lids that can go further than its own eyes need."""
    roomy = tuple(
        replace(own, maximum=own.maximum * 1.6) if own.name in ("k0", "k1") else own for own in basis.controls
    )
    return replace(basis, controls=roomy)


def gaps(basis, values):
    return moved_points(basis, values)[:, :, 1] @ control_contact.gap_table().T


def test_lids_and_lips_that_are_shut_leave_no_gap_whatever_the_solver_left():
    basis = made_character()
    values = np.zeros((FRAMES, len(basis.controls)))
    values[:, MOVING.index("eyeBlinkLeft")] = 0.6
    values[:, MOVING.index("jawOpen")] = 0.1
    shut = OPEN | {"eye_left": np.linspace(0, 1, FRAMES), "lips": (np.arange(FRAMES) > 60) * 1.0}
    closed = control_contact.close_contacts(values, basis, shut)
    after = gaps(basis, closed)
    whole = gaps(basis, 0 * values[:1])[0]
    assert np.abs(after[-1, control_contact.GROUPS["eye_left"]]).max() < 0.05 * whole[2]
    assert after[30, 2] == pytest.approx(gaps(basis, values)[30, 2] * (1 - shut["eye_left"][30]), abs=0.03)
    lips = control_contact.GROUPS["lips"]
    assert np.allclose(after[-1, lips], whole[lips])  # its own mouth stands a little open at rest: no less can be had
    assert (closed[:, MOVING.index("eyeBlinkRight")] == values[:, MOVING.index("eyeBlinkRight")]).all()
    assert (closed[:61, MOVING.index("jawOpen")] == 0.1).all()


def test_a_mesh_that_is_not_as_linear_as_its_basis_is_asked_and_closed_all_the_same():
    basis = with_room(made_character())
    asked = []

    def mesh(values):
        """A lid that goes 0.8 of the way, where the basis was measured without its corrective."""
        asked.append(len(values))
        bent = values.copy()
        bent[:, MOVING.index("eyeBlinkLeft")] *= 0.8
        return moved_points(basis, bent)

    values = np.zeros((FRAMES, len(basis.controls)))
    shut = OPEN | {"eye_left": (np.arange(FRAMES) == 7) * 1.0}
    plain = control_contact.close_contacts(values, basis, shut)
    closed = control_contact.close_contacts(values, basis, shut, probe=mesh)
    whole = gaps(basis, values[:1])[0, 2]
    left = [mesh(each)[7, :, 1] @ control_contact.gap_table()[2] / whole for each in (plain, closed)]
    assert left[0] > 0.05
    assert left[1] < 0.05
    assert max(asked[:-2]) == 1  # only the frame that is shut


def test_every_blink_closes_on_the_character_and_survives_a_slower_scene(take):
    large = made_neutral()
    large[list(LANDMARKS["lid_upper_left"] + LANDMARKS["lid_upper_right"]), 1] += 0.25
    basis = rescaled(with_room(made_character(large)), "k0", 1.4)
    for settings in (AT_30, replace(AT_30, frame_rate=(12, 1)), replace(AT_30, smoothing=4.0)):
        curves = retarget(take, Rig(basis=basis), settings).curves
        opening = gaps(basis, shapes_of(basis, curves))[:, 2:4].mean(1) / gaps(basis, np.zeros((1, 12)))[0, 2:4].mean()
        shut_runs = np.flatnonzero(np.diff((opening < 0.05).astype(int)) == 1)
        assert len(shut_runs) == 2


def test_blinks_and_lips_survive_a_third_of_the_keys(take):
    basis = made_character()
    curves = retarget(take, Rig(basis=basis), AT_30).curves
    values = shapes_of(basis, curves)
    thinned = values.copy()
    for place, control in enumerate(basis.controls):
        kept = curves.kept_frames.get(control.target)
        keys = reduce_keys(curves.frames, values[:, place], ReductionSettings(0.0, share=1 / 3), kept=kept)
        assert len(keys.frames) <= len(curves.frames) / 2
        thinned[:, place] = curve_at(keys, curves.frames)[:, 0]
    shut = gaps(basis, values)[:, 2:4].mean(1) < 0.05
    assert shut.sum() >= 2
    assert np.abs(gaps(basis, thinned) - gaps(basis, values))[shut, 2:4].max() < 0.02


def test_bones_properties_and_the_two_ends_of_a_slider_go_where_they_belong():
    basis = made_character()
    controls = (
        MeasuredControl("jaw turn", "bone", "jaw", "rotation0", minimum=-1.0),
        MeasuredControl("jaw side", "bone", "jaw", "rotation2", minimum=-1.0),
        MeasuredControl("lid", "bone", "lid", "location1", rest=0.1, minimum=-1.0),
        MeasuredControl("puff", "bone", "cheek", "scale0", rest=1.0, minimum=0.5, maximum=2.0),
        MeasuredControl("smile +", "shape", "smile", rest=0.2, maximum=1.0),
        MeasuredControl("smile -", "shape", "smile", rest=0.2, minimum=-1.0, maximum=0.2),
        MeasuredControl("wide", "property", 'armature|["wide"]'),
    )
    basis = RigBasis(controls, basis.neutral_cm, np.zeros((len(controls), 70, 3)))
    values = np.array([[0.3, -0.2, 0.4, 1.2, 0.5, 0.1, 0.7], [0.0, 0.0, 0.1, 1.0, 0.2, 0.2, 0.0]])
    own = measured_curves.placed(values, basis)
    assert np.allclose(rotation.rotvec_from_quaternion(own.bone_rotations["jaw"][0]), [0.3, 0.0, -0.2])
    assert own.bone_rotations["jaw"][:, 0].min() > 0
    assert own.bone_locations["lid"].tolist() == [[0.0, 0.4, 0.0], [0.0, 0.1, 0.0]]
    assert own.bone_scales["cheek"].tolist() == [[1.2, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert own.shape_values["smile"].tolist() == pytest.approx([0.4, 0.2])
    assert own.control_values == {"wide": pytest.approx([0.7, 0.0])}


def test_a_named_key_that_moves_no_landmark_is_still_driven(take):
    basis = made_character()
    named = (ShapeControl("cheekPuff", (("cheekPuff", 1.0),)), ShapeControl("k0", (("browInnerUp", 1.0),)))
    curves = retarget(take, Rig(shapes=named, basis=basis), AT_30).curves
    alone = retarget(take, Rig(basis=basis), AT_30).curves
    by_name = retarget(take, Rig(shapes=named), AT_30).curves
    np.testing.assert_array_equal(curves.shape_values["cheekPuff"], by_name.shape_values["cheekPuff"])
    np.testing.assert_array_equal(curves.shape_values["k0"], alone.shape_values["k0"])


def test_a_jaw_bone_is_left_alone_where_measured_controls_open_the_mouth(take):
    jaw, head = BoneControl("jaw", "jaw", np.eye(3)), BoneControl("head", "head", np.eye(3))
    basis = made_character()
    opens = basis.index(f"k{MOVING.index('jawOpen')}")
    regions = tuple(
        replace(control, region="jaw") if place == opens else control for place, control in enumerate(basis.controls)
    )
    turned = retarget(take, Rig(bones=(jaw, head), basis=replace(basis, controls=regions)), AT_30).curves.bone_rotations
    assert "jaw" not in turned
    assert "head" in turned


def test_dead_alike_and_idle_controls_are_told(take):
    basis = made_character()
    blink = basis.displacement_cm[:1] * 0.5
    extra = (MeasuredControl("dead", "shape", "dead"), MeasuredControl("again", "shape", "again"))
    moves = np.concatenate([basis.displacement_cm, np.zeros((1, 70, 3)), blink])
    basis = replace(basis, controls=basis.controls + extra, displacement_cm=moves)
    notes = {note.code: note.message for note in retarget(take, Rig(basis=basis), AT_30).notes}
    assert "dead" in notes["dead-controls"]
    assert "k0 and again" in notes["cross-talk"]
    still = retarget(made_take(np.zeros((20, 52)), nodding(20)), Rig(basis=basis), AT_30)
    assert "k2" in {note.code: note.message for note in still.notes}["idle-controls"]


def test_a_mirror_closes_the_other_eye():
    weights = np.zeros((60, 52))
    weights[29:32, ARKIT_INDEX["eyeBlinkLeft"]] = (0.8, 1.0, 0.8)
    take, basis = made_take(weights, nodding(60)), made_character()
    left, right = (retarget(take, Rig(basis=basis), replace(AT_30, mirror=m)).curves for m in (False, True))
    blink = [MOVING.index("eyeBlinkLeft"), MOVING.index("eyeBlinkRight")]
    assert shapes_of(basis, left)[30, blink] == pytest.approx([1.0, 0.0], abs=0.1)
    assert shapes_of(basis, right)[30, blink] == pytest.approx([0.0, 1.0], abs=0.1)


def test_factors_keep_an_eyes_closing_whole_and_are_one_between_equal_faces():
    actor, character = made_neutral(), made_character().neutral_cm
    assert np.allclose(proportions.transport_factors(actor, actor), 1.0)
    factors = proportions.transport_factors(actor, character)
    for side in ("right", "left"):
        upper, lower = list(LANDMARKS[f"lid_upper_{side}"]), list(LANDMARKS[f"lid_lower_{side}"])
        way = (actor[lower] - actor[upper]) * factors[upper]
        gap = (character[upper] - character[lower])[:, 1].mean()
        assert gap + way[:, 1].mean() == pytest.approx(0.0, abs=1e-9)


def test_a_basis_comes_back_from_json_and_nonsense_is_refused():
    basis = replace(made_character(), signature="abc", notes=("one",))
    again = basis_from_plain(basis_to_plain(basis))
    assert again.controls == basis.controls
    assert np.abs(again.displacement_cm - basis.displacement_cm).max() < 1e-6
    assert (again.signature, again.notes) == ("abc", ("one",))
    for broken in (None, {}, basis_to_plain(basis) | {"version": 99}, basis_to_plain(basis) | {"neutral_cm": [[1.0]]}):
        with pytest.raises(ValueError, match="rig"):
            basis_from_plain(broken)


@pytest.mark.parametrize(
    "wrong",
    [
        {"armature_from_head": [[1, 0, 0], [0, 1.1, 0], [0, 0, 1]]},
        {"displacement_cm": [[[1e7] * 3] * 70] * 12},
        {"confidence": [1.5] * 70},
        {"scale_cm_per_unit": 0.0},
        {"keypoint_value": [[[0.0] * 2] * 10] * 12},
        {"neutral_cm": [[0.0, 1.0, 2.0]] * 70},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_measure_that_cannot_be_is_refused(wrong):
    plain = basis_to_plain(made_character())
    assert basis_from_plain(plain).controls == made_character().controls
    with pytest.raises(ValueError, match=r"\."):
        basis_from_plain(plain | wrong)


@pytest.mark.parametrize(
    "wrong", [{"rest": 2.0}, {"kind": "bone"}, {"region": "ear"}, {"maximum": float("nan")}, {"component": "scale1"}]
)
def test_a_control_that_cannot_be_is_refused_with_its_name(wrong):
    with pytest.raises(ValueError, match="'smile'"):
        MeasuredControl(**({"name": "smile", "kind": "shape", "target": "smile"} | wrong))


@pytest.mark.parametrize(
    "change",
    [
        {"controls": (MeasuredControl("k0", "shape", "a"),) * 12},
        {"displacement_cm": np.zeros((11, 70, 3))},
        {"neutral_cm": np.full((70, 3), np.inf)},
        {"neutral_cm": made_neutral() * [-1, 1, 1]},
        {"confidence": np.full(70, 1.5)},
        {"armature_from_head": 2 * np.eye(3)},
        {"scale_cm_per_unit": 0.0},
        {"keypoint_value": np.zeros((12, 10, 2))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_basis_that_is_no_face_is_refused(change):
    with pytest.raises(ValueError, match=r"\w"):
        replace(made_character(), **change)
