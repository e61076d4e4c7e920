# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a character: what is measured, that everything is put back, that it is kept, and what is refused."""

import sys
import time

import bpy
import numpy as np
import pytest
from anchored import anchor, family_in
from landmark_face import FACE, arkit_moves, make_landmark_face

from blender_addon.blender.rig_measure import anchors, measuring, probe, store
from blender_addon.blender.rig_measure.measuring import RigMeasure
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.names import MIRRORED_POINTS

JAW, SMILE = arkit_moves()["jawOpen"], arkit_moves()["mouthSmileLeft"]
FROWN = arkit_moves()["mouthFrownLeft"]


def measured(family):
    work = RigMeasure(family, bpy.context.scene.frame_current)
    for _ in work.steps():
        pass
    return work.basis


def control(basis, name):
    return basis.controls[basis.index(name)], basis.displacement_cm[basis.index(name)]


def state_of_everything():
    """All that measuring touches or could touch, to the last bit."""
    words = []
    for thing in sorted(bpy.data.objects, key=lambda own: own.name):
        words.append((thing.name, thing.select_get(), thing.mode, [list(row) for row in thing.matrix_world]))
        words += [(m.name, m.show_viewport, m.show_render) for m in thing.modifiers]
        words.append({key: str(value) for key, value in thing.items()})
        data = thing.animation_data
        words.append((data.action.name, data.use_nla) if data and data.action else None)
        if thing.type == "ARMATURE":
            words.append(thing.data.pose_position)
            for bone in thing.pose.bones:
                channels = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
                words += [tuple(getattr(bone, name)) for name in channels]
        if thing.type == "MESH":
            words.append(thing.show_only_shape_key)
            keys = thing.data.shape_keys
            words += [(b.name, b.value, b.mute) for b in keys.key_blocks] if keys else []
            own = keys.animation_data if keys else None
            words.append(own.action.name if own and own.action else None)
    scene = bpy.context.scene
    active = bpy.context.view_layer.objects.active
    words += [scene.name, scene.frame_current, active.name if active else "", bpy.context.mode]
    for name in ("scenes", "objects", "meshes", "cameras", "lights", "worlds", "actions", "images"):
        words.append(sorted(own.name for own in getattr(bpy.data, name)))
    return [repr(word) for word in words]


def bone_rig(**placed):
    """An armature with a head and a jaw bone (and an eye target) under an object with these settings."""
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, head, tail, parent in (
        ("head", (0, 0.08, -0.1), (0, 0.08, 0.1), None),
        ("jaw", (0, 0.0, -0.02), (0, -0.09, -0.08), "head"),
    ):
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail, bone.parent = head, tail, armature.data.edit_bones.get(parent or "")
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, value in placed.items():
        setattr(armature, name, value)
    bpy.context.view_layer.update()
    return armature


def weigh(face):
    """The chin and the lower lip go with the jaw, everything else with the head."""
    low = [*range(4, 13), *range(55, 60), *range(65, 68)]
    face.mesh.vertex_groups.new(name="jaw").add(low, 1.0, "REPLACE")
    face.mesh.vertex_groups.new(name="head").add([n for n in range(70) if n not in low], 1.0, "REPLACE")


@pytest.fixture
def face(scene):
    return make_landmark_face({"k000": JAW, "k001": SMILE, "k002": np.zeros((70, 3)) + 0.0})


