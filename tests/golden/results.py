# SPDX-License-Identifier: GPL-3.0-or-later
"""What the retargeting makes of a made-up take, number by number: python -m tests.golden.results writes it anew.

A change of these numbers is a change of every user's animation. Where it is meant, write them anew and say in the
commit what became better; where it is not, the test has found a fault.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np

from blender_addon.core import (
    calibration,
    control_solve,
    features,
    live_link,
    priors,
    projection,
    rotation,
    rows,
    timecode,
)
from blender_addon.core.actor_calibration import calibration_of
from blender_addon.core.channel_edits import ChannelSettings
from blender_addon.core.curves import Curves
from blender_addon.core.face_lines import landmark_lines
from blender_addon.core.key_reduction import ReductionSettings, reduce_keys
from blender_addon.core.proportions import transport_factors
from blender_addon.core.retarget import retarget
from blender_addon.core.rig import BoneControl, Rig, ShapeControl
from blender_addon.core.rig_basis import MeasuredControl, RigBasis
from blender_addon.core.rig_map import match_bones, parse_convention, rank_conventions
from blender_addon.core.settings import RegionSettings, RetargetSettings
from blender_addon.core.take_report import report_of
from blender_addon.core.take_weights import solve_take
from blender_addon.core.tracks import CropSquare, PerformanceTracks, PinholeCamera
from fomm_engine.wire.archive import write_arrays
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX
from fomm_engine.wire.standard_face import standard_face
from tests.unit.made_basis import made_character

FOLDER = Path(__file__).resolve().parent / "files"
NUMBERS, TEXTS = FOLDER / "results.npz", FOLDER / "results.json"
CONVENTIONS = Path(__file__).resolve().parents[2] / "rigs" / "conventions"
FRAMES = 24
CAMERA, CROP = PinholeCamera(700.0, 300.0, 250.0), CropSquare(120.0, 60.0, 380.0)
WHERE = np.array([1.0, -2.0, -55.0])
Arrays = dict[str, np.ndarray]


@cache
def take(*, exact: bool = False, lost: bool = False) -> PerformanceTracks:
    """A take of the standard face: every channel moves, lids and lips meet, the head nods; noise as a camera has it."""
    rng, face = np.random.default_rng(7), standard_face()
    t = np.arange(FRAMES) / 30.0
    weights = np.clip(np.sin(t[:, None] * np.linspace(2.0, 7.0, 52) + np.arange(52)) - 0.3, 0.0, 1.0) * 0.7
    weights[:4] = 0.0
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        weights[:, ARKIT_INDEX[name]] = np.exp(-(((np.arange(FRAMES) - 12) / 1.2) ** 2))
    turn = rotation.matrix_from_rotvec(np.radians(np.stack([9 * np.sin(3 * t), 14 * np.sin(2 * t), 4 * t], 1)))
    where = WHERE + np.stack([np.sin(t), 0.5 * t, 2 * np.sin(2 * t)], 1)
    shape = face.neutral_cm + np.einsum("tc,cpi->tpi", weights, face.expression_cm)
    seen = projection.project(shape, turn, where, camera=CAMERA) + rng.normal(0, 0.2, (FRAMES, 70, 2))
    tables = features.keypoint_tables(face.neutral_cm)
    scaled = (seen - [CROP.x_px, CROP.y_px]) / CROP.size_px * 2 - 1
    valid = np.ones(FRAMES, np.bool_)
    if lost:
        valid[[0, 8, 9, 20]] = False
    return PerformanceTracks(
        time_s=t,
        valid=valid,
        landmarks_px=seen[:, :68],
        landmarks_sigma_px=0.6 + rng.random((FRAMES, 68)),
        irises_px=seen[:, 68:],
        irises_sigma_px=0.6 + rng.random((FRAMES, 2)),
        head_rotation=turn,
        head_translation_cm=where,
        fomm_value=np.einsum("kn,tni->tki", tables.value, scaled),
        fomm_jacobian=np.einsum("tni,knj->tkij", scaled, tables.gradient),
        arkit=np.clip(weights * 0.8 + rng.normal(0, 0.02, weights.shape), 0, 1),
        neutral_cm=face.neutral_cm,
        basis_cm=face.expression_cm,
        camera=CAMERA,
        crop=CROP,
        arkit_is_exact=exact,
    )


def _turned(x: float, y: float, z: float) -> np.ndarray:
    return rotation.matrix_from_rotvec(np.array([x, y, z]))


BONES = (
    BoneControl("neck1", "neck", _turned(0.1, 0.0, 0.2), share=2.0),
    BoneControl("neck2", "neck", _turned(0.3, 0.1, 0.0), parent="neck1"),
    BoneControl("head", "head", _turned(0.0, 0.2, 0.1), parent="neck2"),
    BoneControl("jaw", "jaw", _turned(1.0, 0.0, 0.3), parent="head"),
    BoneControl("eye.L", "eye_left", _turned(0.5, 0.4, 0.0), parent="head"),
    BoneControl("eye.R", "eye_right", _turned(0.5, -0.4, 0.0), parent="head", inherits_rotation=False),
)
SHAPES = tuple(
    ShapeControl(f"k {name}", ((name, 1.0), (ARKIT_CHANNELS[(place + 5) % 52], -0.25)), -0.5, 1.0)
    for place, name in enumerate(ARKIT_CHANNELS)
    if name != "tongueOut"
)
RIG = Rig(SHAPES, BONES)
AT_24 = RetargetSettings(frame_rate=(24, 1), start_frame=11, time_offset_s=0.02, head_location=True)


def _edited() -> RetargetSettings:
    found = solve_take(take(), AT_24)
    own = calibration_of(found.weights, found.neutral.rest_frames, actor="Ada")
    return replace(
        AT_24,
        frame_rate=(30000, 1001),
        gain=1.2,
        smoothing=1.5,
        mouth=RegionSettings(gain=1.4, smoothing=0.5, curve=((0.0, 0.0), (0.5, 0.2), (1.0, 1.0))),
        head=RegionSettings(gain=1.3, smoothing=2.0),
        channels={"jawOpen": ChannelSettings(0.7, 0.1, 0.6), "browInnerUp": ChannelSettings(mute=True)},
        calibration=own,
        neck_share=0.6,
        head_reference="camera",
        gaze_target="bones",
        jaw_target="both",
        mirror=True,
        bridge_s=0.08,
        neutral_frame=2,
    )


def _measured_rig() -> Rig:
    basis = made_character(standard_face().neutral_cm)
    extra = (
        MeasuredControl("turn", "bone", "mouth bone", "rotation1", 0.1, -0.5, 0.8, "mouth"),
        MeasuredControl("lift", "bone", "mouth bone", "location2", 0.0, -1.0, 1.0, "mouth"),
        MeasuredControl("wide", "bone", "mouth bone", "scale0", 1.0, 0.5, 2.0, "cheeks"),
        MeasuredControl("slide", "property", 'o|["slide"]', "", 0.0, -2.0, 2.0, "brows"),
        MeasuredControl("dead", "shape", "dead", region="mouth"),
    )
    moves = np.concatenate(
        [basis.displacement_cm, standard_face().expression_cm[[23, 24, 25, 43]], np.zeros((1, 70, 3))]
    )
    sure = np.linspace(0.4, 1.0, 70)
    return Rig(SHAPES[:9], BONES, basis=RigBasis((*basis.controls, *extra), basis.neutral_cm, moves, sure))


def _probe(rig: Rig) -> Callable[[np.ndarray], np.ndarray]:
    """The mesh of the measured rig, which does a little more than its measure says."""
    assert rig.basis is not None
    basis, rest = rig.basis, np.array([control.rest for control in rig.basis.controls])

    def points(values: np.ndarray) -> np.ndarray:
        moved = np.tensordot((values - rest) * (1.0 - 0.2 * (values - rest) ** 2), basis.displacement_cm, 1)
        return basis.neutral_cm + moved

    return points


def _arrays_of(curves: Curves) -> Arrays:
    groups = asdict(curves)
    found: Arrays = {"frames": groups.pop("frames")}
    for group, values in groups.items():
        found |= {f"{group}/{name}": value for name, value in values.items()}
    return found


def solved() -> Arrays:
    """The solver's weights, the contacts and what speaks for each frame as the neutral one."""
    found, tracks = solve_take(take(lost=True), AT_24), take()
    costs = calibration.neutral_costs(tracks, np.arange(FRAMES))
    first = {"weights": found.weights, "lids": found.contacts.lids, "lips": found.contacts.lips.astype(float)}
    scalars = np.array([found.neutral.frame, found.explained, *found.neutral.rest_frames])
    return {**first, "scalars": scalars, **{f"cost {name}": value for name, value in costs.items()}}


