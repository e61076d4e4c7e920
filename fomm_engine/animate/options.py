# SPDX-License-Identifier: GPL-3.0-or-later
"""The animate job's options: each with its default, its sentence and what it may be, here and nowhere else."""

from dataclasses import dataclass, field, fields
from typing import Any

from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options

SMALLEST, LARGEST = 64, 2048


def _option(default: Any, help_: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": help_, "choices": choices})


@dataclass(frozen=True)
class AnimateOptions:
    """Every option of the animate job; `described` gives their sentences, `options_of` reads and checks a job's."""

    relative: bool = _option(True, "take the motion since the matching frame, not the positions as they are")
    adapt_scale: bool = _option(True, "fit the motion to the source's size, by the keypoints' convex hulls")
    relative_jacobian: bool = _option(True, "take the change of the Jacobians too (only with relative motion)")
    best_frame: int | None = _option(None, "number of the driving frame whose pose matches the source's, from 0")
    find_best_frame: bool = _option(False, "search for the driving frame whose face is most like the source's")
    align_corners: bool = _option(True, "as the published weights were trained; false: as torch 1.3 and later run them")
    source_frame: int = _option(0, "which frame of the source, where it is a video, from 0")
    source_crop: str = _option(
        "auto",
        "the source's square: whole (the largest in the middle), face (around it), auto (face, for models of faces)",
        ("auto", "whole", "face"),
    )
    driving_crop: str = _option(
        "auto",
        "the driving video's square: whole, face (still, where the face is), follow (slowly after it), auto",
        ("auto", "whole", "face", "follow"),
    )
    layout: str = _option(
        "square",
        "square, 1080p (the square in the middle of 1920x1080) or paste (back into the whole source picture)",
        ("square", "1080p", "paste"),
    )
    size: int = _option(256, f"the square film's side in pixels, even, {SMALLEST} to {LARGEST}")
    format: str = _option("mp4", "a film (mp4), numbered pictures with alpha (png), or both", ("mp4", "png", "both"))
    alpha: str = _option(
        "source",
        "what the pictures' alpha is: the source's own, moving along, or the face (as it is pasted back), or none",
        ("source", "face", "none"),
    )
    comparison: bool = _option(False, "also write a film with the driving video at the left")
    sound: bool = _option(True, "bring the driving video's sound along")
    start_s: float | None = _option(None, "where in the driving video to start, seconds")
    end_s: float | None = _option(None, "where in the driving video to end, seconds")
    keypoints: bool = _option(False, "write the keypoints and Jacobians: source, driving, normalised")
    occlusion: bool = _option(False, "write the occlusion maps, with the keypoints")
    deformation: bool = _option(False, "write where each pixel comes from, with the keypoints")
    precision: str = _option("exact", "exact, or faster and less exact: bf16, int8", ("exact", "bf16", "int8"))
    device: str = _option("auto", "what computes: auto, cpu, cuda, mps", ("auto", "cpu", "cuda", "mps"))

    @property
    def tracks(self) -> bool:
        """Whether a file of keypoints is asked for."""
        return self.keypoints or self.occlusion or self.deformation

    @property
    def film(self) -> bool:
        """Whether a film is asked for (besides or instead of pictures)."""
        return self.format != "png"

    @property
    def moving(self) -> bool:
        """Whether any file with moving pictures is asked for."""
        return self.film or self.comparison

    @property
    def pictures(self) -> bool:
        """Whether numbered pictures are asked for."""
        return self.format != "mp4"


DEFAULTS: dict[str, Any] = {entry.name: entry.default for entry in fields(AnimateOptions)}


def described() -> dict[str, tuple[Any, str, tuple[str, ...]]]:
    """{option: (default, sentence, choices or nothing)}, for the command line and the documentation."""
    return {entry.name: (entry.default, entry.metadata["help"], entry.metadata["choices"]) for entry in _entries()}


def options_of(job: Job) -> AnimateOptions:
    """The job's options over the defaults.

    Raises UserError "unknown-option", or "bad-option" with what is allowed.
    """
    values = checked_options(job, DEFAULTS)
    for entry in _entries():
        choices = entry.metadata["choices"]
        if choices and values[entry.name] not in choices:
            raise _bad(entry.name, values[entry.name], f"Use {', '.join(choices)}.")
    _check_size(values["size"])
    _check_frame("source_frame", values["source_frame"])
    _check_part(values["start_s"], values["end_s"])
    if values["best_frame"] is not None:
        _check_frame("best_frame", values["best_frame"])
        if values["find_best_frame"]:
            raise _bad("best_frame", values["best_frame"], "Name the frame, or let it be searched for: not both.")
        values["best_frame"] = int(values["best_frame"])
    return AnimateOptions(**values)


def _entries() -> Any:
    return fields(AnimateOptions)


def _check_size(size: int) -> None:
    if not SMALLEST <= size <= LARGEST or size % 2:
        hint = f"It is the side of the film in pixels, an even number from {SMALLEST} to {LARGEST}."
        raise _bad("size", size, hint)


def _check_frame(name: str, number: float) -> None:
    if number != int(number) or number < 0:
        raise _bad(name, number, "It is a frame's number: 0 for the first.")


def _check_part(start_s: float | None, end_s: float | None) -> None:
    if start_s is not None and start_s < 0:
        raise _bad("start_s", start_s, "It is a time in seconds after the first picture.")
    if end_s is not None and end_s < (start_s or 0.0):
        raise _bad("end_s", end_s, "It is a time in seconds, not before the start.")


def _bad(name: str, value: object, hint: str) -> UserError:
    return UserError("bad-option", f"The animate job cannot use {value} for '{name}'.", hint)
