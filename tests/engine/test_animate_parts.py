# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of the animate job: framing, layouts, threads, groups, names, the command line."""

import argparse
import itertools
import threading
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from fomm_engine.animate.canvas import PasteCanvas, SquareCanvas, WideCanvas, soft_mask
from fomm_engine.animate.driving import CHUNK, DrivingFrame, in_groups
from fomm_engine.animate.faces import most_alike
from fomm_engine.animate.framing import FACE_SIDES, FollowingSquare, still_square
from fomm_engine.animate.options import DEFAULTS, described, options_of
from fomm_engine.animate.outputs import FilmPaths, Timing, beside_size
from fomm_engine.animate.painter import with_alpha
from fomm_engine.animate.streams import Behind, ahead
from fomm_engine.animate.tasks import tasks_of
from fomm_engine.commands.animate import COMMAND
from fomm_engine.video.picture import BEHIND
from fomm_engine.video.reader import Frame
from fomm_engine.video.sound import Sound
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.motion_tracks import read_motion, write_motion

RNG = np.random.default_rng(4)
FACE = RNG.uniform(0, 100, (68, 2))


class Sight:
    """Sees the face of FACE's shape at a given place in each frame; counts how often it was told to forget."""

    def __init__(self, centers: dict[int, tuple[float, float]]) -> None:
        self.centers, self.restarts = centers, 0

    def points(self, frame: Frame) -> np.ndarray | None:
        if frame.index not in self.centers:
            return None
        low, high = FACE.min(0), FACE.max(0)
        return FACE - (low + high) / 2 + self.centers[frame.index]

    def restart(self) -> None:
        self.restarts += 1


def frame(index: int, time_s: float | None = None) -> Frame:
    return Frame(np.zeros((4, 4, 3), np.uint8), index / 25 if time_s is None else time_s, index)


def test_a_following_square_lets_nods_through_and_takes_walking_out() -> None:
    walk = {index: (300 + (200 if index >= 5 else 0), 300) for index in range(200)}
    square = FollowingSquare(Sight(walk), (1000, 600), (300.0, 300.0, 190.0))
    places = [square.at(frame(index))[0] for index in range(200)]
    assert places[:5] == pytest.approx([300] * 5, abs=1)
    assert places[7] - 300 < 40  # a quick motion stays in the picture
    assert places[5 + 17] == pytest.approx(400, abs=12)  # half the way after 0.7 s
    assert places[-1] == pytest.approx(500, abs=1)
    rests = FollowingSquare(Sight({}), (1000, 600), (300.0, 300.0, 190.0))
    assert rests.at(frame(0)) == (300.0, 300.0, 190.0)


def test_a_following_square_goes_on_as_if_it_had_never_stopped() -> None:
    path = {index: (300 + 2 * index, 300) for index in range(100)}
    through = FollowingSquare(Sight(path), (1000, 600), (300.0, 300.0, 190.0))
    whole = [through.at(frame(index)) for index in range(100)]
    again = FollowingSquare(Sight(path), (1000, 600), (0.0, 0.0, 1.0))
    again.resume(63 / 25, whole[63])
    assert [again.at(frame(index)) for index in range(64, 100)] == whole[64:]


def test_a_still_square_has_room_for_where_the_face_goes() -> None:
    size = float((FACE.max(0) - FACE.min(0)).max())
    here = [FACE + 300] * 3
    x, _, side = still_square((1000, 800), here)
    assert side == pytest.approx(size * FACE_SIDES)
    roaming = still_square((1000, 800), [*here, FACE + np.array([300 + 0.6 * size, 300])])
    assert roaming[2] == pytest.approx(size * 2.5, rel=0.02)
    assert roaming[0] > x + 0.2 * size


def test_the_best_frame_is_the_one_of_the_same_shape_whatever_its_size_and_place() -> None:
    class Shapes(Sight):
        def points(self, frame: Frame) -> np.ndarray | None:
            shapes = {0: FACE + 3 * RNG.standard_normal(FACE.shape), 2: FACE * 0.3 + 500, 3: FACE[::-1]}
            return shapes.get(frame.index)

    seen: list[int] = []
    assert most_alike((frame(index) for index in range(4)), Shapes({}), FACE, seen.append) == 2
    assert seen == [0, 1, 2, 3]
    with pytest.raises(UserError, match="no face"):
        most_alike([frame(0)], Sight({}), FACE, seen.append)


