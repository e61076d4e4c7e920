# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracker among several faces, after cuts and absences, and the choice of whom to follow."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fomm_engine.face.choice import chosen_face, face_choice
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.look import FrameFace
from fomm_engine.face.tracker import FaceTracker, TrackerSettings
from fomm_engine.jobs.capture import lens_of
from fomm_engine.video.ffmpeg import ffmpeg_path
from fomm_engine.video.reader import VideoReader, probe

SIZE = (480, 270)
TINT = (0.55, 0.8, 1.0)  # makes another person of the same one
REACH_PX = 40.0  # a face found so near to where it was pasted is that face


@pytest.fixture(scope="module")
def heads(project_root: Path) -> list[np.ndarray]:
    """Some frames of the project's own performance, small, without the wall."""
    video = VideoReader(project_root / "rigs" / "performances" / "monologue.mp4")
    pictures = [frame.image for frame in video if frame.index < 12]
    return [cv2.resize(picture[40:344, 60:324], (120, 138), interpolation=cv2.INTER_AREA) for picture in pictures]


def scene(heads: list[np.ndarray], frame: int, places: Sequence[tuple[int, tuple[float, ...]]]) -> np.ndarray:
    """A picture with heads pasted at x = place, in order, each tinted."""
    picture = np.full((SIZE[1], SIZE[0], 3), 70, np.uint8)
    for x, tint in places:
        head = np.clip(heads[frame % len(heads)] * np.asarray(tint), 0, 255).astype(np.uint8)
        picture[60 : 60 + head.shape[0], x : x + head.shape[1]] = head
    return picture


def tracker(**settings: Any) -> FaceTracker:
    return default_tracker(TrackerSettings(**settings))


@pytest.mark.parametrize(
    ("face", "left"), [("first", 20), (1, 330), ((390.0, 120.0), 330), ((20.0, 60.0, 90.0, 90.0), 20)]
)
def test_the_one_who_was_chosen_is_followed(heads: list[np.ndarray], face: Any, left: int) -> None:
    follows = tracker(face=face)
    for frame in range(3):
        found = follows.track(scene(heads, frame, [(20, (1, 1, 1)), (330, TINT)]))
        assert found is not None and abs(found.center_px[0] - (left + 60)) < REACH_PX


def test_somebody_who_passes_in_front_is_not_taken_for_the_one_behind(heads: list[np.ndarray]) -> None:
    follows = tracker(face="first", hidden_others_every=4)
    for frame in range(24):
        passing = 330 - 14 * frame
        found = follows.track(scene(heads, frame, [(150, (1, 1, 1)), (passing, TINT)]))
        if frame < 6 or passing < 20:
            assert found is not None and abs(found.center_px[0] - 210) < REACH_PX, frame
        elif found is not None and abs(passing - 150) > REACH_PX:
            assert abs(found.center_px[0] - (passing + 60)) > REACH_PX, frame


def test_a_face_is_found_again_within_three_frames(heads: list[np.ndarray]) -> None:
    follows = tracker()
    places = [[(20, (1, 1, 1))]] * 3 + [[]] * 4 + [[(330, (1, 1, 1))]] * 4 + [[(40, TINT)]] * 4
    found = [follows.track(scene(heads, frame, place)) for frame, place in enumerate(places)]
    seen = [face is not None for face in found]
    assert all(seen[:3]) and not any(seen[3:7])
    assert all(seen[9:11]), "after an absence, elsewhere"
    assert all(seen[13:]), "after a cut to somebody else"
    assert found[14] is not None and abs(found[14].center_px[0] - 100) < REACH_PX


@pytest.mark.parametrize(
    "value", ["prettiest", -1, True, 1.5, [1], [1, 2, 3], [1, 2, 0, 4], ["a", "b"], None, [1e999, 2]]
)
def test_choices_that_mean_nothing_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="does not say which face"):
        face_choice(value)


def test_a_number_beyond_the_faces_is_nobody() -> None:
    face = FrameFace(np.random.default_rng(0).uniform(0, 50, (70, 2)), np.ones(70), np.eye(3), -3.0)
    assert chosen_face([face], 0) is face and chosen_face([face], 1) is None and chosen_face([], "largest") is None


def test_the_lens_that_a_phone_states_is_used(tmp_path: Path) -> None:
    video = tmp_path / "phone.mov"
    made = ["-f", "lavfi", "-i", "color=gray:size=640x480:duration=0.2:rate=25", "-pix_fmt", "yuv420p"]
    tags = ["-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.camera.focal_length.35mm_equivalent=26"]
    subprocess.run([ffmpeg_path(), "-v", "error", *made, *tags, str(video)], check=True)
    info = probe(video)
    assert info.focal_35mm == 26
    lens = lens_of(info, None)
    assert lens is not None and lens.focal_px == pytest.approx(26 / 43.27 * 800) and lens.sigma > 0.05
    given = lens_of(info, 900.0)
    assert given is not None and given.focal_px == 900 and given.sigma == 0
