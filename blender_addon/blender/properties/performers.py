# SPDX-License-Identifier: GPL-3.0-or-later
"""One character of the scene with everything that is its own: take, match, settings, bake, splice, what came of it."""

from __future__ import annotations

import bpy
from bpy.props import CollectionProperty, IntProperty, PointerProperty, StringProperty

from .bake import UnderstudyBake, UnderstudySplice
from .character import UnderstudyCharacter
from .retarget import UnderstudyRetarget


class UnderstudyStood(bpy.types.PropertyGroup):
    """What a live preview has to put back: the values of one data-block, or the curves of one Action that it muted."""

    object: PointerProperty(type=bpy.types.Object)
    kind: StringProperty(name="Kind", description="Which of the object's data-blocks it is")
    action: PointerProperty(type=bpy.types.Action)
    values: StringProperty(name="Values", description="Data paths and what stood there, as JSON")


class UnderstudyPerformer(bpy.types.PropertyGroup):
    """A character and how it performs; `name` is what the list shows, the character's own until the user changes it."""

    take: StringProperty(name="Take", description="The mark of the take that this character performs")
    character: PointerProperty(type=UnderstudyCharacter)
    retarget: PointerProperty(type=UnderstudyRetarget)
    bake: PointerProperty(type=UnderstudyBake)
    splice: PointerProperty(type=UnderstudySplice)
    baked: StringProperty(name="Baked", description="The Actions that the last bake wrote")
    baked_first: IntProperty(name="First Baked Frame", description="Where the last bake begins")
    baked_last: IntProperty(name="Last Baked Frame", description="Where the last bake ends")
    reduced: StringProperty(name="Reduced", description="How many keys the last bake left, and how far it is off")
    notes: StringProperty(name="Notes", description="What the last bake wants known, one line each")
    report: StringProperty(name="Report", description="How good take and mapping are, as JSON")
    stood: CollectionProperty(type=UnderstudyStood)
    uid: StringProperty(name="Mark", description="By this a running preview finds its character again")


# What of a scene saved before there were several characters is the first one's; `take_index` is turned into `take`.
OWN = ("character", "retarget", "bake", "splice", "baked", "baked_first", "baked_last", "reduced", "notes")
