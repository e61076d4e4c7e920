# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fomm_engine.evaluation.demo`: a performance in, a film, a .blend, a take and a report out."""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fomm_engine.evaluation.clips import character_file, figures_of, neutral_frame, read_baked
from fomm_engine.evaluation.film import Panel, fitted, numbered_pictures, write_film
from fomm_engine.evaluation.metrics import Baked
from fomm_engine.evaluation.report import ReportInput, write_report
from fomm_engine.evaluation.studio import PROJECT, Shoot, perform
from fomm_engine.evaluation.terminal import Progress
from fomm_engine.evaluation.truth import Standard, standard_of
from fomm_engine.jobs import check_output
from fomm_engine.jobs.animate import run as animate
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.reader import VideoReader, probe
from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

Array = npt.NDArray[Any]
BAD_INPUT, INTERRUPTED = 2, 130
PICTURE_COUNT, PICTURE_PX = 7, 190
LANDMARK_COLOUR = (120, 255, 140)


@dataclass(frozen=True)
class Quality:
    """How much work the pictures get."""

    render_px: int
    samples: int
    panel_px: int


FULL = Quality(render_px=384, samples=4, panel_px=400)
FAST = Quality(render_px=192, samples=1, panel_px=256)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 with everything made, 2 for bad input (nothing half-written), 130 when interrupted."""
    args = _parser().parse_args(arguments)
    progress = Progress()
    try:
        _check_input(args)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=args.out) as folder:
            made = _make(args, Path(folder), progress)
            for path in made:
                shutil.move(str(path), args.out / path.name)
    except UserError as error:
        progress.close()
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        progress.close()
        sys.stderr.write("Stopped; nothing was written.\n")
        return INTERRUPTED
    progress.close()
    sys.stdout.write("\n".join(["Made:", *(f"  {args.out / path.name}" for path in made)]) + "\n")
    return 0


def _check_input(args: argparse.Namespace) -> None:
    probe(args.video)
    args.character = character_file(args.character)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{args.out} cannot be used for the results ({error.strerror})."
        raise UserError("not-writable", message, "Choose another folder.") from error
    check_output(Job("fake", {}, str(args.out / "film.mp4")))


def _make(args: argparse.Namespace, folder: Path, progress: Progress) -> list[Path]:
    quality = FAST if args.fast else FULL
    shoot = Shoot(
        args.video, args.character, folder, render=True,
        width=quality.render_px, height=quality.render_px, samples=quality.samples,
    )  # fmt: skip
    result = perform(shoot, args.blender_python, progress.event())
    portrait = _portrait(result)
    animated = _animated(portrait, args.video, Path(result["take"]), quality, progress)
    film = _film(args.video, animated, result, folder / "film.mp4", quality.panel_px, progress)
    picture, figures = _report(args.video, result, film, folder)
    return [film, Path(result["blend"]), Path(result["take"]), figures, picture]


def _portrait(result: dict[str, Any]) -> Path:
    """The rendered picture that shows the character at rest: the one of the take's neutral frame."""
    capture = read_capture(Path(result["take"]))
    at_rest_s = capture.time_s[neutral_frame(result, capture)]
    rate = result["frame_rate"][0] / result["frame_rate"][1]
    first, last = result["frames"]
    number = int(np.clip(round(result["start_frame"] + at_rest_s * rate), first, last))
    return Path(result["frames_folder"]) / f"frame_{number:04d}.png"


def _animated(portrait: Path, video: Path, take: Path, quality: Quality, progress: Progress) -> Path:
    """The character's portrait, animated by the engine with the performance."""
    output = portrait.parent / "portrait.mp4"
    inputs = {"source": str(portrait), "driving": str(video), "take": str(take)}
    sink = _ProgressSink(progress)
    animate(Job("animate", inputs, str(output), {"size": quality.panel_px}, "default"), Reporter(sink, CancelFlag()))
    return output


def _film(video: Path, animated: Path, result: dict[str, Any], path: Path, panel_px: int, progress: Progress) -> Path:
    rate = (int(result["frame_rate"][0]), int(result["frame_rate"][1]))
    pictures = numbered_pictures(Path(result["frames_folder"]), int(result["start_frame"]), rate)
    with VideoReader(video) as performance, VideoReader(animated) as portrait:
        panels = [Panel(portrait, "Portrait, animated (preview)"), Panel(pictures, "Character, baked and rendered")]
        frames = performance.info.frames_estimate
        return write_film(
            performance, "Performance", panels, path, panel_px, lambda i: progress.show("film", i + 1, frames)
        )


