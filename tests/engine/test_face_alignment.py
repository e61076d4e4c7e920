# SPDX-License-Identifier: GPL-3.0-or-later
"""face-alignment as a landmark backend, on a stand-in network in the format of its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("face_alignment")

from face_alignment.models import FAN

from fomm_engine.face import face_alignment_backend, weights
from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.detect import FaceFinder
from fomm_engine.face.face_alignment_backend import (
    FAN_FILE,
    AlignmentSettings,
    AlignmentWeights,
    FaceAlignment,
    alignment_tracker,
    find_weights,
)
from fomm_engine.face.tracker import FaceTracker
from fomm_engine.jobs import capture
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.video.picture import read_picture
from fomm_engine.video.reader import VideoReader
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job

pytestmark = pytest.mark.filterwarnings("ignore")  # of its package and of what it imports


class KnownHeatmaps(torch.nn.Module):
    """Gaussian heatmaps about the given places (68,2) of the crop (0..1), as high as given, whatever it sees."""

    def __init__(self, places: np.ndarray, height: float = 1.0) -> None:
        super().__init__()
        self.places, self.height, self.batches = places, height, []

    def forward(self, crops: torch.Tensor) -> list[torch.Tensor]:
        self.batches.append(len(crops))
        centres = (torch.arange(64) + 0.5) / 64
        x, y = (torch.as_tensor(self.places[:, axis])[:, None, None] for axis in (0, 1))
        heat = torch.exp(-((centres - x) ** 2 + (centres[:, None] - y) ** 2) * 64**2 / 4.5) * self.height
        return [heat.float().expand(len(crops), -1, -1, -1).clone()]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network of random weights, saved as face-alignment's own is."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("fan")
    torch.save(FAN(4).state_dict(), folder / FAN_FILE, _use_new_zipfile_serialization=False)
    return folder


@pytest.fixture(scope="module")
def alignment(stand_in: Path) -> FaceAlignment:
    return FaceAlignment(AlignmentWeights(stand_in / FAN_FILE), AlignmentSettings(flip=False, batch=2))


def with_net(alignment: FaceAlignment, monkeypatch: pytest.MonkeyPatch, net: torch.nn.Module) -> FaceAlignment:
    monkeypatch.setattr(alignment._aligner, "face_alignment_net", net)  # noqa: SLF001 - the stand-in's place
    return alignment


def test_its_file_is_read_and_its_network_runs(alignment: FaceAlignment) -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    (points, sigma, peak), *others = alignment.landmarks(image, [SquareCrop((80.0, 60.0), 60.0)])
    assert not others and points.shape == (68, 2) and sigma.shape == (68,)
    assert np.isfinite(points).all() and (sigma > 0).all() and np.isfinite(peak)
    assert alignment.landmarks(image, []) == [] and alignment.boxes(image) == []


def test_points_come_back_where_the_heatmaps_say(alignment: FaceAlignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its crop is 200 / 195 of the mean box side around a point 0.12 of the box's height above its middle."""
    places = np.random.default_rng(3).uniform(0.2, 0.8, (68, 2))
    net = KnownHeatmaps(places)
    with_net(alignment, monkeypatch, net)
    square = SquareCrop((210.0, 190.0), 150.0)
    image = np.zeros((400, 420, 3), np.uint8)
    (points, sigma, peak), *others = alignment.landmarks(image, [square] * 3)
    width, height = 150.0, 150.0 * 1.28
    side = 200 * (width + height) / 195
    middle = np.array([210.0, 190.0 + 75 - height / 2 - 0.12 * height])
    assert len(others) == 2 and net.batches == [2, 1]
    cell = side / 64
    assert np.abs(points - (middle + (places - 0.5) * side)).max() < 0.8 * cell
    assert np.abs((points - (middle + (places - 0.5) * side)).mean(0)).max() < 0.1 * cell  # no bias
    assert peak > 0.8 and (sigma < cell).all() and (sigma > 0.2 * cell).all()


def test_doubt_widens_sigma(alignment: FaceAlignment, monkeypatch: pytest.MonkeyPatch) -> None:
    places, sigmas = np.full((68, 2), 0.51), []
    for height in (1.0, 0.5, 0.2):
        with_net(alignment, monkeypatch, KnownHeatmaps(places, height))
        sigmas.append(alignment.landmarks(np.zeros((200, 200, 3), np.uint8), [SquareCrop((100.0, 100.0), 90.0)])[0][1])
    assert (sigmas[0] < sigmas[1]).all() and (sigmas[1] < sigmas[2]).all()


