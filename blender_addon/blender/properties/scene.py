# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a scene: performance, takes, characters, render, portrait; the chosen character's things by name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
from bpy.props import CollectionProperty, IntProperty, PointerProperty, StringProperty

from ..compat import BLEND_RELATIVE
from .performance import UnderstudyPerformance
from .performers import OWN, UnderstudyPerformer
from .portrait import UnderstudyPortrait
from .render import UnderstudyRender
from .retarget import ensure_entries
from .takes import UnderstudyCalibration, UnderstudyTake

NO_TAKE = -1
_INDEX = "performer_index"


def _own(name: str) -> property:
    """What the chosen character has under this name."""
    return property(
        lambda scene: getattr(scene.performer, name), lambda scene, value: setattr(scene.performer, name, value)
    )


def _take_index(scene: UnderstudyScene) -> int:
    """Where the chosen character's take stands in the list; NO_TAKE where it was removed."""
    wanted = scene.performer.take
    if not wanted:
        return 0
    return next((index for index, take in enumerate(scene.takes) if take.uid == wanted), NO_TAKE)


def _set_take_index(scene: UnderstudyScene, index: int) -> None:
    scene.performer.take = mark_of(scene.takes[index]) if 0 <= index < len(scene.takes) else ""


class UnderstudyScene(bpy.types.PropertyGroup):
    """Everything of this scene.

    Settings and results belong to a character of the list; under `character`, `retarget`, `bake`, `splice`, `baked`
    and so on stand those of the chosen one.
    """

    performance: PointerProperty(type=UnderstudyPerformance)
    takes: CollectionProperty(type=UnderstudyTake)
    calibrations: CollectionProperty(type=UnderstudyCalibration)
    takes_folder: StringProperty(
        name="Takes Folder",
        description="Where new takes of this scene are written; empty for the one in the preferences",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    take_index: IntProperty(
        name="Take", description="The take that the character performs", get=_take_index, set=_set_take_index
    )
    performers: CollectionProperty(type=UnderstudyPerformer)
    performer_index: IntProperty(name="Character", description="The character that is shown and baked", default=0)
    blank: PointerProperty(type=UnderstudyPerformer)  # stands in while the list is empty: in a scene just added
    render: PointerProperty(type=UnderstudyRender)
    portrait: PointerProperty(type=UnderstudyPortrait)

    @property
    def performer(self) -> UnderstudyPerformer:
        """The chosen character with all that is its own."""
        if not self.performers:
            return self.blank
        return self.performers[max(0, min(self.performer_index, len(self.performers) - 1))]

    character = _own("character")
    retarget = _own("retarget")
    bake = _own("bake")
    splice = _own("splice")
    baked = _own("baked")
    baked_first = _own("baked_first")
    baked_last = _own("baked_last")
    reduced = _own("reduced")
    notes = _own("notes")


def of(scene: bpy.types.Scene) -> UnderstudyScene:
    """The scene's own settings and takes."""
    return scene.understudy


def chosen_take(scene: bpy.types.Scene) -> UnderstudyTake | None:
    """The take that the chosen character performs, None where there is none."""
    own = of(scene)
    index = own.take_index
    return own.takes[index] if 0 <= index < len(own.takes) else None


def ensure(scene: bpy.types.Scene) -> None:
    """Nothing; the scene has a character's entry to work on, and every entry its regions and channels.

    What files of before there were several characters keep in the scene itself becomes the first character's.
    """
    own = of(scene)
    if not own.performers:
        own.performers.add()
        _move(own["blank"] if "blank" in own.keys() else {}, own.performers[0])  # noqa: SIM118 - ID data is no dict
        own.property_unset("blank")
        _adopt(own)
    for take in own.takes:
        mark_of(take)
    for performer in own.performers:
        performer.uid = performer.uid or uuid.uuid4().hex
        ensure_entries(performer.retarget)


def mark_of(take: UnderstudyTake) -> str:
    """The mark by which characters remember a take, whatever its name and place in the list."""
    if not take.uid:
        take.uid = uuid.uuid4().hex
    return take.uid


@contextmanager
def acting(scene: bpy.types.Scene, index: int) -> Iterator[UnderstudyPerformer]:
    """Nothing but a while in which a character of the list is the chosen one."""
    own = of(scene)
    chosen = own.performer_index
    own[_INDEX] = index  # raw: nobody is to be told, for nothing is to be drawn or evaluated again
    try:
        yield own.performer
    finally:
        own[_INDEX] = chosen


def _adopt(own: UnderstudyScene) -> None:
    """The ID properties are moved as they are: the classes have not changed, only where they hang."""
    first = own.performers[0]
    old = {name: own[name] for name in OWN if name in own.keys()}  # noqa: SIM118 - ID data is no dict
    _move(old, first)
    for name in old:
        del own[name]
    index = own.get("take_index")
    if isinstance(index, int) and 0 <= index < len(own.takes):
        first.take = mark_of(own.takes[index])
    things = (first.character.armature, *(entry.object for entry in first.character.meshes))
    first.name = first.name or next((thing.name for thing in things if thing is not None), "")


def _move(values: Any, performer: UnderstudyPerformer) -> None:
    for name in values.keys():  # noqa: SIM118 - ID data is no dict
        performer[name] = values[name]
