# SPDX-License-Identifier: GPL-3.0-or-later
"""The offer to go on with a capture that did not come to its end; there only while there is one."""

from __future__ import annotations

from typing import Any

import bpy

from fomm_engine.wire.unfinished import Unfinished

from ..engine_jobs import jobs, unfinished
from ..translation import words
from .layout import Step, large, wrapped


class UNDERSTUDY_PT_unfinished(Step, bpy.types.Panel):
    """A capture that did not come to its end"""

    bl_label = "Unfinished Capture"
    bl_order = 0
    bl_options = {"HIDE_HEADER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """True where there is one, and no job runs."""
        return not jobs.DESK.busy and bool(unfinished.OFFERS.of(context.scene))

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing; which video it was and how far, and what can be done."""
        box = self.layout.box()
        for left in unfinished.OFFERS.of(context.scene)[:1]:
            self._draw_offer(box, left)

    def _draw_offer(self, box: Any, left: Unfinished) -> None:
        sentence = words(
            "The capture of {name} stopped at frame {done} of {total}.",
            name=unfinished.video_name(left),
            done=left.done,
            total=left.total,
        )
        wrapped(box, sentence, icon="RECOVER_LAST")
        row = large(box).row(align=True)
        row.operator("understudy.continue_capture").folder = str(left.folder)
        row.operator("understudy.discard_capture", text="", icon="TRASH").folder = str(left.folder)


CLASSES: tuple[type, ...] = (UNDERSTUDY_PT_unfinished,)
