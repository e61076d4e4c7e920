# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the language that Blender shows.

Plain texts of classes, properties and layouts are translated by Blender itself, through the tables that `catalogue`
registers. `words`, `said` and `tip` are for texts with values in them, `sentence` for messages that come from where
there is no Blender (core, engine), with their values filled in already.
"""

from __future__ import annotations

from bpy.app.translations import pgettext_iface as _pgettext_iface
from bpy.app.translations import pgettext_rpt as _pgettext_rpt
from bpy.app.translations import pgettext_tip as _pgettext_tip

from .sentences import sentence

__all__ = ["said", "sentence", "tip", "words"]


def words(text: str, **values: object) -> str:
    """A panel's text in the interface's language, its {names} filled in after the translation."""
    return _pgettext_iface(text).format(**values)


def said(text: str, **values: object) -> str:
    """What a command says when it is done, in the language of reports, its {names} filled in after the translation."""
    return _pgettext_rpt(text).format(**values)


def tip(text: str, **values: object) -> str:
    """A tooltip that is made at run time, in the language of tooltips, its {names} filled in after the translation."""
    return _pgettext_tip(text).format(**values)