def test_a_key_does_what_its_vertices_do_whatever_it_is_called(face):
    basis = measured(face.family)
    assert [own.name for own in basis.controls] == ["k000", "k001"], "k002 moves nothing"
    np.testing.assert_allclose(basis.neutral_cm, FACE.neutral_cm, atol=1e-3)
    np.testing.assert_allclose(control(basis, "k000")[1], JAW, atol=1e-3)
    np.testing.assert_allclose(control(basis, "k001")[1], SMILE, atol=1e-3)
    np.testing.assert_allclose(basis.armature_from_head, [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-4)
    assert basis.scale_cm_per_unit == pytest.approx(100, rel=1e-3)


def test_all_of_arkit_is_measured_with_regions_and_pairs(scene):
    moves = arkit_moves()
    names = {name: f"k{number:03d}" for number, name in enumerate(moves)}
    face = make_landmark_face({names[name]: moved for name, moved in moves.items()})
    basis = measured(face.family)
    assert len(basis.controls) == len(moves)
    for name in moves:
        np.testing.assert_allclose(control(basis, names[name])[1], moves[name], atol=2e-3)
    regions = {name: control(basis, names[name])[0].region for name in ("jawOpen", "browInnerUp", "eyeBlinkLeft")}
    assert regions == {"jawOpen": "jaw", "browInnerUp": "brows", "eyeBlinkLeft": "eyes"}
    assert control(basis, names["mouthSmileLeft"])[0].pair == names["mouthSmileRight"]
    assert control(basis, names["jawOpen"])[0].pair is None


@pytest.mark.parametrize(
    ("unit", "placed"),
    [
        (10.0, {}),  # a mesh modelled in millimetres
        (0.01, {"scale": (3.0, 3.0, 3.0), "rotation_euler": (0.4, -0.3, 2.0), "location": (5.0, -2.0, 1.0)}),
        (0.01, {"scale": (-1.0, 1.0, 1.0)}),  # mirrored: it shows the other side's face
    ],
)
def test_a_character_may_stand_anywhere_in_any_size(scene, unit, placed):
    face = make_landmark_face({"k000": JAW, "k001": SMILE}, unit=unit)
    for name, value in placed.items():
        setattr(face.mesh, name, value)
    is_mirrored = placed.get("scale", (1,))[0] < 0
    if is_mirrored:  # what is the left side now was the right one
        partners = list(MIRRORED_POINTS)
        anchor(face.family, face.mesh, partners[:68], [(face.mesh, 69), (face.mesh, 68)])
    bpy.context.view_layer.update()
    basis = measured(face.family)
    np.testing.assert_allclose(basis.neutral_cm, FACE.neutral_cm, atol=5e-3)
    wanted = SMILE[list(MIRRORED_POINTS)] * [-1, 1, 1] if is_mirrored else SMILE
    np.testing.assert_allclose(control(basis, "k001")[1], wanted, atol=5e-3)
    assert np.linalg.det(basis.armature_from_head) == pytest.approx(-1 if is_mirrored else 1)
    assert basis.scale_cm_per_unit == pytest.approx(1 / unit, rel=1e-3)


def test_a_driven_key_is_offered_by_the_property_behind_it(scene):
    rig = bone_rig()
    face = make_landmark_face({"open": JAW, "smile": SMILE, "frown": FROWN}, armature=rig)
    weigh(face)
    rig["mouth"], rig["mood"] = 0.0, 0.0
    rig.id_properties_ui("mouth").update(min=0.0, max=2.0, soft_min=0.0, soft_max=2.0)
    rig.id_properties_ui("mood").update(min=-1.0, max=1.0, soft_min=-1.0, soft_max=1.0)
    for key, expression, source in (
        ("open", "0.5 * v", "mouth"),
        ("smile", "max(v, 0)", "mood"),
        ("frown", "-v", "mood"),
    ):
        driver = face.mesh.data.shape_keys.key_blocks[key].driver_add("value").driver
        variable = driver.variables.new()
        variable.name, variable.targets[0].id, variable.targets[0].data_path = "v", rig, f'["{source}"]'
        driver.expression = expression
    basis = measured(face.family)
    sliders = {own.name: own for own in basis.controls if own.kind != "bone"}
    assert set(sliders) == {"mouth", "mood +", "mood -"}, "shape keys that a driver sets cannot be set"
    assert sliders["mouth"].kind == "property" and sliders["mouth"].target == 'armature|["mouth"]'
    assert (sliders["mouth"].minimum, sliders["mouth"].maximum) == (0.0, 2.0)
    np.testing.assert_allclose(control(basis, "mouth")[1], JAW * 0.5, atol=2e-3)
    np.testing.assert_allclose(control(basis, "mood +")[1], SMILE, atol=2e-3)
    np.testing.assert_allclose(control(basis, "mood -")[1], -FROWN, atol=2e-3)
    assert isinstance(rig["mouth"], float) and rig["mouth"] == 0.0


def test_a_jaw_bone_is_measured_within_its_limits_and_locks(scene):
    rig = bone_rig()
    bone = rig.pose.bones["jaw"]
    bone.lock_location = (True, True, True)
    bone.lock_rotation = (False, True, True)
    limit = bone.constraints.new("LIMIT_ROTATION")
    limit.owner_space, limit.use_limit_x, limit.min_x, limit.max_x = "LOCAL", True, -0.1, 0.3
    face = make_landmark_face({"smile": SMILE}, armature=rig)
    weigh(face)
    basis = measured(face.family)
    names = [own.name for own in basis.controls]
    assert names == ["smile", "jaw rotation0"], "the head carries the whole face and is no control of it"
    jaw, moved = control(basis, "jaw rotation0")
    assert jaw.minimum == pytest.approx(-0.1)
    assert 0.2 < jaw.maximum <= 0.3 + 1e-6, "as far as faces open, within the rig's own limit"
    chin, pivot = FACE.neutral_cm[8], np.array([0.0, -2.0, 0.0])
    assert np.linalg.norm(moved[8]) == pytest.approx(np.linalg.norm((chin - pivot)[1:]), rel=0.03)
    assert np.abs(moved[27]).max() < 1e-3


def test_everything_is_put_back_after_success_cancel_and_error(scene, monkeypatch):
    rig = bone_rig(rotation_euler=(0.1, 0.2, 0.3))
    face = make_landmark_face({"open": JAW, "smile": SMILE}, armature=rig)
    weigh(face)
    keys = face.mesh.data.shape_keys
    keys.key_blocks["smile"].value = 0.3
    keys.key_blocks["smile"].keyframe_insert("value", frame=1)
    keys.key_blocks["open"].value = 0.123
    face.mesh.modifiers.new("Refine", "SUBSURF")
    face.mesh.show_only_shape_key = True
    rig.pose.bones["jaw"].rotation_quaternion = (0.9, 0.1, 0.2, 0.3)
    rig.pose.bones["jaw"].keyframe_insert("rotation_quaternion", frame=1)
    rig.pose.bones["head"].location = (0.1, 0.0, 0.0)
    rig.data.pose_position = "REST"
    rig.select_set(True)
    scene.frame_set(7)
    before = state_of_everything()
    basis = measured(face.family)
    assert state_of_everything() == before
    assert {own.name for own in basis.controls} >= {"open", "smile"}
    assert basis.controls[basis.index("smile")].rest == 0.0, "an animated key is at rest at 0"
    assert basis.controls[basis.index("open")].rest == pytest.approx(0.123), "a value may be part of the looks"
    steps = RigMeasure(face.family, 7).steps()
    next(steps)
    assert state_of_everything() != before
    steps.close()
    assert state_of_everything() == before

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(measuring, "_basis", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        measured(face.family)
    assert state_of_everything() == before


def test_an_animated_character_is_measured_as_a_still_one(scene):
    face = make_landmark_face({"k000": JAW, "k001": SMILE})
    key = face.mesh.data.shape_keys.key_blocks["k000"]
    for frame, value in ((1, 0.0), (10, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    scene.frame_set(10)
    assert key.value == 1.0
    basis = measured(face.family)
    np.testing.assert_allclose(basis.neutral_cm, FACE.neutral_cm, atol=1e-3)
    np.testing.assert_allclose(control(basis, "k000")[1], JAW, atol=1e-3)


def test_the_command_measures_keeps_and_is_one_undo_step(scene, face):
    bpy.ops.understudy.choose_character(object="Face")
    assert "Measure it" in scene.understudy.character.summary
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.understudy.measure_rig("EXEC_DEFAULT", True)
    assert store.kept(bpy.data.objects["Face"]) is not None
    assert "2 measured controls" in bpy.context.scene.understudy.character.summary
    bpy.ops.ed.undo()
    assert store.kept(bpy.data.objects["Face"]) is None


def test_the_measure_survives_saving_and_appending(scene, face, tmp_path):
    bpy.ops.understudy.choose_character(object="Face")
    bpy.ops.understudy.measure_rig()
    path = str(tmp_path / "measured.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    for append in (False, True):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        if append:
            taken = bpy.data.objects.new("Face", bpy.data.meshes.new("Face"))  # the name is taken: it becomes Face.001
            with bpy.data.libraries.load(path) as (_, wanted):
                wanted.objects = ["Face"]
            bpy.context.scene.collection.objects.link(wanted.objects[0])
            bpy.context.scene.collection.objects.link(taken)
        else:
            bpy.ops.wm.open_mainfile(filepath=path)
        name = "Face.001" if append else "Face"
        bpy.ops.understudy.choose_character(object=name)
        assert "2 measured controls" in bpy.context.scene.understudy.character.summary
        bpy.ops.understudy.measure_rig()


def test_a_changed_mesh_is_noticed(scene, face):
    bpy.ops.understudy.choose_character(object="Face")
    bpy.ops.understudy.measure_rig()
    face.mesh.shape_key_add(name="new")
    assert store.state(store.kept(face.mesh), face.family) == "stale"
    bpy.ops.understudy.choose_character(object="Face")
    assert "measure it again" in scene.understudy.character.remarks
    small = bpy.data.meshes.new("other")
    small.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    face.mesh.data = small
    with pytest.raises(UserError) as caught:
        measured(face.family)
    assert caught.value.code == "points-stale"


def test_what_cannot_be_measured_is_refused_with_a_sentence(scene, face):
    keys = face.mesh.data.shape_keys.key_blocks
    for key in keys:
        key.mute = True
    with pytest.raises(UserError) as caught:
        measured(face.family)
    assert caught.value.code == "nothing-moves"
    del face.mesh[anchors.PROPERTY]
    with pytest.raises(UserError) as caught:
        measured(face.family)
    assert caught.value.code == "no-points"
    bpy.context.view_layer.objects.active = face.mesh
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(UserError) as caught:
        measured(face.family)
    assert caught.value.code == "editing"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_the_probe_asks_the_mesh_itself(scene, face):
    basis = measured(face.family)
    before = state_of_everything()
    values = np.array([[0.0, 0.0], [1.0, 0.5]])
    points = probe.probe_of(face.family, basis, 1)(values)
    np.testing.assert_allclose(points[0], FACE.neutral_cm, atol=1e-3)
    np.testing.assert_allclose(points[1], FACE.neutral_cm + JAW + 0.5 * SMILE, atol=2e-3)
    assert state_of_everything() == before


def test_a_point_can_be_set_by_hand(scene, face):
    bpy.ops.understudy.choose_character(object="Face")
    aim = face.mesh.matrix_world @ face.mesh.data.vertices[33].co
    bpy.ops.understudy.edit_landmarks(index=30, location=aim)
    kept = anchors.kept(face.mesh)
    places = kept.places([face.mesh], bpy.context.evaluated_depsgraph_get())
    np.testing.assert_allclose(places[30], aim, atol=1e-5)
    assert kept.by_hand == (30,) and kept.confidence[30] == 1.0


def test_60_controls_on_30000_faces_take_less_than_ten_seconds(scene):
    face = make_landmark_face({"k": JAW})
    data = face.mesh.data
    side = 173
    grid = np.stack(np.meshgrid(np.linspace(-0.1, 0.1, side + 1), np.linspace(-0.1, 0.1, side + 1)), -1).reshape(-1, 2)
    points = np.concatenate([grid, np.zeros((len(grid), 1))], 1)[:, [0, 2, 1]]
    own = np.array([vertex.co for vertex in data.vertices])
    first = np.arange(side * (side + 1)).reshape(side, side + 1)[:, :-1].ravel() + 70
    quads = np.stack([first, first + 1, first + side + 2, first + side + 1], 1)
    faces = [tuple(polygon.vertices) for polygon in data.polygons] + quads.tolist()
    big = bpy.data.meshes.new("big")
    big.from_pydata(np.concatenate([own, points]).tolist(), [], faces)
    face.mesh.data = big
    assert len(big.polygons) > 29_900
    face.mesh.shape_key_add(name="Basis")
    rng = np.random.default_rng(4)
    base = np.concatenate([own, points])
    for number in range(60):
        key = face.mesh.shape_key_add(name=f"k{number:03d}", from_mix=False)
        key.value = 0.0
        moved = base.copy()
        moved[:70] += 0.004 * rng.standard_normal((70, 3))
        key.data.foreach_set("co", moved.astype(np.float32).ravel())
    anchor(face.family, face.mesh, range(68), [(face.mesh, 68), (face.mesh, 69)])
    started = time.process_time()  # the machine's other work does not count
    basis = measured(face.family)
    assert len(basis.controls) == 60
    taken_s = time.process_time() - started
    sys.stdout.write(f"measured 60 controls on 30,000 faces in {taken_s:.2f} s of processor time\n")
    assert taken_s < 10.0


def test_a_library_override_is_measured_and_its_measure_outlives_the_session(scene, tmp_path):
    rig = bone_rig()
    face = make_landmark_face({"k000": JAW, "k001": SMILE}, armature=rig)
    weigh(face)
    own = bpy.data.collections.new("Character")
    scene.collection.children.link(own)
    for thing in (rig, face.mesh):
        own.objects.link(thing)
        scene.collection.objects.unlink(thing)
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Character"]
    scene = bpy.context.scene
    wanted.collections[0].override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    bpy.ops.understudy.choose_character(object="Rig")
    rig = scene.understudy.character.armature
    assert rig.override_library is not None
    before = state_of_everything()
    anchors.keep(family_in(scene, rig), anchors.kept(rig))
    bpy.ops.understudy.measure_rig()
    assert state_of_everything() == before
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    rig = bpy.context.scene.understudy.character.armature
    basis = store.kept(rig)
    assert basis is not None and store.state(basis, family_in(bpy.context.scene, rig)) == "measured"
    assert {own.name for own in basis.controls} >= {"k000", "k001", "jaw rotation0"}
