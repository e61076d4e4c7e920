# SPDX-License-Identifier: GPL-3.0-or-later
"""The measure job on pictures of a known face: frames of the project's own performance, and pictures of nothing."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fomm_engine.evaluation.truth import standard_of
from fomm_engine.jobs.measure import run
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.archive import read_arrays
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job

FRAMES = (0, 40)


class Silent:
    """A sink that hears nothing."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Nothing."""


def measured(folder: Path, **options: Any) -> dict[str, Any]:
    """What the job sees on the pictures of a folder."""
    job = Job("measure", {"pictures": str(folder)}, str(folder / "seen.npz"), options)
    return read_arrays(run(job, Reporter(Silent(), CancelFlag())))


@pytest.fixture(scope="module")
def pictures(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    with VideoReader(project_root / "rigs" / "performances" / "monologue.mp4") as reader:
        for frame in reader:
            if frame.index in FRAMES:
                cv2.imwrite(str(folder / f"{frame.index:03d}.png"), frame.image[..., ::-1])
            if frame.index > max(FRAMES):
                break
    cv2.imwrite(str(folder / "999.png"), np.full((120, 160, 3), 128, np.uint8))
    return folder


def test_faces_are_where_the_truth_says_and_nothing_is_nothing(pictures: Path, project_root: Path) -> None:
    seen = measured(pictures)
    assert seen["names"].tolist() == ["000", "040", "999"] and seen["valid"].tolist() == [True, True, False]
    assert seen["size_px"][2].tolist() == [160, 120] and not seen["points_px"][2].any()
    standard = standard_of(project_root / "rigs" / "performances" / "monologue.mp4")
    assert standard is not None
    for row, frame in enumerate(FRAMES):
        truth = standard.landmarks_px[frame]
        size = np.linalg.norm(truth[45] - truth[36])
        assert np.linalg.norm(seen["points_px"][row, 17:68] - truth[17:], axis=1).mean() < 0.06 * size
    assert (seen["doubt"][:2] < -2.5).all() and (seen["sigma_px"][:2] > 0).all()


def test_keypoints_are_those_of_the_points_in_one_common_square(pictures: Path) -> None:
    seen = measured(pictures)
    x, y, side = seen["crop"]
    own = (seen["points_px"][:2, 54] - [x, y]) / (side / 2)  # the keypoint mouth_left is that corner
    np.testing.assert_allclose(seen["keypoint_value"][:2, 6], own, atol=1e-6)
    assert np.abs(seen["keypoint_value"][:2]).max() < 1.0
    assert (np.linalg.det(seen["keypoint_jacobian"][:2]) > 0).all()


def test_pictures_by_one_camera_are_looked_at_alike(pictures: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copyfile(pictures / "000.png", tmp_path / f"{name}.png")
    seen = measured(tmp_path, steady=True)
    size = np.linalg.norm(seen["points_px"][0, 45] - seen["points_px"][0, 36])
    assert np.abs(seen["points_px"][1] - seen["points_px"][0]).max() < 0.02 * size
    np.testing.assert_allclose(seen["keypoint_value"][1], seen["keypoint_value"][0], atol=0.02)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        job = Job("measure", {"pictures": str(folder)}, str(tmp_path / "seen.npz"))
        with pytest.raises(UserError) as caught:
            run(job, Reporter(Silent(), CancelFlag()))
        assert caught.value.code == "no-pictures"


def test_a_cancelled_job_writes_nothing(pictures: Path, tmp_path: Path) -> None:
    cancel = CancelFlag()
    cancel.set()
    output = tmp_path / "seen.npz"
    with pytest.raises(Cancelled):
        run(Job("measure", {"pictures": str(pictures)}, str(output)), Reporter(Silent(), cancel))
    assert list(tmp_path.iterdir()) == []
