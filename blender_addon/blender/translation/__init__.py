# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts with values in them, in the language that Blender shows. Plain texts of classes, properties and layouts are
translated by Blender itself, through the tables that `catalogue` registers."""

from __future__ import annotations

import bpy


def words(text: str, **values: object) -> str:
    """A panel's text in the interface's language, its {names} filled in after the translation."""
    return bpy.app.translations.pgettext_iface(text).format(**values)


def said(text: str, **values: object) -> str:
    """What a command says when it is done, in the language of reports, its {names} filled in after the translation."""
    return bpy.app.translations.pgettext_rpt(text).format(**values)


def tip(text: str, **values: object) -> str:
    """A tooltip that is made at run time, in the language of tooltips, its {names} filled in after the translation."""
    return bpy.app.translations.pgettext_tip(text).format(**values)
