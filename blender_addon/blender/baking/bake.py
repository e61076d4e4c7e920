# SPDX-License-Identifier: GPL-3.0-or-later
"""The bake from end to end: take, rig and settings in; Actions and a sentence out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import bpy

from fomm_engine.wire.errors import UserError

from ...core import splice, take_report
from ...core.curves import Curves, RetargetResult
from ...core.retarget import retarget
from ...core.settings import RetargetSettings
from ...core.tracks import PerformanceTracks
from .. import properties
from ..capturing import takes
from ..characters import character, performers
from ..characters.rig_scan import Parts, Scan
from ..preview.live import LIVE
from ..rig_measure import attach, property_channels
from . import action_writer, bake_choice, bake_writer, retarget_settings, splicing, thinning


@dataclass(frozen=True)
class _Shot:
    """What a bake is made of: the scene, the character's parts and what they can do, the settings."""

    scene: bpy.types.Scene
    parts: Parts
    scan: Scan
    settings: RetargetSettings


@dataclass(frozen=True)
class _Ready:
    """A bake with everything computed and nothing written."""

    shot: _Shot
    result: RetargetResult
    layers: list[_Layer]
    report: str


def bake_chosen(scene: bpy.types.Scene) -> str:
    """What was baked, in one sentence; the Actions are assigned, or stand in the NLA.

    Raises UserError or ValueError with a sentence where take, character or settings cannot be used.
    """
    LIVE.stop(scene, properties.of(scene).performer)
    return _write(_prepare(scene))


def bake_all(scene: bpy.types.Scene) -> str:
    """What was baked onto every character of the list; nothing is written where one of them cannot be baked.

    Raises as `bake_chosen` does, and UserError("no-character") where no character of the list is in the scene.
    """
    own = properties.of(scene)
    indices = [index for index, performer in enumerate(own.performers) if performers.is_alive(scene, performer)]
    if not indices:
        raise UserError("no-character", "No character of the list is in this scene.", "Detect one.")
    ready: list[_Ready] = []
    for index in indices:
        with properties.acting(scene, index) as performer, _named(performer):
            LIVE.stop(scene, performer)
            ready.append(_prepare(scene))
    for index, one in zip(indices, ready, strict=True):
        with properties.acting(scene, index):
            _write(one)
    frames = [number for one in ready for number in one.result.curves.frames[[0, -1]]]
    return f"Baked {len(ready)} characters over frames {min(frames)} to {max(frames)}."


@contextmanager
def _named(performer: properties.UnderstudyPerformer) -> Iterator[None]:
    """A while in which a refusal says which character it is about."""
    name = performers.shown_name(performer)
    try:
        yield
    except UserError as error:
        raise UserError(error.code, f"{name}: {error.message}", error.hint) from error
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _prepare(scene: bpy.types.Scene) -> _Ready:
    """The chosen character's bake, computed. Raises UserError or ValueError before anything is written."""
    own, take = properties.of(scene), takes.require_chosen(scene)
    parts = character.parts_of(scene)
    bake_choice.require_reachable(parts)
    settings = retarget_settings.settings_of(own.retarget, scene)
    shot = _Shot(scene, parts, character.scan_of(scene), settings)
    tracks = takes.tracks_of(take)
    result = _perform(shot, tracks, settings)
    report = take_report.report_of(tracks, result, shot.scan.rig).to_json()
    return _Ready(shot, result, _layers(shot, take, result.curves), report)


def _write(ready: _Ready) -> str:
    """What was baked onto the chosen character, in one sentence."""
    shot, own = ready.shot, properties.of(ready.shot.scene)
    before = own.baked.split(", ") if own.baked else []
    baked = [
        bake_writer.write_bake(
            layer.curves,
            meshes=shot.parts.meshes,
            armature=shot.parts.armature,
            provenance=layer.provenance,
            name=layer.name,
            placing=layer.placing,
            properties=property_channels.wanted(layer.curves, shot.scan.rig.basis, shot.parts, shot.scene.objects),
            reduction=thinning.settings_of(own.bake),
        )
        for layer in ready.layers
    ]
    actions = [name for one in baked for name in one.actions]
    own.performer.report = ready.report
    _remember(shot.scene, ready.result, actions, unseen=bake_choice.unseen(shot.parts, bpy.context.view_layer))
    if own.bake.replace and not own.bake.selected_only:
        action_writer.remove_actions([name for name in before if name not in actions])
    return _sentence(own, baked)


def _sentence(own: properties.UnderstudyScene, baked: list[bake_writer.Baked]) -> str:
    curves, keys = sum(one.curves for one in baked), sum(one.keys for one in baked)
    said = f"Baked {curves} curves over frames {own.baked_first} to {own.baked_last}."
    if not own.bake.reduce:
        return said
    own.reduced = f"{keys} keys, {100 * max(one.error for one in baked):.2g} % off at most"
    return f"{said} {own.reduced}."


def _perform(shot: _Shot, tracks: PerformanceTracks, settings: RetargetSettings) -> RetargetResult:
    """What the character does for a take."""
    probe = attach.probe_for(shot.scan, shot.parts, shot.scene)
    return retarget(tracks, shot.scan.rig, settings, probe=probe)


@dataclass(frozen=True)
class _Layer:
    """One set of Actions: the take and, as strips in the NLA, what another take leads above it."""

    curves: Curves
    provenance: action_writer.Provenance
    name: str
    placing: action_writer.Placing


def _layers(shot: _Shot, take: properties.UnderstudyTake, curves: Curves) -> list[_Layer]:
    """What is written: one layer, or two where a splice goes into the NLA."""
    own, rig = properties.of(shot.scene), shot.scan.rig
    provenance = action_writer.Provenance(
        take=take.filepath,
        take_sha256=take.sha256,
        settings=retarget_settings.settings_json(shot.settings),
        rig_map=shot.scan.rig_map,
    )
    placing = bake_choice.placing_of(own.bake)
    if not own.splice.use:
        return [_Layer(bake_choice.chosen_curves(curves, rig, own), provenance, take.name, placing)]
    other = splicing.second_take(shot.scene)
    theirs = _perform(shot, takes.tracks_of(other), splicing.second_settings(shot.scene, shot.settings, other)).curves
    theirs = splicing.led(theirs, rig, own.splice.regions)
    span = splicing.span_of(own.splice, shot.settings.frame_rate)
    provenance = replace(provenance, splice=splicing.told(other, own.splice))
    if not own.bake.use_nla:
        both = bake_choice.chosen_curves(splice.spliced(curves, theirs, span), rig, own)
        return [_Layer(both, provenance, f"{take.name} + {other.name}", placing)]
    if span is not None:
        theirs = splice.cut(theirs, span.first, span.last)
        placing_above = replace(placing, blend_in=span.blend, blend_out=span.blend)
    else:
        placing_above = placing
    ours, above = (bake_choice.chosen_curves(each, rig, own) for each in (curves, theirs))
    return [_Layer(ours, provenance, take.name, placing), _Layer(above, provenance, other.name, placing_above)]


def _remember(scene: bpy.types.Scene, result: RetargetResult, actions: list[str], *, unseen: list[str]) -> None:
    """Nothing; the panel shows what came of it."""
    own, frames = properties.of(scene), result.curves.frames
    own.baked_first, own.baked_last = int(frames[0]), int(frames[-1])
    own.baked = ", ".join(actions)
    own.retarget.neutral_reason = result.report.neutral_reason
    if own.retarget.auto_neutral:
        own.retarget.neutral_frame = result.report.neutral_frame
    own.notes = "\n".join([*unseen, *(note.message for note in result.notes)])
