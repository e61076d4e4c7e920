# SPDX-License-Identifier: GPL-3.0-or-later
"""The character that performs: its parts, and which of its controls answers to which channel."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty


class UnderstudyMesh(bpy.types.PropertyGroup):
    """A mesh of the character whose shape keys are driven."""

    object: PointerProperty(type=bpy.types.Object)


class UnderstudyBone(bpy.types.PropertyGroup):
    """A bone of the character that is driven; `name` is the bone's."""

    role: StringProperty(name="Role")


class UnderstudyBoneChoice(bpy.types.PropertyGroup):
    """The bone that the user gives a role; `name` is the role."""

    bone: StringProperty(name="Bone", description="The bone that plays this part; empty for the recognised one")


class UnderstudyControl(bpy.types.PropertyGroup):
    """A control of the character that a channel can drive; `name` is the shape key's."""


class UnderstudyTarget(bpy.types.PropertyGroup):
    """One control that a channel drives, and how far."""

    control: StringProperty(name="Control", description="The shape key that this channel drives")
    weight: FloatProperty(
        name="Weight",
        description="How far the channel at 1 moves the control; negative for the other end of a slider",
        default=1.0,
        soft_min=-1.0,
        soft_max=1.0,
        step=5,
    )


class UnderstudyMatch(bpy.types.PropertyGroup):
    """One row of the match report; `name` is the ARKit channel."""

    targets: CollectionProperty(type=UnderstudyTarget)
    automatic: StringProperty(name="Found", description="What the rig map found, as JSON")
    state: StringProperty(name="State", description="How sure the match is")
    candidates: StringProperty(name="Candidates", description="Other controls that could be meant")

    def rows(self) -> tuple[tuple[str, float], ...]:
        """The controls and weights as they are set, without empty rows."""
        return tuple((row.control, round(row.weight, 6)) for row in self.targets if row.control)


class UnderstudyMap(bpy.types.PropertyGroup):
    """A rig map that could fit the character; `name` is the map's."""

    title: StringProperty(name="Rig Map", description="The naming convention")
    status: StringProperty(name="Status", description="How sure the map is")
    matched: IntProperty(name="Channels", description="ARKit channels that this map finds")
    own: BoolProperty(name="Own", description="A preset of the user's")


class UnderstudyCharacter(bpy.types.PropertyGroup):
    """The character that performs: its meshes, its armature and what was recognised of them."""

    armature: PointerProperty(type=bpy.types.Object)
    meshes: CollectionProperty(type=UnderstudyMesh)
    bones: CollectionProperty(type=UnderstudyBone)
    bone_choices: CollectionProperty(type=UnderstudyBoneChoice)
    rig_map: StringProperty(name="Rig Map", description="The naming convention that was recognised")
    rig_map_choice: StringProperty(name="Chosen Map", description="The rig map to use; empty for the best match")
    rig_map_status: StringProperty(name="Map Status", description="How sure the rig map is")
    maps: CollectionProperty(type=UnderstudyMap)
    controls: CollectionProperty(type=UnderstudyControl)
    matches: CollectionProperty(type=UnderstudyMatch)
    match_index: IntProperty(name="Channel", description="The channel whose controls are shown", default=0)
    matched: IntProperty(name="Channels", description="ARKit channels that a control answers to")
    summary: StringProperty(name="Found")
    remarks: StringProperty(name="Remarks")
