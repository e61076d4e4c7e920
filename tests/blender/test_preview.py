# SPDX-License-Identifier: GPL-3.0-or-later
"""The take live on the character without keys, and everything as it stood before after whatever ends it."""

import time

import bpy
import numpy as np
import pytest
from tiny_character import make_character

from blender_addon.blender import compat, properties
from blender_addon.blender.baking import measure
from blender_addon.blender.preview.live import LIVE


def state(character):
    """All that a preview touches, to the last bit."""
    keys = character.mesh.data.shape_keys
    bones = {
        bone.name: (*bone.rotation_quaternion, *bone.rotation_euler, *bone.location, *bone.scale)
        for bone in character.armature.pose.bones
    }
    curves = [
        (curve.data_path, curve.array_index, curve.mute)
        for owner in (keys, character.armature)
        for curve in compat.assigned_curves(owner)
    ]
    return {block.name: block.value for block in keys.key_blocks}, bones, sorted(curves)


def again(name="Ada"):
    """The character after an undo or a load: the objects of before may be gone."""
    from tiny_character import Character

    return Character(bpy.data.objects[f"{name} Face"], bpy.data.objects[f"{name} Rig"])


@pytest.fixture
def posed(ready, character):
    """A character that already stands somewhere, and whose jaw and head are animated."""
    keys = character.mesh.data.shape_keys.key_blocks
    keys["mouthSmileLeft"].value = 0.3
    for frame, value in ((1, 0.1), (40, 0.9)):
        keys["jawOpen"].value = value
        keys["jawOpen"].keyframe_insert("value", frame=frame)
    character.armature.pose.bones["head"].rotation_quaternion = (0.96, 0.28, 0.0, 0.0)
    character.armature.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=1)
    character.armature.pose.bones["spine"].location.x = 0.25
    character.armature.pose.bones["spine"].keyframe_insert("location", frame=1)
    bpy.context.scene.frame_set(1)
    return character


def jaw(character):
    graph = bpy.context.evaluated_depsgraph_get()
    return character.mesh.evaluated_get(graph).data.shape_keys.key_blocks["jawOpen"].value


def test_it_shows_what_a_bake_would_without_a_key(scene, ready, character):
    scene.frame_set(1)
    bpy.ops.understudy.preview()
    shown = measure.measure(scene, range(1, 36))
    assert character.mesh.data.shape_keys.animation_data is None
    assert character.armature.animation_data is None
    bpy.ops.understudy.bake()
    baked = measure.measure(scene, range(1, 36))
    np.testing.assert_allclose(shown.shape_values, baked.shape_values, atol=1e-6)
    np.testing.assert_allclose(shown.head_rotation, baked.head_rotation, atol=1e-5)
    assert baked.shape_values.max() > 0.5
    assert not LIVE.sessions


def test_own_animation_is_silent_meanwhile_and_plays_again(scene, posed):
    scene.frame_set(40)
    assert jaw(posed) == pytest.approx(0.9)
    before = state(posed)
    bpy.ops.understudy.preview()
    scene.frame_set(1)
    assert jaw(posed) < 0.05  # the actor is at rest
    assert posed.armature.pose.bones["spine"].location.x == 0.25
    scene.frame_set(40)
    bpy.ops.understudy.preview()
    assert state(posed) == before
    assert jaw(posed) == pytest.approx(0.9)
    scene.frame_set(1)
    assert jaw(posed) == pytest.approx(0.1)


def test_strips_in_the_nla_are_silent_meanwhile(scene, posed):
    data = posed.mesh.data.shape_keys.animation_data
    action, slot = data.action, getattr(data, "action_slot", None)
    data.action = None
    strip = data.nla_tracks.new().strips.new("jaw", 1, action)
    if slot is not None:
        strip.action_slot = slot
    scene.frame_set(40)
    assert jaw(posed) == pytest.approx(0.9)
    bpy.ops.understudy.preview()
    scene.frame_set(1)
    scene.frame_set(40)
    assert jaw(posed) < 0.5
    bpy.ops.understudy.preview()
    assert jaw(posed) == pytest.approx(0.9)