def named() -> Arrays:
    """A rig known by its names."""
    return _arrays_of(retarget(take(), RIG, AT_24).curves)


def exact() -> Arrays:
    """A take of another tool, whose channels are the performance."""
    return _arrays_of(retarget(take(exact=True), RIG, AT_24).curves)


def edited() -> Arrays:
    """Everything that a user can set, on a take with gaps."""
    return _arrays_of(retarget(take(lost=True), RIG, _edited()).curves)


def measured() -> Arrays:
    """A measured rig."""
    return _arrays_of(retarget(take(), _measured_rig(), AT_24).curves)


def probed() -> Arrays:
    """A measured rig whose contacts are closed on its mesh, mirrored."""
    rig = _measured_rig()
    return _arrays_of(retarget(take(), rig, replace(AT_24, mirror=True), probe=_probe(rig)).curves)


def keys() -> Arrays:
    """Fewer keys."""
    frames, t = np.arange(1, 61), np.arange(60) / 30.0
    curve = np.sin(4 * t) + 0.3 * np.sin(17 * t)
    turns = rotation.quaternion_from_rotvec(np.stack([curve, 0.2 * t, np.cos(3 * t)], 1))
    found: Arrays = {}
    for name, values, settings in (
        ("bezier", curve, ReductionSettings()),
        ("linear", curve, ReductionSettings(0.02, None, "linear")),
        ("third", curve, ReductionSettings(0.001, 0.2)),
        ("turns", turns, ReductionSettings(0.01)),
    ):
        reduced = reduce_keys(frames, values, settings, kept=np.array([7, 33]))
        found |= {f"{name} frames": reduced.frames, f"{name} values": reduced.values}
        found |= {} if reduced.slopes is None else {f"{name} slopes": reduced.slopes}
    return found


