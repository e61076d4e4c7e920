# SPDX-License-Identifier: GPL-3.0-or-later
"""How much smaller than the truth solved motion is: python -m tests.experiments.amplitude CLIP.mp4 [...].

Each clip X.mp4 has its truth beside it (X.gt.npz, `weights` and `weight_names`), for example those of
`python -m tests.experiments.made_clips`. Prints, for each region, the least-squares factor from solved to true weights,
both as differences from the take's neutral frame, with `retarget.UNSHRUNK` set to one. Only rendered clips of our own
may decide its values.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from blender_addon.core import retarget as core
from blender_addon.core.regions import REGIONS, region_mask
from blender_addon.core.rig import Rig, ShapeControl
from blender_addon.core.settings import RetargetSettings
from blender_addon.core.tracks import CropSquare, PerformanceTracks, PinholeCamera
from fomm_engine.jobs import capture as capture_job
from fomm_engine.stdio import CancelFlag, Reporter, TerminalSink
from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.job import Job
from fomm_engine.wire.names import ARKIT_CHANNELS, TRACKS

ALL_CHANNELS = Rig(shapes=tuple(ShapeControl(name, ((name, 1.0),)) for name in ARKIT_CHANNELS))


def solved_and_true(clip: Path) -> tuple[np.ndarray, np.ndarray]:
    """Weights (T, 52) as retargeted and as they were, both less those of the take's neutral frame."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.capture.npz"
        capture_job.run(Job("capture", {"video": str(clip)}, str(path)), Reporter(TerminalSink(), CancelFlag()))
        capture = read_capture(path)
    result = core.retarget(_tracks(capture), ALL_CHANNELS, RetargetSettings(contact=False))
    with np.load(clip.with_suffix("").with_suffix(".gt.npz"), allow_pickle=False) as truth:
        places = {str(name): place for place, name in enumerate(truth["weight_names"])}
        columns = [
            truth["weights"][:, places[name]] if name in places else 0 * truth["weights"][:, 0]
            for name in ARKIT_CHANNELS
        ]
    true = np.stack(columns, 1)[: len(result.arkit_weights)]
    at = result.report.neutral_frame
    return result.arkit_weights - result.arkit_weights[at], true - true[at]


def _tracks(capture: Capture) -> PerformanceTracks:
    camera, crop = capture.header["camera"], capture.header["crop"]
    return PerformanceTracks(
        time_s=capture.time_s,
        valid=capture.valid,
        neutral_cm=capture.models["neutral_cm"],
        basis_cm=capture.models["basis_cm"],
        camera=PinholeCamera(camera["focal_px"], camera["cx"], camera["cy"]),
        crop=CropSquare(crop["x"], crop["y"], crop["size"]),
        suggested_neutral_frame=capture.header["neutral"]["frame"],
        **{name: capture.tracks[name] for name in TRACKS},
    )


def main() -> None:
    """Nothing; prints a table."""
    core.UNSHRUNK.clear()
    sys.stdout.write(f"{'clip':14}" + "".join(f"{region:>9}" for region in REGIONS) + "\n")
    for clip in map(Path, sys.argv[1:]):
        solved, true = solved_and_true(clip)
        factors = []
        for region in REGIONS:
            mask = region_mask(region)
            power = float((solved[:, mask] ** 2).sum())
            factors.append(float((solved[:, mask] * true[:, mask]).sum()) / power if power else float("nan"))
        sys.stdout.write(f"{clip.stem:14}" + "".join(f"{factor:9.2f}" for factor in factors) + "\n")


if __name__ == "__main__":
    main()
