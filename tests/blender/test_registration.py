# SPDX-License-Identifier: GPL-3.0-or-later
"""Registering, unregistering, drawing: the add-on comes and goes cleanly, and every panel draws in every state."""

from unittest.mock import MagicMock

import bpy
import pytest

from blender_addon.blender import panels, preferences, properties, registration
from blender_addon.blender.engine_jobs import status
from blender_addon.engine.session import Failure

PANELS = [cls for cls in registration.CLASSES if issubclass(cls, bpy.types.Panel)]
OPERATORS = [cls for cls in registration.CLASSES if issubclass(cls, bpy.types.Operator)]


def drawn(panel, context=None):
    """The calls that the panel's draw makes on its layout."""
    layout = MagicMock()
    layout.column.return_value = layout.row.return_value = layout.box.return_value = layout
    panel.draw(MagicMock(layout=layout), context or bpy.context)
    return layout


def operators_in(layout):
    return {call.args[0] for call in layout.operator.call_args_list}


def labels_in(layout):
    return " ".join(str(call.kwargs.get("text", "")) for call in layout.label.call_args_list)


def handlers():
    """The add-on's own, of whatever kind."""
    lists = (getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers))
    found = [own for entries in lists if isinstance(entries, list) for own in entries]
    return sorted(f"{own.__module__}.{own.__name__}" for own in found if own.__module__.startswith("blender_addon"))


def test_it_comes_and_goes_twice(addon, capfd):
    before = handlers()
    assert before
    for _ in range(2):
        addon.unregister()
        assert not hasattr(bpy.types.Scene, "understudy")
        assert not hasattr(bpy.types.WindowManager, "understudy_status")
        assert not any(hasattr(bpy.types, cls.__name__) for cls in OPERATORS)
        assert handlers() == []
        addon.register()
        assert handlers() == before
    assert bpy.ops.understudy.capture.get_rna_type().name == "Capture"
    said = "".join(capfd.readouterr())
    assert "Warning" not in said
    assert "Error" not in said


def test_every_command_tells_what_it_does(addon):
    for cls in OPERATORS:
        described = getattr(bpy.ops.understudy, cls.bl_idname.split(".")[1]).get_rna_type().description
        assert len(described) > 10, cls.__name__
        assert not described.endswith("."), f"{cls.__name__}: Blender's own tooltips have no full stop"


def test_every_setting_has_a_tooltip():
    names = ("Region", "Channel", "Retarget", "Bake", "Splice", "Target", "Render")
    bare = [
        f"Understudy{name}.{prop.identifier}"
        for name in names
        for prop in getattr(properties, f"Understudy{name}").bl_rna.properties
        if prop.identifier not in ("rna_type", "name") and prop.type != "COLLECTION" and not prop.description
    ]
    assert bare == []


def test_the_panels_defaults_are_the_retargetings_own(scene):
    from blender_addon.blender.baking.retarget_settings import settings_of
    from blender_addon.core.settings import RetargetSettings

    assert settings_of(scene.understudy.retarget, scene) == RetargetSettings(frame_rate=(24, 1))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.__name__)
def test_every_panel_draws_in_an_empty_scene(scene, panel):
    drawn(panel)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.__name__)
def test_every_panel_draws_after_a_bake(ready, panel):
    bpy.ops.understudy.bake()
    layout = drawn(panel)
    assert layout.mock_calls or not panel.poll(bpy.context)


def test_without_an_engine_the_panel_offers_to_install_it(scene):
    assert panels.engine.UNDERSTUDY_PT_engine.poll(bpy.context)
    assert "understudy.install_engine" in operators_in(drawn(panels.engine.UNDERSTUDY_PT_engine))
    assert "understudy.capture" not in operators_in(drawn(panels.takes.UNDERSTUDY_PT_capture))


def test_with_an_engine_it_offers_the_capture(engine):
    assert not panels.engine.UNDERSTUDY_PT_engine.poll(bpy.context)
    assert "understudy.capture" in operators_in(drawn(panels.takes.UNDERSTUDY_PT_capture))


def test_an_error_is_shown_with_what_to_do(scene):
    assert not panels.job_status.UNDERSTUDY_PT_status.poll(bpy.context)
    status.say_failure(status.of(bpy.context), Failure("x", "The disk is full.", "Make room.", "trace"))
    assert panels.job_status.UNDERSTUDY_PT_status.poll(bpy.context)
    layout = drawn(panels.job_status.UNDERSTUDY_PT_status)
    assert "The disk is full." in labels_in(layout)
    assert "Make room." in labels_in(layout)
    assert {"understudy.dismiss", "understudy.copy_report"} <= operators_in(layout)
    bpy.ops.understudy.dismiss()
    assert not panels.job_status.UNDERSTUDY_PT_status.poll(bpy.context)


def test_the_character_panel_says_what_was_recognised(ready):
    text = labels_in(drawn(panels.character.UNDERSTUDY_PT_character))
    assert "Ada Face" in text
    assert "52 of 52 channels: ARKit" in text
    assert "Left Eye" in text


def test_long_sentences_fit_the_sidebar():
    text = "The character has no control for mouthShrugUpper, mouthShrugLower, which the actor uses."
    lines = panels.layout.lines_of(text)
    assert " ".join(lines) == text
    assert max(map(len, lines)) <= panels.layout.WRAP_CHARACTERS


def test_the_preferences_draw(scene):
    own = preferences.get(bpy.context)
    layout = MagicMock()
    layout.row.return_value = layout.box.return_value = layout.column.return_value = layout
    preferences.UnderstudyPreferences.draw(MagicMock(layout=layout, wraps=own), bpy.context)
    assert {"understudy.install_engine", "understudy.check_engine"} <= operators_in(layout)


def test_drawing_a_panel_takes_less_than_a_millisecond(ready):
    import time

    class Quick:
        """A layout that costs nothing, so that the add-on's own time is measured."""

        def __getattr__(self, name):
            return lambda *_, **__: self

        def __setattr__(self, name, value):
            pass

    stand_in = type("Panel", (), {"layout": Quick()})()
    for panel in PANELS:
        started = time.process_time()
        for _ in range(50):
            panel.draw(stand_in, bpy.context)
        assert (time.process_time() - started) / 50 < 0.001, panel.__name__


def test_paths_beside_the_blend_are_taken_without_a_warning(scene):
    """From 4.5 on Blender warns of "//" where a property does not say that it takes it; a warning is an error here."""
    own = scene.understudy
    own.render.output = own.performance.filepath = own.portrait.source = "//there"
    take = own.takes.add()
    take.filepath = take.video = "//there"
    preferences.get(bpy.context).takes_folder = "//there"
    assert own.render.output == "//there"