class _ProgressSink:
    """Shows a job's progress on the terminal; its other events say nothing new here."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def emit(self, kind: str, **fields: Any) -> None:
        """Show one event."""
        if kind == "progress":
            self._progress.show("portrait", fields["current"], fields["total"])


def _report(video: Path, result: dict[str, Any], film: Path, folder: Path) -> tuple[Path, Path]:
    """(report.png, report.json)."""
    capture, baked = read_capture(Path(result["take"])), read_baked(Path(result["measured"]))
    standard = standard_of(video)
    figures = None if standard is None else figures_of(standard, capture, baked, neutral_frame(result, capture))
    sentences = _sentences(capture, result, standard, figures)
    content = ReportInput(
        f"Understudy: {video.name}",
        capture,
        baked,
        neutral_frame(result, capture),
        _pictures(film, capture),
        sentences,
        standard,
        figures,
    )
    picture = write_report(content, folder / "report.png")
    return picture, _write_json(_facts(video, capture, baked, result, figures), folder / "report.json")


def _facts(
    video: Path, capture: Capture, baked: Baked, result: dict[str, Any], figures: dict[str, Any] | None
) -> dict[str, Any]:
    used = {name: float(value.max()) for name, value in baked.values.items()}
    return {
        "performance": video.name,
        "frames": capture.frame_count,
        "lost": int((~capture.valid).sum()),
        "camera": capture.header["camera"],
        "neutral_frame": neutral_frame(result, capture),
        "character": result.get("character", {}),
        "notes": result.get("notes", []),
        "highest_value": used,
        "against_truth": figures,
    }


def _sentences(
    capture: Capture, result: dict[str, Any], standard: Standard | None, figures: dict[str, Any] | None
) -> list[str]:
    lost = int((~capture.valid).sum())
    camera = capture.header["camera"]
    lines = [
        f"{capture.frame_count} frames, {lost} without a face.",
        f"Lens {camera['focal_px']:.0f} px ({camera['focal_source']}).",
        f"Neutral: frame {neutral_frame(result, capture)}.",
        *_match(result),
    ]
    if figures is not None and standard is not None:
        lines += ["", "Against the truth (dashed):" if standard.is_truth else "Against a reference (dashed):"]
        lines += [f"  head rotation {figures['rotation_mae_deg']['mean']:.2f} deg off on average"]
        lines += [f"  channels r {figures['mean_correlation']:.2f} on average"] if "mean_correlation" in figures else []
        lines += [f"  landmarks {figures['nme_inner51_percent']:.1f} % of the eye distance off"]
        blink = figures["blink"]
        lines += [f"  blinks: {blink['events']}, found {_share(blink['recall'])}"]
    return lines


def _match(result: dict[str, Any]) -> list[str]:
    character = result.get("character", {})
    return [str(line) for line in (character.get("summary"), *character.get("remarks", [])[:4]) if line]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _pictures(film: Path, capture: Capture) -> list[Array]:
    """Moments of the film from end to end, the tracked landmarks drawn on the performance."""
    wanted = set(np.linspace(0, capture.frame_count - 1, PICTURE_COUNT).astype(int).tolist())
    pictures: list[Array] = []
    source = capture.header["source"]
    with VideoReader(film) as reader:
        for frame in reader:
            if frame.index in wanted:
                panels = frame.image.shape[1] // 3
                performance = frame.image[:panels, :panels].copy()
                _draw_landmarks(performance, capture, frame.index, (source["width"], source["height"]))
                pair = [performance, frame.image[:panels, 2 * panels :]]
                pictures.append(np.concatenate([fitted(part, PICTURE_PX) for part in pair]))
    return pictures


def _draw_landmarks(picture: Array, capture: Capture, index: int, size: tuple[int, int]) -> None:
    if not capture.valid[min(index, capture.frame_count - 1)]:
        return
    scale = picture.shape[0] / max(size)
    shift = (picture.shape[0] - np.array(size) * scale) / 2
    for point in capture.tracks["landmarks_px"][index] * scale + shift:
        cv2.circle(picture, (round(float(point[0])), round(float(point[1]))), 1, LANDMARK_COLOUR, -1, cv2.LINE_AA)


def _write_json(content: dict[str, Any], path: Path) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo", description="A video goes in, a baked and rendered character comes out."
    )
    parser.add_argument("--video", type=Path, default=PROJECT / "rigs" / "performances" / "monologue.mp4")
    parser.add_argument("--character", default=None, help="a .blend file, or the name of one in rigs/characters")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--blender-python", type=Path, required=True, help="a Python that can import bpy")
    parser.add_argument("--fast", action="store_true", help="small pictures, to see that it works")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
