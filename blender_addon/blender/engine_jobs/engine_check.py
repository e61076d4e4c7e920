# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's report in words: versions, device, weights, decoder, speed, and what to do; kept for the panels."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty

from ...engine.builds import runnable, this_machine
from ..translation import words
from . import jobs

TIMER_S = 0.2
WELL, REMARK, WRONG = "WELL", "REMARK", "WRONG"
ICONS = {WELL: "CHECKMARK", REMARK: "INFO", WRONG: "ERROR"}


class UnderstudyFinding(bpy.types.PropertyGroup):
    """One thing that the check found out, in a sentence."""

    kind: EnumProperty(items=((WELL, "Well", ""), (REMARK, "Remark", ""), (WRONG, "Wrong", "")), options={"SKIP_SAVE"})
    text: StringProperty(options={"SKIP_SAVE"})


class UnderstudyEngineCheck(bpy.types.PropertyGroup):
    """What the last check of the engine found out."""

    findings: CollectionProperty(type=UnderstudyFinding, options={"SKIP_SAVE"})


Finding = tuple[str, str]


def of(context: bpy.types.Context) -> UnderstudyEngineCheck:
    """The last check."""
    return context.window_manager.understudy_engine


def keep(context: bpy.types.Context, findings: list[Finding]) -> None:
    """Nothing; the panels show these findings from now on."""
    kept = of(context).findings
    kept.clear()
    for kind, text in findings:
        entry = kept.add()
        entry.kind, entry.text = kind, text


def findings_of(report: dict[str, Any], expected: str, suited: tuple[str, ...] = ()) -> list[Finding]:
    """What a report of the doctor says, sentence by sentence, the worst first.

    expected: the version of the engine that the extension brings. suited: the builds that suit this machine.
    """
    found = [
        *_versions(report, expected),
        *_device(report.get("device"), suited or runnable(this_machine())),
        *_parts(report),
    ]
    broken = [_broken(problem) for problem in report["problems"]]
    return broken + sorted(found, key=lambda finding: (WRONG, REMARK, WELL).index(finding[0]))


def _versions(report: dict[str, Any], expected: str) -> list[Finding]:
    torch = (report.get("packages") or {}).get("torch", "?")
    found = [
        (
            WELL,
            words(
                "Engine {engine}, Python {python}, PyTorch {torch}",
                engine=report["engine"],
                python=report["python"],
                torch=torch,
            ),
        )
    ]
    if expected and report["engine"] != expected:
        text = "This engine is {engine}, the extension brings {expected}: update it"
        found.append((REMARK, words(text, engine=report["engine"], expected=expected)))
    return found


def _device(device: dict[str, Any] | None, suited: tuple[str, ...]) -> list[Finding]:
    if device is None:
        return []
    name, cores = device.get("name", ""), device["cores"]
    if device["best"] == "cuda":
        return [(WELL, words("It computes on the graphics card: {name}", name=name))]
    if device["best"] == "mps":
        return [(WELL, words("It computes on Apple's graphics processor"))]
    found = [(WELL, words("It computes on the processor, {cores} cores", cores=cores))]
    if device.get("cuda_build"):
        found.append((REMARK, words("No NVIDIA card answers the CUDA build: install its driver, or the CPU build")))
    elif "CUDA" in suited:
        found.append((REMARK, words("This machine has an NVIDIA card: the CUDA build would use it")))
    return found


def _parts(report: dict[str, Any]) -> list[Finding]:
    found: list[Finding] = []
    if report.get("decoder"):
        version = str(report["decoder"]["ffmpeg"]).split("-")[0]
        found.append((WELL, words("Videos are read and written by FFmpeg {version}", version=version)))
    if report.get("weights"):
        found.append((WELL, words("The face weights are whole: {count} files", count=len(report["weights"]))))
    if report.get("speed"):
        rate = report["speed"]["landmark_frames_per_s"]
        found.append((WELL, words("{rate:.0f} faces a second on one core", rate=rate)))
    return found


# What a check of the doctor's is about, and what helps where it fails.
_PROBLEM_WORDS = {
    "packages": "A package of the engine is missing: install the engine again",
    "device": "PyTorch does not start: install the engine again, or another build",
    "decoder": "Videos cannot be read, FFmpeg is missing: install the engine again",
    "weights": "The face weights are damaged: install the engine again",
    "speed": "The face networks do not run: install the engine again",
    "engine_paths": "Portraits cannot be animated: install the engine again",
}


def _broken(problem: str) -> Finding:
    name, _, why = problem.partition(": ")
    return WRONG, f"{words(_PROBLEM_WORDS[name])} ({why})" if name in _PROBLEM_WORDS else problem


def soon() -> None:
    """Nothing; the engine is checked in a moment, where Blender has windows and no job runs."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_check):
        bpy.app.timers.register(_check, first_interval=TIMER_S)


def stop() -> None:
    """Nothing; no check is waiting any more."""
    if bpy.app.timers.is_registered(_check):
        bpy.app.timers.unregister(_check)


def _check() -> float | None:
    if jobs.DESK.busy:
        return TIMER_S
    if bpy.ops.understudy.check_engine.poll():
        bpy.ops.understudy.check_engine("INVOKE_DEFAULT")
    return None


CLASSES: tuple[type, ...] = (UnderstudyFinding, UnderstudyEngineCheck)
