# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `python -m fomm_engine.training`: train the default weights, whole or stage by stage."""

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from fomm_engine.training.dataset import FaceSetSettings
from fomm_engine.training.plan import STAGES, TrainingPlan, run_plan
from fomm_engine.wire.errors import UserError

_FACE_MODEL = Path("../shared/data/face_model/ict_facekit.npz")


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 with a sentence on stderr where something is missing."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    faces = FaceSetSettings()
    per_shard = faces.people_per_shard * faces.frames_per_person
    plan = TrainingPlan(
        face_model=options.face_model,
        out=options.out,
        minutes=options.minutes,
        resume=options.resume,
        processes=options.processes,
        faces=dataclasses.replace(faces, shards=-(-options.frames // per_shard), seed=options.seed),
    )
    try:
        run_plan(plan, options.stage, _say)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fomm_engine.training", description=__doc__)
    parser.add_argument("stage", nargs="?", default="all", choices=["all", *STAGES])
    parser.add_argument("--face-model", type=Path, default=_FACE_MODEL, help="ict_facekit.npz (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("training_runs/default"), help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=240.0, help="of the stage, or of all (default: %(default)s)")
    parser.add_argument(
        "--frames", type=int, default=40_000, help="synthetic faces to render (default: %(default)s; 0.4 MB each)"
    )
    parser.add_argument("--seed", type=int, default=FaceSetSettings.seed, help="of the faces (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="of the landmark training (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on with the training in --out")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
