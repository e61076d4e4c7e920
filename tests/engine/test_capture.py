# SPDX-License-Identifier: GPL-3.0-or-later
"""The capture job on the project's own performance, and on what is no performance."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fomm_engine.evaluation.metrics import euler_deg, landmark_figures
from fomm_engine.evaluation.truth import standard_of
from fomm_engine.jobs.capture import run
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.writer import VideoWriter
from fomm_engine.wire.capture import Capture, read_capture
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.unfinished import unfinished_in

END_S = 1.2
FRAMES = 36  # of 29.97 per second


class Listener:
    """A sink that keeps the events, and can ask for the end when a stage begins."""

    def __init__(self, stop_at: str = "") -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.cancel = CancelFlag()
        self._stop_at = stop_at

    def emit(self, kind: str, **fields: Any) -> None:
        """Keep one event."""
        self.events.append((kind, fields))
        if kind == "progress" and fields["stage"] == self._stop_at:
            self.cancel.set()


def captured(video: Path, output: Path, listener: Listener | None = None, **options: Any) -> Path:
    """The take of `video`."""
    listener = listener or Listener()
    return run(Job("capture", {"video": str(video)}, str(output), options), Reporter(listener, listener.cancel))


@pytest.fixture(scope="module")
def performance(project_root: Path) -> Path:
    return project_root / "rigs" / "performances" / "monologue.mp4"


@pytest.fixture(scope="module")
def take(performance: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return read_capture(captured(performance, tmp_path_factory.mktemp("take") / "a.capture.npz", end_s=END_S))


def test_every_frame_is_there_at_its_time(take: Capture) -> None:
    assert take.frame_count == FRAMES and take.valid.all()
    np.testing.assert_allclose(take.time_s, np.arange(FRAMES) * 1001 / 30000, atol=1e-4)
    assert take.header["source"]["frame_rate"] == [30000, 1001] and take.header["audio"]["present"]


def test_the_face_is_where_the_truth_says(take: Capture, performance: Path) -> None:
    truth = standard_of(performance)
    assert truth is not None
    figures = landmark_figures(truth, take.tracks["landmarks_px"].astype(float), np.arange(FRAMES))
    assert figures["nme_inner51_percent"] < 3.5
    error = euler_deg(take.tracks["head_rotation"]) - euler_deg(truth.rotation[:FRAMES])
    assert np.abs(error - np.median(error, axis=0)).mean() < 1.5


def test_points_are_as_sure_as_they_say(take: Capture, performance: Path) -> None:
    truth = standard_of(performance)
    assert truth is not None
    error = np.abs(take.tracks["landmarks_px"] - truth.landmarks_px[:FRAMES])[:, 17:]
    in_sigmas = np.median(error / take.tracks["landmarks_sigma_px"][:, 17:, None]) / 0.6745
    assert 0.5 < in_sigmas < 2.0


def test_a_given_lens_is_kept(performance: Path, tmp_path: Path) -> None:
    path = captured(performance, tmp_path / "a.capture.npz", end_s=0.2, focal_px=806.0)
    camera = read_capture(path).header["camera"]
    assert camera["focal_px"] == pytest.approx(806, rel=1e-3) and camera["focal_source"] == "given"


def test_a_video_without_a_face_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with VideoWriter(tmp_path / "noise.mp4", (160, 120), frame_rate=(25, 1)) as writer:
        for _ in range(5):
            writer.write(rng.integers(0, 255, (120, 160, 3), np.uint8))
    with pytest.raises(UserError, match="No face was found") as caught:
        captured(tmp_path / "noise.mp4", tmp_path / "a.capture.npz")
    assert caught.value.code == "no-face" and caught.value.hint
    assert not (tmp_path / "a.capture.npz").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"focal_px": -5.0}, "bad-option"),
        ({"face": "prettiest"}, "bad-option"),
        ({"sharpness": 3}, "unknown-option"),
        ({"start_s": 90.0}, "empty-range"),
    ],
)
def test_bad_options_are_said(options: dict[str, Any], code: str, performance: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        captured(performance, tmp_path / "a.capture.npz", **options)
    assert caught.value.code == code


def test_a_capture_that_is_cancelled_at_once_leaves_nothing(performance: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        captured(performance, tmp_path / "a.capture.npz", Listener(stop_at="track"), end_s=0.2, checkpoint_s=600.0)
    assert list(tmp_path.iterdir()) == []


def test_a_capture_that_is_cancelled_later_goes_on_where_it_stood(performance: Path, tmp_path: Path) -> None:
    whole = captured(performance, tmp_path / "whole.capture.npz", end_s=0.2)
    with pytest.raises(Cancelled):
        captured(performance, tmp_path / "a.capture.npz", Listener(stop_at="solve"), end_s=0.2)
    (left,) = unfinished_in(tmp_path, "capture")
    assert (left.done, left.total, left.job.input["video"]) == (6, 6, str(performance))
    again = Listener()
    assert captured(performance, tmp_path / "a.capture.npz", again, end_s=0.2).read_bytes() == whole.read_bytes()
    assert {"message": "Resuming at frame 6 of 6.", "level": "info"} in [fields for _, fields in again.events]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.capture.npz", "whole.capture.npz"]


def test_the_same_video_gives_the_same_take(performance: Path, tmp_path: Path) -> None:
    one, other = (read_capture(captured(performance, tmp_path / f"{n}.capture.npz", end_s=0.2)) for n in "ab")
    for name, track in one.tracks.items():
        np.testing.assert_array_equal(track, other.tracks[name])
