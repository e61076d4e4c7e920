# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that are hard to see: believed where many ways meet with little doubt, and nowhere else."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from fomm_engine.face.crop import SquareCrop
from fomm_engine.face.default_tracker import default_tracker
from fomm_engine.face.detect import FoundBox
from fomm_engine.face.hard_faces import PLAIN, SURE_PRESENCE, HardFaces, Meeting, meeting
from fomm_engine.face.look import FaceReader, FrameFace, distinct
from fomm_engine.face.nets import LandmarkOutput
from fomm_engine.training.backgrounds import sample_background

PLACE, SIDE = np.array([120.0, 130.0]), 60.0  # where the made-up net sees a face, px
BOX = FoundBox(SquareCrop((124.0, 127.0), 66.0), 6.0)
SHAPE = np.random.default_rng(2).uniform(-0.5, 0.5, (70, 2))
SHAPE[:4] = [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]  # the box of the 68 points is a unit square
# A picture whose colours say where they are, so that a net can know which crop it is shown.
MAP = np.stack([*np.meshgrid(np.arange(256), np.arange(256)), np.full((256, 256), 9)], 2).astype(np.uint8)


def net_that(answers: Callable[[np.ndarray, float], tuple[np.ndarray, float]]) -> Callable[[Tensor], LandmarkOutput]:
    """A net that says (points px, log sigma) = answers(middle of the crop px, its side px)."""

    def net(views: Tensor) -> LandmarkOutput:
        points, doubts = [], []
        for view in ((views + 1) * 127.5).numpy():
            middle = view[:2, 63:65, 63:65].mean((1, 2)) + 0.5
            side = float(view[0, 64, 80] - view[0, 64, 48]) * 4
            seen, doubt = answers(middle, side)
            points.append((seen - middle) / (side / 2))
            doubts.append(np.full(70, doubt))
        turns = torch.eye(3).repeat(len(points), 1, 1)
        return LandmarkOutput(torch.tensor(np.stack(points)), torch.tensor(np.stack(doubts)), turns)

    return net


def search(answers: Callable[[np.ndarray, float], tuple[np.ndarray, float]]) -> HardFaces:
    net = net_that(answers)
    return HardFaces(net, FaceReader(net, -2.3, both_ways=False))


def at_place(middle: np.ndarray, side: float) -> tuple[np.ndarray, float]:
    return PLACE + SHAPE * SIDE, -2.0


def wherever_it_looks(middle: np.ndarray, side: float) -> tuple[np.ndarray, float]:
    return middle + SHAPE * side / 1.3, -2.0


def test_ways_that_all_meet_make_up_for_doubt() -> None:
    faces = search(at_place).found(MAP, [BOX], [])
    assert len(faces) == 1 and faces[0].doubt == pytest.approx(-2.0)
    np.testing.assert_allclose(faces[0].points_px, PLACE + SHAPE * SIDE, atol=1.0)


def test_ways_that_part_are_not_believed_however_sure_the_box() -> None:
    hard = search(wherever_it_looks)
    assert hard.found(MAP, [FoundBox(BOX.square, 15.0)], []) == []
    met = meeting(net_that(wherever_it_looks), MAP, [SquareCrop((x, 128.0), 80.0) for x in (90.0, 120.0, 150.0)])
    assert met.share == pytest.approx(1 / 3) and not met.believed


@pytest.mark.parametrize(
    ("share", "doubt", "believed"), [(1.0, -1.8, False), (0.7, -1.95, True), (0.5, -1.95, False), (0.5, -2.3, True)]
)
def test_fewer_ways_need_less_doubt(share: float, doubt: float, believed: bool) -> None:
    assert Meeting(SHAPE, np.full(70, doubt), 50.0, np.eye(3), share).believed is believed


def test_boxes_that_are_unsure_or_explained_are_left_alone() -> None:
    hard = search(at_place)
    face = FrameFace(PLACE + SHAPE * SIDE, np.ones(70), np.eye(3), -3.0)
    assert hard.found(MAP, [FoundBox(BOX.square, SURE_PRESENCE - 0.1)], []) == []
    assert hard.found(MAP, [BOX], [face]) == []
    assert len(hard.found(MAP, [BOX, BOX], [])) == 1, "two boxes around one face"


def test_a_plain_face_is_taken_as_it_is_and_a_doubtful_one_put_to_the_proof() -> None:
    plain = FrameFace(PLACE + SHAPE * SIDE, np.ones(70), np.eye(3), PLAIN - 0.1)
    doubtful = replace(plain, points_px=plain.points_px + 15, doubt=PLAIN + 0.1)
    assert search(wherever_it_looks).confirmed(MAP, BOX, plain) is plain
    assert search(wherever_it_looks).confirmed(MAP, BOX, doubtful) is None
    near = replace(doubtful, points_px=plain.points_px + 1)
    assert search(at_place).confirmed(MAP, BOX, near) is near
    found = search(at_place).confirmed(MAP, BOX, doubtful)
    assert found is not None, "most ways lead there"
    np.testing.assert_allclose(found.points_px, plain.points_px, atol=1.0)


def test_two_heads_keep_their_distance() -> None:
    face = FrameFace(PLACE + SHAPE * SIDE, np.ones(70), np.eye(3), -3.0)
    forehead = FrameFace(face.points_px - np.array([0, 0.5 * SIDE]), np.ones(70), np.eye(3), -2.4)
    neighbour = FrameFace(face.points_px + np.array([SIDE, 0]), np.ones(70), np.eye(3), -2.4)
    assert distinct([forehead, face, neighbour]) == [face, neighbour]


def test_no_face_is_seen_where_there_is_none() -> None:
    rng = np.random.default_rng(8)
    for _ in range(6):
        picture = sample_background(rng, 640)[:480]
        noisy = np.clip(picture * 0.4 + rng.normal(0, 10, picture.shape), 0, 255).astype(np.uint8)
        assert default_tracker().track(noisy) is None
