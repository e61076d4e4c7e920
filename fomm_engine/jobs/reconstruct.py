# SPDX-License-Identifier: GPL-3.0-or-later
"""The reconstruct job: clips made anew from their first frames, and how near they come (the paper's evaluation)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fomm_engine.fomm_training.clips import ClipReader, find_clips
from fomm_engine.fomm_training.measures import FaceMeasure, l1, ssim
from fomm_engine.fomm_training.preview import preview
from fomm_engine.fomm_training.reconstruction import reconstructions
from fomm_engine.jobs.train import chosen_device
from fomm_engine.model.weights import Networks, load_networks
from fomm_engine.models.store import weights_path
from fomm_engine.stdio import Reporter
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job, checked_options
from fomm_engine.wire.whole_file import whole_file

DEFAULTS: dict[str, Any] = {"pictures": True, "landmarks": True, "clips": 0, "device": "auto"}
_RATE = (25, 1)
_AKD_EVERY = 5  # frames between two that landmarks are looked for in: a look costs more than a picture
Image = NDArray[np.uint8]


@dataclass
class _Scores:
    """Figures of a clip's frames as they come; akd only of frames where a face is seen."""

    l1: list[float] = field(default_factory=lambda: [])
    still: list[float] = field(default_factory=lambda: [])
    ssim: list[float] = field(default_factory=lambda: [])
    akd: list[float] = field(default_factory=lambda: [])
    lost: int = 0
    looked: int = 0

    def row(self) -> dict[str, Any]:
        """Means. l1_of_standing_still: of the first frame shown throughout, which a model must beat; akd null where no
        face was seen; mkr the share of faces that the made frames lost."""
        seen = self.looked > 0
        return {
            "frames": len(self.l1),
            "l1": float(np.mean(self.l1)),
            "l1_of_standing_still": float(np.mean(self.still)),
            "ssim": float(np.mean(self.ssim)),
            "akd": float(np.mean(self.akd)) if self.akd else None,
            "mkr": self.lost / self.looked if seen else None,
        }


def run(job: Job, reporter: Reporter) -> Path:
    """The path of the report (`job.output`, JSON: l1, l1_of_standing_still, ssim, akd, mkr of all clips and of each).

    Inputs: data (a folder of clips; its held-out ones are used). `job.weights`: the model, a file or a name. Options:
    pictures (films of source, driving and result beside the report, in `<output>.films/`), landmarks (measure AKD where
    faces are seen, in pixels of a picture of 256), clips (how many at most; 0 is all), device. Raises UserError as the
    clips and the weights do.
    """
    options = checked_options(job, DEFAULTS)
    if "data" not in job.input or not job.weights:
        raise UserError("no-input", "The reconstruct job needs clips and a model.", "Choose a folder and weights.")
    networks = _networks(job.weights, options["device"])
    clips = find_clips(Path(job.input["data"])).test[: options["clips"] or None]
    faces = FaceMeasure() if options["landmarks"] else None
    reader = ClipReader(networks.config.image_size, cache_bytes=0)
    films = Path(job.output).with_suffix(".films") if options["pictures"] else None
    if films is not None:
        films.mkdir(exist_ok=True)
    rows: dict[str, dict[str, Any]] = {}
    for number, clip in enumerate(clips):
        reporter.progress("reconstruct", number, len(clips), clip.name)
        film = films / f"{clip.stem}.mp4" if films else None
        rows[clip.name] = _clip_scores(networks, reader.frames(clip), film, faces, reporter).row()
    report = {"model": networks.config.name, "weights": job.weights, **_overall(rows), "clips": rows}
    reporter.progress("reconstruct", len(clips), len(clips))
    reporter.log(_sentence(report))
    return _write(report, Path(job.output))


def _networks(weights: str, device: str) -> Networks:
    networks = load_networks(weights_path(weights))
    place = chosen_device(device)
    networks.generator.to(place)
    networks.kp_detector.to(place)
    return networks


def _clip_scores(
    networks: Networks, frames: Image, film: Path | None, faces: FaceMeasure | None, reporter: Reporter
) -> _Scores:
    scores = _Scores()
    pictures: list[Image] = []
    for index, (picture, made) in enumerate(_made(networks, frames)):
        reporter.check_cancelled()
        real = frames[index]
        scores.l1.append(l1(made, real))
        scores.still.append(l1(frames[0], real))
        scores.ssim.append(ssim(made, real))
        if faces is not None and index % _AKD_EVERY == 0:
            _add_faces(scores, faces, made, real)
        pictures.append(picture)
    if film is not None:
        with VideoWriter(film, (pictures[0].shape[1], pictures[0].shape[0]), frame_rate=_RATE) as writer:
            for picture in pictures:
                writer.write(picture)
    return scores


def _made(networks: Networks, frames: Image) -> Iterator[tuple[Image, Image]]:
    """(row of pictures, result) of each frame."""
    side = frames.shape[1]
    for batch in reconstructions(networks, frames[0], frames):
        row = preview(batch, parts=False)
        yield row, np.ascontiguousarray(row[:, 3 * side : 4 * side])  # source, driving, deformed, prediction, occlusion


def _add_faces(scores: _Scores, faces: FaceMeasure, made: Image, real: Image) -> None:
    theirs = faces.points(real)
    if theirs is None:
        return
    scores.looked += 1
    ours = faces.points(made)
    if ours is None:
        scores.lost += 1
    else:
        scores.akd.append(faces.distance(ours, theirs, real.shape[0]))


def _overall(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The mean of the clips' means, each figure over the clips that have it."""
    means: dict[str, Any] = {}
    for name in ("l1", "l1_of_standing_still", "ssim", "akd", "mkr"):
        values = [row[name] for row in rows.values() if row[name] is not None]
        means[name] = float(np.mean(values)) if values else None
    return means


def _sentence(report: dict[str, Any]) -> str:
    akd = f"AKD {report['akd']:.2f} px" if report["akd"] is not None else "AKD not measured: no face seen"
    still = f"standing still: {report['l1_of_standing_still']:.4f}"
    return f"{len(report['clips'])} clips: L1 {report['l1']:.4f} ({still}), SSIM {report['ssim']:.3f}, {akd}."


def _write(report: dict[str, Any], path: Path) -> Path:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(report, ensure_ascii=True, allow_nan=False, indent=1), encoding="ascii")
    return path