def turns() -> Arrays:
    """Rotations in all their forms."""
    vectors = np.random.default_rng(3).normal(size=(12, 3)) * 1.5
    quaternions = rotation.quaternion_from_rotvec(vectors)
    eulers = {f"euler {order}": rotation.continuous_euler(quaternions, order) for order in rotation.EULER_ORDERS}
    return {
        "quaternions": quaternions,
        "matrices": rotation.matrix_from_rotvec(vectors),
        "axis angle": rotation.continuous_axis_angle(quaternions),
        "fraction": rotation.fraction(quaternions, 0.3),
        "slerp": rotation.slerp(quaternions[:-1], quaternions[1:], np.linspace(0, 1, 11)),
        **eulers,
    }


def tables() -> Arrays:
    """The tables that the solver is made of."""
    face, basis = standard_face(), _measured_rig().basis
    assert basis is not None
    prior = priors.DEFAULT_PRIOR
    keypoints, distances = features.keypoint_tables(face.neutral_cm), rows.distance_table()
    return {
        "value": keypoints.value,
        "gradient": keypoints.gradient,
        "distances": distances[0],
        "axes": distances[1],
        "gaps": control_solve.gap_table(),
        "steps": priors.step_sigmas(prior),
        "sparsities": priors.sparsities(prior),
        "pairs": priors.pair_precision(prior),
        "factors": transport_factors(face.neutral_cm, basis.neutral_cm * [1.3, 0.8, 1.0]),
        "sizes": control_solve.control_sizes(basis),
        "lines": np.array(landmark_lines()),
    }


def report() -> Arrays:
    """The report's curves over time, of a take with gaps."""
    found = report_of(take(lost=True), retarget(take(lost=True), RIG, _edited()), RIG)
    return {"confidence": np.array(found.confidence_columns), "jitter": np.array(found.jitter_columns)}


def texts() -> dict[str, object]:
    """What people read: the report, the notes, conventions that fit, a recording as a CSV, timecodes."""
    settings = _edited()
    result = retarget(take(lost=True), RIG, settings)
    basis_result = retarget(take(), _measured_rig(), AT_24)
    report = json.loads(report_of(take(lost=True), result, RIG).to_json())
    conventions = [parse_convention(json.loads(path.read_text())) for path in sorted(CONVENTIONS.glob("*.json"))]
    shapes = {"ARKit": ARKIT_CHANNELS, "underscores": [name.replace("Left", "_L") for name in ARKIT_CHANNELS]}
    bones = ["neck", "Head", "jaw_master", "eye.L", "DEF-spine.006", "CC_Base_Head", "J_Bip_C_Neck"]
    ranks = {
        name: [
            (convention.name, round(share, 3)) for convention, share in rank_conventions(conventions, shapes=own)[:4]
        ]
        for name, own in shapes.items()
    }
    codes = [timecode.parse_timecode(text) for text in ("01:02:03:04.250", "23:59:59;29", "10:00:00:00")]
    return {
        "report": {name: value for name, value in report.items() if "columns" not in name},
        "notes": [(note.code, note.frames) for note in (*result.notes, *basis_result.notes)],
        "reason": result.report.neutral_reason,
        "events": [asdict(event) for event in result.report.events],
        "spans": [asdict(span) for span in result.report.lost_spans],
        "ranks": ranks,
        "bones": {each.name: match_bones(each, bones) for each in conventions if match_bones(each, bones)},
        "csv": live_link.format_csv(_recording()).splitlines()[:4],
        "codes": [asdict(code) for code in codes],
        "frames": [float(timecode.frames_of([code], 30)[0]) for code in codes],
    }


def _recording() -> live_link.LiveLinkTake:
    tracks, result = take(exact=True), retarget(take(exact=True), RIG, AT_24)
    return live_link.LiveLinkTake(
        frame_rate=(30, 1),
        counted_rate=30,
        start=timecode.Timecode(1, 2, 3, 4.5),
        time_s=tracks.time_s,
        valid=take(lost=True).valid,
        arkit=result.arkit_weights,
        head_rotation=result.head_rotation_relative,
        gaze_rad=result.gaze_rad,
        eye_roll_rad=np.zeros((FRAMES, 2)),
    )


NUMBERS_OF: dict[str, Callable[[], Arrays]] = {
    function.__name__: function
    for function in (solved, named, exact, edited, measured, probed, keys, turns, tables, report)
}


def main() -> None:
    """Nothing; the files hold what the present sources give."""
    arrays = {f"{name}/{key}": value for name, make in NUMBERS_OF.items() for key, value in make().items()}
    write_arrays({name: np.round(value, 5).astype(np.float32) for name, value in arrays.items()}, NUMBERS)
    TEXTS.write_text(json.dumps(texts(), ensure_ascii=True, indent=1, sort_keys=True) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
