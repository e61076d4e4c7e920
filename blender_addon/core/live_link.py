# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face's CSV, read and written: 52 channels, head and eyes, bound by the columns' names, never their order.

Columns: Timecode, BlendshapeCount and 61 values: the 52 ARKit channels in PascalCase, then yaw, pitch and roll in
radians of the head and the two eyes. Angles as importers read them (Diffeomorphic's facs_tools): pitch up and roll
counter-clockwise in the picture are positive, yaw is positive towards the subject's right.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

from . import rotation, timecode
from .array_types import BoolArray, FloatArray
from .notes import Note
from .timecode import Timecode

ANGLE_COLUMNS = tuple(
    f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll")
)
VALUE_COUNT = len(ARKIT_CHANNELS) + len(ANGLE_COLUMNS)
MAX_ROWS = 1_500_000  # seven hours at 60 fps
LARGEST_ANGLE_RAD = 2 * np.pi
LOOKS = (("Left", 1), ("Right", 0))  # gaze arrays hold the subject's right eye first
LEAST_LOOK = 0.05  # of a channel: less motion of an eye does not tell which way an angle counts


def _column_order() -> tuple[str, ...]:
    """Give the channels' columns as the app writes them: JawRight before JawLeft, MouthRight before MouthLeft."""
    names = [name[0].upper() + name[1:] for name in ARKIT_CHANNELS]
    for left, right in (("JawLeft", "JawRight"), ("MouthLeft", "MouthRight")):
        first, second = names.index(left), names.index(right)
        names[first], names[second] = right, left
    return tuple(names)


CHANNEL_COLUMNS = _column_order()
COLUMNS = ("Timecode", "BlendshapeCount", *CHANNEL_COLUMNS, *ANGLE_COLUMNS)
_PLACE_OF_COLUMN = {name.lower(): place for place, name in enumerate((*ARKIT_CHANNELS, *ANGLE_COLUMNS))}


@dataclass(frozen=True, slots=True, eq=False)
class LiveLinkTake:
    """A recording of T samples.

    frame_rate (num, den): of the samples; counted_rate: the whole rate the timecodes count in; start: the first
    sample's timecode. time_s (T,) seconds from the first sample; valid (T,), false where the app saw no face. arkit
    (T, 52) in 0..1 in the order of names.ARKIT_CHANNELS. head_rotation (T, 3, 3): camera from head (x the subject's
    left, y up, z out of the face). gaze_rad (T, 2, 2): subject's right then left eye; yaw towards the subject's left,
    pitch up. eye_roll_rad (T, 2): right, left.
    """

    frame_rate: tuple[int, int]
    counted_rate: int
    start: Timecode
    time_s: FloatArray
    valid: BoolArray
    arkit: FloatArray
    head_rotation: FloatArray
    gaze_rad: FloatArray
    eye_roll_rad: FloatArray
    notes: tuple[Note, ...] = ()


@dataclass(slots=True)
class _Rows:
    """What stands in the file: timecodes, values (T, 61) in the order of channels then angles, and what was odd."""

    codes: list[Timecode]
    values: list[list[float]]
    valid: list[bool]
    notes: list[Note]


def parse_csv(text: str, frame_rate: tuple[int, int] | None = None) -> LiveLinkTake:
    """Give the recording in a CSV's text; frame_rate: of the samples, where the user knows better than the timecodes.

    Raises ValueError, in one sentence with the line's number, for a file that is no such recording.
    """
    rows = _read_rows(text)
    counted, shown = timecode.counted_rate(rows.codes)
    if frame_rate is not None:
        counted = round(frame_rate[0] / frame_rate[1]) if not shown else counted
    elif not shown:
        why = f"The recording is too short to show its frame rate; {counted} a second is taken."
        rows.notes.append(Note("rate-guessed", why))
    frames, keep = _growing(timecode.frames_of(rows.codes, counted))
    if not bool(keep.all()):
        rows.notes.append(_skipped(keep, "Their timecode does not lie after the one before."))
    clock = timecode.clock_rate(rows.codes, counted)
    rate = frame_rate or timecode.sample_rate(frames, clock)
    start = rows.codes[int(np.flatnonzero(keep)[0])]
    values, valid = np.array(rows.values, np.float64)[keep], np.array(rows.valid, np.bool_)[keep]
    if not bool(valid.any()):
        raise ValueError("No line of the CSV holds a face.")
    return _take(rows, values, valid, time_s=timecode.times_of(frames, clock, rate), rate=(rate, counted, start))


def _take(
    rows: _Rows,
    values: FloatArray,
    valid: BoolArray,
    *,
    time_s: FloatArray,
    rate: tuple[tuple[int, int], int, Timecode],
) -> LiveLinkTake:
    """Give the take of values (T, 61): channels within 0..1, angles as rotations."""
    count = len(ARKIT_CHANNELS)
    arkit, angles = values[:, :count], values[:, count:].reshape(-1, 3, 3)
    outside = int(((arkit < 0) | (arkit > 1)).sum())
    if outside:
        rows.notes.append(Note("clipped", f"{outside} channel values outside 0 to 1 were brought inside."))
    arkit = np.clip(arkit, 0.0, 1.0)
    head = matrices_from_angles(angles[:, 0] * np.array([-1.0, 1.0, 1.0]))
    head[~valid] = np.eye(3)
    gaze_rad = _gaze_of(angles[:, [2, 1], :2], arkit)
    eye_roll = angles[:, [2, 1], 2]
    return LiveLinkTake(*rate, time_s, valid, arkit, head, gaze_rad, eye_roll, tuple(rows.notes))


def format_csv(take: LiveLinkTake) -> str:
    """Give the recording as the app's CSV: all columns by name, six decimals, "\\n" after each line."""
    codes = timecode.format_timecodes(take.start, take.time_s, take.counted_rate)
    yaw_pitch_roll = angles_from_matrices(take.head_rotation) * np.array([-1.0, 1.0, 1.0])
    eyes = [np.stack([-take.gaze_rad[:, k, 0], take.gaze_rad[:, k, 1], take.eye_roll_rad[:, k]], 1) for _, k in LOOKS]
    channels = take.arkit[:, [ARKIT_INDEX[name[0].lower() + name[1:]] for name in CHANNEL_COLUMNS]]
    table = np.concatenate([channels, yaw_pitch_roll, *eyes], 1)
    lines = [",".join(COLUMNS)]
    for code, seen, row in zip(codes, take.valid.tolist(), table.tolist(), strict=True):
        values = ",".join(f"{value + 0.0:.6f}" for value in row) if seen else "," * (VALUE_COUNT - 1)
        lines.append(f"{code},{VALUE_COUNT if seen else 0},{values}")
    return "\n".join(lines) + "\n"


def with_sides_swapped(take: LiveLinkTake) -> LiveLinkTake:
    """Give the recording with jawLeft/Right and mouthLeft/Right exchanged: some versions of the app write them so."""
    order = list(range(len(ARKIT_CHANNELS)))
    for left, right in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")):
        order[ARKIT_INDEX[left]], order[ARKIT_INDEX[right]] = ARKIT_INDEX[right], ARKIT_INDEX[left]
    return replace(take, arkit=take.arkit[:, order])


def with_head_flipped(take: LiveLinkTake) -> LiveLinkTake:
    """Give the recording with yaw and pitch turned over, as it must be for a phone that was held in landscape."""
    angles = angles_from_matrices(take.head_rotation) * np.array([-1.0, -1.0, 1.0])
    return replace(take, head_rotation=matrices_from_angles(angles))


def matrices_from_angles(yaw_pitch_roll_rad: FloatArray) -> FloatArray:
    """Give head rotations, (T, 3) -> (T, 3, 3): R = Rz(roll) Ry(yaw) Rx(-pitch), camera from head."""
    yaw, pitch, roll = yaw_pitch_roll_rad.T
    return rotation.matrix_from_euler(np.stack([-pitch, yaw, roll], 1), "XYZ")


def angles_from_matrices(matrices: FloatArray) -> FloatArray:
    """Give yaw, pitch and roll of head rotations, (T, 3, 3) -> (T, 3) radians."""
    x, y, z = rotation.euler_from_matrix(matrices, "XYZ").T
    return np.stack([y, -x, z], 1)


def _gaze_of(angles: FloatArray, arkit: FloatArray) -> FloatArray:
    """Give where the eyes look from their yaw and pitch columns, (T, 2, 2).

    Importers disagree about the signs of the eyes, so the look channels decide: an eye that looks up has eyeLookUp.
    Where they do not move, the head's signs are taken.
    """
    result = angles * np.array([-1.0, 1.0])
    for side, place in LOOKS:
        inward = 1.0 if side == "Right" else -1.0  # the right eye looks in towards the subject's left
        looks = {name: arkit[:, ARKIT_INDEX[f"eyeLook{name}{side}"]] for name in ("In", "Out", "Up", "Down")}
        for axis, seen in ((0, inward * (looks["In"] - looks["Out"])), (1, looks["Up"] - looks["Down"])):
            if float(np.ptp(seen)) > LEAST_LOOK and float((seen - seen.mean()) @ result[:, place, axis]) < 0:
                result[:, place, axis] *= -1.0
    return result


def _growing(frames: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Give the frames that lie after all before them, and which they are."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(frames)[:-1]])
    keep = frames > before
    return frames[keep], keep


def _skipped(keep: BoolArray, why: str) -> Note:
    lines = (np.flatnonzero(~keep) + 2).tolist()
    shown = ", ".join(str(line) for line in lines[:8]) + (" ..." if len(lines) > 8 else "")
    return Note("skipped", f"{len(lines)} lines were left out ({shown}). {why}")


def _read_rows(text: str) -> _Rows:
    """Give the file's lines as numbers."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or "\0" in text:
        raise ValueError("The file is empty." if not lines else "The file is no text.")
    if len(lines) > MAX_ROWS:
        raise ValueError(f"The file has {len(lines)} lines; a recording has at most {MAX_ROWS}.")
    split = _splitter(lines[0])
    time_place, count_place, places = _bind(split(lines[0]))
    rows = _Rows([], [], [], _absent(places))
    for number, line in enumerate(lines[1:], start=2):
        cells = split(line)
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) <= max(time_place, *places) and number == len(lines) and rows.codes:
            rows.notes.append(Note("cut-short", f"Line {number}, the last, is incomplete and was left out."))
            break
        _read_line(rows, cells, number, places=(time_place, count_place, places))
    if not rows.codes:
        raise ValueError("The CSV has a heading but no line with a face.")
    return rows


def _splitter(header: str) -> Callable[[str], list[str]]:
    """Give what splits a line: at commas, or at semicolons or tabs where the heading has those."""
    mark = max(",;\t", key=header.count)

    def split(line: str) -> list[str]:
        try:
            return [cell for cells in csv.reader([line], delimiter=mark) for cell in cells]
        except csv.Error as error:
            raise ValueError(f"The CSV cannot be read: {error}.") from error

    return split


def _bind(header: Sequence[str]) -> tuple[int, int | None, dict[int, int]]:
    """Give where the timecode and the count stand, and {column: place among the 61 values}, all by name."""
    names = [name.strip().lower() for name in header]
    known = [name for name in names if name in _PLACE_OF_COLUMN]
    twice = sorted({name for name in known if known.count(name) > 1})
    if "timecode" not in names or not any(_PLACE_OF_COLUMN[name] < len(ARKIT_CHANNELS) for name in known):
        raise ValueError("This is no Live Link Face recording: the heading must name Timecode and ARKit's channels.")
    if twice:
        raise ValueError(f"The CSV's heading names {', '.join(twice)} twice.")
    places = {column: _PLACE_OF_COLUMN[name] for column, name in enumerate(names) if name in _PLACE_OF_COLUMN}
    return names.index("timecode"), names.index("blendshapecount") if "blendshapecount" in names else None, places


def _absent(places: dict[int, int]) -> list[Note]:
    names = (*ARKIT_CHANNELS, *ANGLE_COLUMNS)
    absent = [name for place, name in enumerate(names) if place not in places.values()]
    return (
        [Note("columns-missing", f"The CSV has no column for {', '.join(absent)}; they stay at zero.")]
        if absent
        else []
    )


def _read_line(
    rows: _Rows, cells: Sequence[str], number: int, *, places: tuple[int, int | None, dict[int, int]]
) -> None:
    """Append one line. Raises ValueError with its number where it cannot be read."""
    time_place, count_place, columns = places
    try:
        rows.codes.append(timecode.parse_timecode(cells[time_place]))
        texts = {place: cells[column].strip() if column < len(cells) else "" for column, place in columns.items()}
        # A line of count 0, or without any value, says that the app saw no face at that time.
        faceless = not any(texts.values())
        faceless |= count_place is not None and count_place < len(cells) and cells[count_place].strip() == "0"
        values = [0.0] * VALUE_COUNT
        for place, text in texts.items():
            values[place] = 0.0 if faceless else float(text)
    except (ValueError, IndexError) as error:
        raise ValueError(f"Line {number} of the CSV cannot be read: {error}") from error
    if not all(abs(value) <= LARGEST_ANGLE_RAD for value in values):  # not a number compares false
        raise ValueError(f"Line {number} of the CSV holds a value that is neither a channel nor an angle in radians.")
    rows.values.append(values)
    rows.valid.append(not faceless)
