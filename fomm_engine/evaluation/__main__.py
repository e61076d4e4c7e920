# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fomm_engine.evaluation DIR`: figures of every clip in a folder, as a table and as JSON."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from fomm_engine.evaluation import mesh
from fomm_engine.evaluation.clips import character_file, clips_in, figures_of, neutral_frame, read_baked
from fomm_engine.evaluation.goals import goals_table
from fomm_engine.evaluation.peers import compared, comparison_table, peer_scores
from fomm_engine.evaluation.report import ReportInput, write_report
from fomm_engine.evaluation.studio import Shoot, perform
from fomm_engine.evaluation.table import figures_table
from fomm_engine.evaluation.terminal import Progress
from fomm_engine.evaluation.truth import standard_of
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import UserError

BAD_INPUT, INTERRUPTED = 2, 130


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 with all figures, 2 for bad input, 130 when interrupted."""
    args = _parser().parse_args(arguments)
    progress = Progress()
    try:
        peers = peer_scores(args.folder)
        clips = {video.stem: _figures(video, args, progress) for video in clips_in(args.folder)}
        progress.close()
        comparisons = {name: compared(clips[name], peers[name]) for name in clips if name in peers}
        if args.json is not None:
            against = {name: [row.as_dict() for row in rows] for name, rows in comparisons.items()}
            _write_json({"clips": clips, "against_peer": against}, args.json)
    except UserError as error:
        progress.close()
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        progress.close()
        sys.stderr.write("Stopped.\n")
        return INTERRUPTED
    sys.stdout.write(figures_table(clips) + "\n\n" + goals_table(clips) + "\n")
    if comparisons:
        sys.stdout.write("\n" + comparison_table(comparisons) + "\n")
    return 0


def _figures(video: Path, args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    standard = standard_of(video)
    assert standard is not None  # clips_in lists no others
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) if args.out is None else _folder(args.out / video.stem)
        result = perform(
            Shoot(video, character_file(args.character), out), args.blender_python, progress.event(video.stem)
        )
        capture = read_capture(Path(result["take"]))
        baked = read_baked(Path(result["measured"]))
        at_rest = neutral_frame(result, capture)
        figures = figures_of(standard, capture, baked, at_rest)
        if mesh.has_mesh_truth(video.with_name(video.stem + ".gt.npz")) and mesh.names_landmarks(args.character):
            figures["mesh"] = mesh.study(
                video, Path(result["take"]), character_file(args.character), python=args.blender_python, folder=out
            )
        if args.out is not None:
            said = [str(result.get("character", {}).get("summary", ""))]
            content = ReportInput(video.stem, capture, baked, at_rest, [], said, standard, figures)
            write_report(content, out / "report.png")
    return figures


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            "not-writable", f"{path} cannot be made ({error.strerror}).", "Choose another folder."
        ) from error
    return path


def _write_json(content: dict[str, Any], path: Path) -> None:
    try:
        partial = path.with_name(path.name + ".part")
        partial.write_text(json.dumps(content, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
        partial.replace(path)
    except OSError as error:
        raise UserError("not-writable", f"{path} cannot be written ({error.strerror}).", "Choose another.") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate", description="Figures of clips against truth or references.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--blender-python", type=Path, required=True, help="a Python that can import bpy")
    parser.add_argument("--character", default=None, help="a .blend file, or the name of one in rigs/characters")
    parser.add_argument("--json", type=Path, default=None, help="where to write the figures")
    parser.add_argument("--out", type=Path, default=None, help="keep takes, .blend files and reports here")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
