# SPDX-License-Identifier: GPL-3.0-or-later
"""The one ordered list of classes, and what else is added to Blender and taken away again."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import panels, pictures, preferences, properties
from .capturing import take_saving
from .capturing.placing import places
from .capturing.video_overlay import drawing as video_overlay
from .engine_jobs import engine_check, jobs, status
from .operators import (
    calibration,
    channels,
    character,
    engine,
    live_link,
    measure,
    messages,
    models,
    neutral,
    performance,
    placing,
    portrait,
    preview,
    render,
    rig_map,
    takes,
    unfinished,
)
from .operators import gallery as gallery_commands
from .portrait import film_view, gallery
from .preview import handlers as preview_handlers
from .preview import reports
from .rig_measure import overlay
from .shot import render_watch
from .translation import catalogue

CLASSES: tuple[type, ...] = (
    *properties.CLASSES,
    status.UnderstudyStatus,
    *engine_check.CLASSES,
    *preferences.CLASSES,
    # Commands, in the order of the work.
    *performance.CLASSES,
    *unfinished.CLASSES,
    *placing.CLASSES,
    *takes.CLASSES,
    *live_link.CLASSES,
    *calibration.CLASSES,
    *messages.CLASSES,
    *character.CLASSES,
    *rig_map.CLASSES,
    *measure.CLASSES,
    *channels.CLASSES,
    *neutral.CLASSES,
    *preview.CLASSES,
    *render.CLASSES,
    *gallery_commands.CLASSES,
    *models.CLASSES,
    *portrait.CLASSES,
    *engine.CLASSES,
    *panels.CLASSES,
)


def register() -> None:
    """Nothing; everything is in place."""
    catalogue.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    scene: Any = bpy.types.Scene
    window_manager: Any = bpy.types.WindowManager
    scene.understudy = bpy.props.PointerProperty(type=properties.UnderstudyScene)
    window_manager.understudy_status = bpy.props.PointerProperty(type=status.UnderstudyStatus)
    window_manager.understudy_engine = bpy.props.PointerProperty(type=engine_check.UnderstudyEngineCheck)
    bpy.types.STATUSBAR_HT_header.append(panels.draw_status_bar)
    bpy.app.handlers.load_pre.append(end_job)
    bpy.app.handlers.load_post.append(prepare_scenes)
    film_view.start()
    take_saving.start()
    places.start()
    video_overlay.start()
    preview_handlers.register()
    # While Blender starts or an extension is installed, bpy.data is not there yet: at the start the file that is loaded
    # next calls prepare_scenes itself, after an installation a timer does.
    if hasattr(bpy.data, "scenes"):
        prepare_scenes()
    elif not bpy.app.background:
        bpy.app.timers.register(prepare_scenes, first_interval=0.0)


def unregister() -> None:
    """Nothing; everything is gone, and a running job has ended."""
    jobs.DESK.close()
    engine_check.stop()
    preview_handlers.unregister()
    reports.SHELF.clear()
    render_watch.forget()
    if bpy.app.timers.is_registered(prepare_scenes):
        bpy.app.timers.unregister(prepare_scenes)
    overlay.OVERLAY.hide()
    pictures.stop()
    gallery.stop()
    film_view.stop()
    video_overlay.stop()
    places.stop()
    take_saving.stop()
    bpy.app.handlers.load_post.remove(prepare_scenes)
    bpy.app.handlers.load_pre.remove(end_job)
    bpy.types.STATUSBAR_HT_header.remove(panels.draw_status_bar)
    del bpy.types.WindowManager.understudy_engine  # type: ignore[attr-defined]
    del bpy.types.WindowManager.understudy_status  # type: ignore[attr-defined]
    del bpy.types.Scene.understudy  # type: ignore[attr-defined]
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    catalogue.unregister()


@persistent
def end_job(*_: Any) -> None:
    """Nothing; another file is loaded, so the running job's scene is about to go."""
    jobs.DESK.close()
    overlay.OVERLAY.hide()


@persistent
def prepare_scenes(*_: Any) -> None:
    """Nothing; every scene has a character's entry with its channels, so that drawing a panel never has to write."""
    for scene in bpy.data.scenes:
        properties.ensure(scene)