def test_two_looks_are_one_answer(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mirrored look the peaks still are at most 1, and places are those of both looks."""
    both = FaceAlignment(AlignmentWeights(stand_in / FAN_FILE), AlignmentSettings(flip=True))
    with_net(both, monkeypatch, KnownHeatmaps(np.full((68, 2), 0.5)))
    _, _, peak = both.landmarks(np.zeros((200, 200, 3), np.uint8), [SquareCrop((100.0, 100.0), 90.0)])[0]
    assert 0.8 < peak <= 1


def portrait(shared_data: Path) -> np.ndarray:
    return read_picture(shared_data / "portraits" / "00.png")


def followed(alignment: FaceAlignment, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(face_alignment_backend, "FaceAlignment", lambda _: alignment)
    monkeypatch.setattr(face_alignment_backend, "require_weights", lambda: None)
    net = weights.load_landmark_net()
    return alignment_tracker(FaceTracker(FaceFinder(weights.load_box_net()), net), net, "largest")


def test_the_tracker_joins_its_landmarks_with_our_irises_and_rotation(
    alignment: FaceAlignment, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    image = portrait(shared_data)
    net = weights.load_landmark_net()
    own = FaceTracker(FaceFinder(weights.load_box_net()), net).track(image)
    assert own is not None
    places, side = seen_in_its_crop(own.points_px[:68])
    with_net(alignment, monkeypatch, KnownHeatmaps(places))
    face = followed(alignment, monkeypatch).track(image)
    assert face is not None
    assert np.abs(face.points_px[:68] - own.points_px[:68]).max() < 0.8 * side / 64
    assert np.abs(face.points_px[68:] - own.points_px[68:]).max() < 0.05 * own.side_px
    assert np.degrees(np.arccos((np.trace(face.rotation.T @ own.rotation) - 1) / 2)) < 5
    assert face.points_px.shape == (70, 2) and face.sigma_px.shape == (70,) and face.doubt < 0
    with_net(alignment, monkeypatch, KnownHeatmaps(places, height=0.05))
    assert followed(alignment, monkeypatch).track(image) is None  # not believed


def seen_in_its_crop(points_px: np.ndarray) -> tuple[np.ndarray, float]:
    """(places (68,2) in 0..1, side px) of points in the crop that face-alignment cuts around them."""
    low, high = points_px.min(0), points_px.max(0)
    square = float((high - low).max())
    center = (low + high) / 2
    height = 1.28 * square
    side = 200 * (square + height) / 195
    corner = np.array([center[0], center[1] + square / 2 - height / 2 - 0.12 * height]) - side / 2
    return (points_px - corner) / side, side


def test_weights_are_looked_for_in_three_places_and_never_fetched(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    assert find_weights() is None
    assert find_weights(stand_in) == AlignmentWeights(stand_in / FAN_FILE)
    cached = tmp_path / "hub" / "checkpoints" / FAN_FILE
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"a")
    assert find_weights() == AlignmentWeights(cached)
    kept = tmp_path / "models" / "face-alignment-fan" / FAN_FILE
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"b")
    assert find_weights() == AlignmentWeights(kept)


def test_a_capture_that_asks_for_it_says_what_is_missing(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    video = shared_data / "clips" / "open" / "gt_open2.mp4"
    job = Job("capture", {"video": str(video)}, str(tmp_path / "a.capture.npz"), {"landmarks": "face-alignment"})
    with pytest.raises(UserError, match="models download face-alignment-fan") as caught:
        capture.run(job, Reporter(Silence(), CancelFlag()))
    assert caught.value.code == "weights-not-here"


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save(FAN(1).state_dict(), tmp_path / FAN_FILE)
    with pytest.raises(UserError) as caught:
        FaceAlignment(AlignmentWeights(tmp_path / FAN_FILE))
    assert caught.value.code == "weights-unfit"


class Silence:
    """A sink that hears nothing."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Nothing."""


def test_frames_are_followed_with_its_landmarks(
    alignment: FaceAlignment, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    """A few frames of a clip: points where the (constant) heatmaps lie in each frame's own crop."""
    places = np.random.default_rng(5).uniform(0.3, 0.7, (68, 2))
    with_net(alignment, monkeypatch, KnownHeatmaps(places))
    tracker = followed(alignment, monkeypatch)
    with VideoReader(shared_data / "clips" / "open" / "gt_open2.mp4") as reader:
        faces = [tracker.track(frame.image) for frame, _ in zip(reader, range(3), strict=False)]
    assert all(face is not None for face in faces)
    spread = [np.ptp(face.points_px[:68], axis=0).max() for face in faces]
    assert max(spread) < 1.1 * min(spread)
