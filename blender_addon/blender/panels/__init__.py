# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab "Understudy": six short steps from the video to the rendered shot. Drawing reads, never computes."""

from . import bake, channels, engine, job_status, match, performance, portrait, preview, takes, unfinished
from .character import UNDERSTUDY_PT_character, UNDERSTUDY_UL_performers
from .job_status import draw_status_bar
from .measure import UNDERSTUDY_PT_measure
from .render import UNDERSTUDY_PT_render, UNDERSTUDY_PT_shot
from .splice import UNDERSTUDY_PT_splice

# A panel comes after its parent.
CLASSES: tuple[type, ...] = (
    *job_status.CLASSES,
    *unfinished.CLASSES,
    *engine.CLASSES,
    *performance.CLASSES,
    *takes.CLASSES,
    UNDERSTUDY_UL_performers,
    UNDERSTUDY_PT_character,
    UNDERSTUDY_PT_measure,
    match.UNDERSTUDY_UL_matches,
    match.UNDERSTUDY_MT_rig_maps,
    match.UNDERSTUDY_MT_match,
    match.UNDERSTUDY_PT_match,
    match.UNDERSTUDY_PT_bones,
    *preview.CLASSES,
    channels.UNDERSTUDY_UL_channels,
    channels.UNDERSTUDY_UL_regions,
    channels.UNDERSTUDY_PT_regions,
    channels.UNDERSTUDY_PT_channels,
    *bake.CLASSES,
    UNDERSTUDY_PT_splice,
    UNDERSTUDY_PT_render,
    UNDERSTUDY_PT_shot,
    *portrait.CLASSES,
)

__all__ = ["CLASSES", "draw_status_bar"]