def test_a_change_of_settings_shows_on_the_next_frame(scene, ready, character):
    bpy.ops.understudy.preview()
    scene.frame_set(22)
    full = jaw(character)
    ready.retarget.channels["jawOpen"].gain = 0.5
    scene.frame_set(23)
    scene.frame_set(22)
    assert jaw(character) == pytest.approx(0.5 * full, abs=0.02)
    ready.retarget.channels["jawOpen"].mute = True
    scene.frame_set(23)
    assert jaw(character) == 0.0


def test_frames_in_between_and_outside(scene, ready, character):
    bpy.ops.understudy.preview()
    values = []
    for frame, sub in ((15, 0.0), (15, 0.5), (16, 0.0)):
        scene.frame_set(frame, subframe=sub)
        values.append(jaw(character))
    assert values[1] == pytest.approx((values[0] + values[2]) / 2, abs=1e-5)
    assert values[0] != values[2]
    scene.frame_set(1)
    first = jaw(character)
    scene.frame_set(-100)
    assert jaw(character) == first


def saving(tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"), copy=True)


def test_a_saved_file_holds_nothing_of_it_and_it_goes_on(scene, posed, tmp_path):
    before = state(posed)
    bpy.ops.understudy.preview()
    scene.frame_set(22)
    shown = state(posed)[0]
    saving(tmp_path)
    assert state(posed)[0] == shown
    assert LIVE.sessions
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    assert not LIVE.sessions
    bpy.context.scene.frame_set(1)
    assert state(again()) == before
    assert not bpy.context.scene.understudy.performer.stood


def test_a_file_that_saved_itself_in_the_middle_is_mended_when_it_is_loaded(scene, posed, tmp_path):
    before = state(posed)
    bpy.ops.understudy.preview()
    scene.frame_set(22)
    from blender_addon.blender.preview import handlers

    handlers.unregister()  # as autosave and a crash, which tell nobody
    try:
        LIVE.start(scene)
        saving(tmp_path)
        LIVE.drop_all()
    finally:
        handlers.register()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.frame_set(1)
    assert state(again()) == before


@pytest.mark.parametrize("change", ["nothing", "scene", "jaw"])
def test_undo_to_before_it(scene, posed, change):
    """Undo reads only what differs between two steps again, whatever stands in memory."""
    bpy.ops.ed.undo_push(message="a")
    before = state(posed)
    if change == "scene":
        scene.understudy.retarget.gain = 0.7
    if change == "jaw":
        posed.mesh.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.8
    bpy.ops.object.empty_add()
    bpy.ops.ed.undo_push(message="b")
    bpy.ops.understudy.preview()
    scene.frame_set(22)
    bpy.ops.ed.undo()
    bpy.context.scene.frame_set(1)
    assert state(again()) == before
    assert not LIVE.sessions
    assert not bpy.context.scene.understudy.performer.stood


def test_undo_to_steps_made_in_the_middle_of_it(scene, posed):
    bpy.ops.ed.undo_push(message="a")
    before = state(posed)
    bpy.ops.understudy.preview()
    for frame in (15, 22, 30):
        scene.frame_set(frame)
        bpy.ops.object.empty_add()
        bpy.ops.ed.undo_push(message=f"frame {frame}")
    bpy.ops.understudy.preview()
    for _ in range(3):
        bpy.ops.ed.undo()
        assert state(again())[0]["mouthSmileLeft"] == before[0]["mouthSmileLeft"]
        assert state(again())[2] == before[2]
        assert not bpy.context.scene.understudy.performer.stood
    bpy.ops.ed.redo()
    bpy.context.scene.frame_set(1)
    assert state(again()) == before


def test_it_adds_no_undo_step(scene, posed):
    bpy.ops.ed.undo_push(message="a")
    bpy.ops.object.empty_add()
    bpy.ops.ed.undo_push(message="b")
    bpy.ops.understudy.preview()
    bpy.ops.understudy.preview()
    count = len(bpy.data.objects)
    bpy.ops.ed.undo()
    assert len(bpy.data.objects) == count - 1


def test_a_render_shows_the_character_as_it_stands(scene, posed, tmp_path):
    before = state(posed)
    bpy.ops.understudy.preview()
    scene.camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    scene.collection.objects.link(scene.camera)
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.filepath = str(tmp_path / "still.png")
    bpy.ops.render.render(write_still=True)
    assert not LIVE.sessions
    scene.frame_set(1)
    assert state(posed) == before


def test_unregistering_and_another_file_end_it(scene, posed, addon):
    before = state(posed)
    bpy.ops.understudy.preview()
    addon.unregister()
    try:
        scene.frame_set(1)
        assert state(posed) == before
    finally:
        addon.register()
    bpy.ops.understudy.preview()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not LIVE.sessions


def test_what_cannot_be_previewed_is_said_and_nothing_is_changed(scene, posed, tmp_path):
    before = state(posed)
    take = scene.understudy.takes[0]
    take.filepath, take.absolute = str(tmp_path / "gone.capture.npz"), ""
    with pytest.raises(RuntimeError, match="gone"):
        bpy.ops.understudy.preview()
    assert state(posed) == before
    assert not LIVE.sessions


def test_the_timer_is_known_by_one_object(scene):
    """A bound method would be another object each time, and could never be unregistered."""
    from blender_addon.blender.preview import live, reports

    for function in (live._tick, reports._make):  # noqa: SLF001 - what Blender is given
        bpy.app.timers.register(function, first_interval=1000.0)
        assert bpy.app.timers.is_registered(function)
        (LIVE.end_all if function is live._tick else reports.SHELF.clear)()  # noqa: SLF001
        assert not bpy.app.timers.is_registered(function)


def test_two_characters_at_once(scene, ready, character):
    other = make_character("Bea")
    before = jaw(other)  # 1 in Blender 5, where new shape keys are on
    bpy.ops.understudy.preview()
    bpy.ops.understudy.choose_character(object="Bea Rig")
    ready.retarget.gain = 0.5
    bpy.ops.understudy.preview()
    scene.frame_set(22)
    assert 0 < jaw(other) < 0.7 * jaw(character)
    bpy.ops.understudy.preview()
    scene.frame_set(23)
    assert jaw(other) == before
    assert jaw(character) > 0.1
    assert [performer.name for performer in ready.performers] == ["Ada Rig", "Bea Rig"]


def test_the_solver_works_beside_blender(scene, ready):
    """In a window the main thread only starts it and takes its result."""
    import threading

    from blender_addon.blender.preview import solving

    seen = []
    original = solving.solve_take
    solving.solve_take = lambda *given: seen.append(threading.current_thread()) or original(*given)
    try:
        bpy.ops.understudy.preview()
    finally:
        solving.solve_take = original
    assert [thread is threading.main_thread() for thread in seen] == [False]


def settle(session):
    """Wait for the solver; its outcome stays for the next tick."""
    while session.solver.is_working:
        time.sleep(0.01)


def test_a_tick_takes_over_and_follows(scene, ready, character):
    """The window's way, with its timer called by hand."""
    from blender_addon.blender.preview import live

    session = live.Session(scene.name, ready.performer.uid)
    LIVE.sessions[session.uid] = session
    try:
        for _ in range(3):
            LIVE.tick()
            settle(session)
        LIVE.tick()
        assert session.player is not None
        scene.frame_set(22)
        full = character.mesh.data.shape_keys.key_blocks["jawOpen"].value
        ready.retarget.gain = 0.0
        for _ in range(4):
            LIVE.tick()
            settle(session)
        ready.retarget.gain = 1.0
        live.before_undo()  # as in a window, where the preview outlives an undo
        live.standing.forget(ready.performer)
        session.forget_objects()
        for _ in range(4):
            LIVE.tick()
            settle(session)
        assert character.mesh.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(full, abs=1e-6)
        ready.retarget.gain = 0.0
        for _ in range(4):
            LIVE.tick()
            settle(session)
        assert full > 0.3
        assert character.mesh.data.shape_keys.key_blocks["jawOpen"].value == 0.0
        assert properties.of(scene).performer.report
    finally:
        LIVE.end_all()