@pytest.mark.parametrize("size", [1, 3, 4, 8])
def test_groups_are_the_same_wherever_one_begins(size: int) -> None:
    frames = [DrivingFrame(index, index, index / 25, (0, 0, 1)) for index in range(2 * CHUNK + 7)]
    groups = [[one.index for one in group] for group in in_groups(frames, size)]
    assert list(itertools.chain(*groups)) == list(range(len(frames)))
    assert all(len(group) <= size and group[0] // CHUNK == group[-1] // CHUNK for group in groups)
    later = [[one.index for one in group] for group in in_groups(frames[CHUNK:], size)]
    assert later == [group for group in groups if group[0] >= CHUNK]


def test_things_are_made_ahead_but_not_too_far_and_closed() -> None:
    made: list[int] = []
    closed = threading.Event()

    def numbers() -> Generator[int, None, None]:
        try:
            for number in range(1000):
                made.append(number)
                yield number
        finally:
            closed.set()

    with ahead(numbers(), 3) as coming:
        assert [next(coming) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert closed.is_set()
    assert len(made) <= 5 + 3 + 2


def test_errors_cross_threads_both_ways() -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise UserError("video-unreadable", "It is broken.")

    with pytest.raises(UserError, match="broken"), ahead(broken(), 2) as coming:
        assert list(coming) == []

    def full(_: int) -> None:
        raise UserError("video-write-failed", "The disk is full.")

    with pytest.raises(UserError, match="disk is full"), Behind(full, 2) as writing:  # noqa: PT012 - sooner or later
        for number in range(100):
            writing.put(number)
    with pytest.raises(UserError, match="disk is full"), Behind(full, 2) as writing:
        writing.put(1)
    done: list[int] = []
    with Behind(done.append, 2) as writing:
        for number in range(50):
            writing.put(number)
    assert done == list(range(50))


def test_a_pasted_face_fades_into_the_picture_without_an_edge() -> None:
    source = np.full((300, 400, 3), 100, np.uint8)
    canvas = PasteCanvas(source, None, (200, 150, 120))
    picture = canvas.picture(np.full((64, 64, 3), 200, np.uint8)).astype(int)
    assert (picture[:88] == 100).all() and (picture[:, :138] == 100).all()
    assert (picture[150, 190:210] == 200).all()
    for axis in (0, 1):
        assert np.abs(np.diff(picture[..., 0], axis=axis)).max() <= 8  # of the 100 levels between them
    alpha = canvas.alpha(np.zeros((64, 64, 3), np.uint8), "face")
    assert (alpha[150, 200], alpha[10, 10], alpha.shape) == (255, 0, (300, 400))


def test_a_face_at_the_pictures_edge_does_not_fade_there() -> None:
    canvas = PasteCanvas(np.full((100, 400, 3), 100, np.uint8), None, (50, 50, 100))
    picture = canvas.picture(np.full((64, 64, 3), 200, np.uint8))
    assert (picture[:, :70] == 200).all() and (picture[:, 100:] == 100).all()
    mask = soft_mask(50, (False, True, True, True))
    assert mask[25, 0] == 1 and mask[0].max() < 0.1 and mask[25, -1] < 0.1


def test_layouts_have_their_sizes() -> None:
    painted = np.full((64, 64, 4), 200, np.uint8)
    assert SquareCanvas(128).picture(painted).shape == (128, 128, 3)
    wide = WideCanvas().picture(painted)
    assert wide.shape == (1080, 1920, 3)
    assert (wide[:, 420:1500] == 200).all() and wide[:, :420].max() == 0 == wide[:, 1500:].max()
    assert (SquareCanvas(64).alpha(painted, "none") == 255).all()
    assert (SquareCanvas(64).alpha(painted, "source") == 200).all()
    huge = PasteCanvas(np.zeros((10, 8192, 3), np.uint8), None, (4000, 5, 10))
    assert huge.size == (4096, 5) and huge.picture(painted).shape == (5, 4096, 3)
    assert beside_size((1920, 1080), (256, 256)) == (456, 256)


def test_the_grey_behind_a_transparent_source_is_taken_out_again() -> None:
    colour, share = np.full((4, 4, 3), (200, 60, 10), np.float32), np.full((4, 4), 128, np.uint8)
    seen = np.rint(colour * (128 / 255) + BEHIND * (127 / 255)).astype(np.uint8)
    layers = with_alpha(seen, share)
    assert np.abs(layers[..., :3].astype(int) - colour).max() <= 2
    assert (layers[..., 3] == 128).all()


def test_the_sound_of_a_part_moves_with_it() -> None:
    sound = Sound(Path("a.mp4"), offset_s=0.5)
    assert Timing(None, sound).sound_from(0.0) == sound
    late = Timing(None, sound, end_s=3.0).sound_from(1.0)
    assert late is not None and (late.offset_s, late.length_s) == (-0.5, 2.0)
    assert Timing(None, None, end_s=3.0).sound_from(1.0) is None


def test_films_of_several_inputs_have_names_of_their_own() -> None:
    inputs = {"source": "/a/x.png", "source_2": "/b/x.png", "driving": "/d.mp4", "driving_2": "/e.mp4", "take_2": "/t"}
    tasks = tasks_of(Job("animate", inputs, "/o/film.mp4"))
    assert [task.paths.film.name for task in tasks] == [
        "film x d.mp4",
        "film x e.mp4",
        "film x d 2.mp4",
        "film x e 2.mp4",
    ]
    assert [task.take for task in tasks] == [None, Path("/t"), None, Path("/t")]
    one = tasks_of(Job("animate", {"source": "/a.png", "driving": "/d.mp4"}, "/o/film.mov"))
    assert one[0].paths == FilmPaths(Path("/o/film.mov"))
    with pytest.raises(UserError, match="no driving_3"):
        tasks_of(Job("animate", {**inputs, "take_3": "/t"}, "/o/film.mp4"))


def job_of(*words: str) -> Job:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.job_from(parser.parse_args(list(words)))


def test_the_command_line_has_every_option_and_the_originals_words() -> None:
    plain = job_of("--source", "/a.png", "--driving", "/d.mp4", "--output", "/o.mp4")
    assert (plain.input, plain.options) == ({"source": "/a.png", "driving": "/d.mp4"}, {})
    original = "--source_image /a.png --driving_video /d.mp4 --checkpoint vox --relative --adapt_scale --cpu --audio"
    asked = job_of(*original.split(), "--result_video", "/o.mp4", "--best_frame", "7")
    assert (asked.weights, asked.options) == ("vox", {"best_frame": 7, "device": "cpu"})
    off = "--absolute --keep-scale --silent --absolute-jacobian --no-align-corners --comparison --end-s 3"
    options = options_of(job_of("-s", "/a", "-d", "/b", "/c", *off.split()))
    assert (options.relative, options.sound, options.comparison, options.end_s) == (False, False, True, 3.0)
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    assert set(DEFAULTS) <= {action.dest for action in parser._actions}  # noqa: SLF001 - argparse has no other list
    assert all(sentence for _, sentence, _ in described().values())


def test_keypoints_of_a_long_film_are_written_chunk_by_chunk(tmp_path: Path) -> None:
    shapes = {"driving_square": (3,), "driving_value": (10, 2), "driving_jacobian": (10, 2, 2), "occlusion": (4, 4)}
    shapes |= {"normalised_value": (10, 2), "normalised_jacobian": (10, 2, 2)}
    chunks = [
        {"time_s": np.arange(n) + start, **{name: RNG.random((n, *shape)) for name, shape in shapes.items()}}
        for start, n in ((0, 3), (3, 2))
    ]
    models = {"source_value": np.zeros((10, 2)), "source_jacobian": np.ones((10, 2, 2)), "source_square": np.ones(3)}
    path = tmp_path / "a.motion.npz"
    write_motion(path, {"relative": True}, models, lambda: iter(chunks))
    motion = read_motion(path)
    assert motion.header["relative"] is True and motion.time_s.tolist() == [0, 1, 2, 3, 4]
    for name in shapes:
        assert motion.tracks[name] == pytest.approx(np.concatenate([chunk[name] for chunk in chunks]), abs=1e-6)
    chunks[1]["occlusion"][0, 0, 0] = np.nan
    write_motion(path, {}, models, lambda: iter(chunks))
    with pytest.raises(UserError, match="finite"):
        read_motion(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError) as caught:
        read_motion(path)
    assert caught.value.code == "motion-broken"
