# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face CSV: what goes out comes back, columns bind by name, and files that are none are refused by line."""

import numpy as np
import pytest

from blender_addon.core import live_link, timecode
from blender_addon.core.live_link import COLUMNS, LiveLinkTake, format_csv, parse_csv
from blender_addon.core.timecode import Timecode
from fomm_engine.wire.names import ARKIT_CHANNELS, ARKIT_INDEX

START = Timecode(10, 33, 24, 17.123)


def made_take(rate=(60, 1), count=150, start=START, lost=()):
    rng = np.random.default_rng(5)
    arkit = rng.random((count, 52))
    angles = rng.uniform(-0.6, 0.6, (count, 3))
    looks = {name: [arkit[:, ARKIT_INDEX[f"eyeLook{name}{side}"]] for side in ("Right", "Left")] for name in LOOKS}
    yaw = 0.5 * (np.stack(looks["In"], 1) - np.stack(looks["Out"], 1)) * [1, -1]
    pitch = 0.4 * (np.stack(looks["Up"], 1) - np.stack(looks["Down"], 1))
    valid = np.ones(count, bool)
    valid[list(lost)] = False
    head = live_link.matrices_from_angles(angles)
    head[~valid], arkit[~valid] = np.eye(3), 0
    gaze = np.stack([yaw, pitch], 2) * valid[:, None, None]
    roll = rng.uniform(-0.1, 0.1, (count, 2)) * valid[:, None]
    time_s = np.arange(count) * rate[1] / rate[0]
    return LiveLinkTake(rate, timecode.plain_rate(rate), start, time_s, valid, arkit, head, gaze, roll)


LOOKS = ("In", "Out", "Up", "Down")


def edited(text, change):
    lines = [line.split(",") for line in text.splitlines()]
    change(lines)
    return "\n".join(",".join(line) for line in lines)


@pytest.mark.parametrize(
    "rate", [(24, 1), (25, 1), (30, 1), (60, 1), (24000, 1001), (30000, 1001), (60000, 1001), (48, 1), (15, 1)]
)
def test_what_is_written_is_read_again(rate):
    take = made_take(rate, lost=(7, 8))
    again = parse_csv(format_csv(take))
    assert again.frame_rate == rate
    np.testing.assert_array_equal(again.time_s, take.time_s)
    np.testing.assert_array_equal(again.valid, take.valid)
    for name in ("arkit", "head_rotation", "gaze_rad", "eye_roll_rad"):
        np.testing.assert_allclose(getattr(again, name), getattr(take, name), atol=2e-6, err_msg=name)
    assert again.start == take.start
    assert again.notes == ()


def test_the_file_is_what_other_tools_expect():
    lines = format_csv(made_take(count=3, lost=(1,))).splitlines()
    assert lines[0].split(",") == list(COLUMNS)
    assert len(COLUMNS) == 63
    assert lines[0].startswith("Timecode,BlendshapeCount,EyeBlinkLeft,EyeLookDownLeft")
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["10:33:24:17.123", "61"],
        ["10:33:24:18.123", "0"],
        ["10:33:24:19.123", "61"],
    ]
    assert all(len(line.split(",")) == 63 for line in lines)


def test_columns_bind_by_name_in_any_order_and_case():
    take = made_take()
    lines = [line.split(",") for line in format_csv(take).splitlines()]
    order = np.random.default_rng(1).permutation(63)
    lines[0] = [name.upper() if number % 2 else name for number, name in enumerate(lines[0])]
    text = "\ufeff" + "\r\n".join(";".join(line[place] for place in order) for line in lines)
    again = parse_csv(text)
    np.testing.assert_allclose(again.arkit, take.arkit, atol=1e-6)
    np.testing.assert_allclose(again.head_rotation, take.head_rotation, atol=2e-6)


def test_directions_are_not_sides_and_can_be_swapped():
    take = made_take()
    swapped = live_link.with_sides_swapped(take)
    for left, right in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")):
        np.testing.assert_array_equal(swapped.arkit[:, ARKIT_INDEX[left]], take.arkit[:, ARKIT_INDEX[right]])
    rest = [
        i for i, name in enumerate(ARKIT_CHANNELS) if name not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
    ]
    np.testing.assert_array_equal(swapped.arkit[:, rest], take.arkit[:, rest])


def test_angles_are_the_appending_signs():
    """HeadYaw 0.3 turns to the subject's right; pitch looks up; roll is counter-clockwise in the picture."""
    header = "Timecode,BlendshapeCount,JawOpen,HeadYaw,HeadPitch,HeadRoll\n"
    take = parse_csv(
        header + "00:00:00:00.000,61,0.5,0.3,0,0\n00:00:00:01.000,61,0.5,0,0.3,0\n00:00:01:00.000,61,0,0,0,0.3"
    )
    forward = take.head_rotation @ [0, 0, 1]
    assert forward[0, 0] == pytest.approx(-np.sin(0.3))
    assert forward[1, 1] == pytest.approx(np.sin(0.3))
    assert (take.head_rotation[2] @ [1, 0, 0])[1] == pytest.approx(np.sin(0.3))
    flipped = live_link.with_head_flipped(take).head_rotation @ [0, 0, 1]
    assert flipped[0, 0] == pytest.approx(np.sin(0.3))


def test_the_look_channels_decide_the_signs_of_the_eyes():
    take = made_take()

    def turn_over(lines):
        columns = [lines[0].index(name) for name in ("LeftEyeYaw", "RightEyePitch")]
        for line in lines[1:]:
            for column in columns:
                line[column] = str(-float(line[column]))

    again = parse_csv(edited(format_csv(take), turn_over))
    np.testing.assert_allclose(again.gaze_rad, take.gaze_rad, atol=2e-6)


def test_lost_samples_and_a_day_that_ends():
    take = made_take((30, 1), count=120, start=Timecode(23, 59, 58, 0.0))
    lines = format_csv(take).splitlines()
    assert lines[61].startswith("00:00:00:00.000")
    kept = parse_csv("\n".join([lines[0], *(line for n, line in enumerate(lines[1:]) if n not in (5, 6, 70))]))
    assert kept.frame_rate == (30, 1)
    np.testing.assert_allclose(kept.time_s, np.delete(take.time_s, (5, 6, 70)), atol=1e-9)


def test_drop_frame_timecodes_keep_their_rate():
    frames = [f"00:00:59;{n:02d}.000" for n in range(30)] + [f"00:01:00;{n:02d}.000" for n in range(2, 30)]
    text = "Timecode,JawOpen\n" + "\n".join(f"{code},0.1" for code in frames)
    take = parse_csv(text)
    assert take.frame_rate == (30000, 1001)
    np.testing.assert_allclose(take.time_s, np.arange(58) * 1001 / 30000, atol=1e-9)


def test_a_short_recordings_rate_is_said_to_be_a_guess_and_can_be_given():
    text = "Timecode,JawOpen\n" + "\n".join(f"00:00:00:{n:02d}.000,0.1" for n in range(12))
    guessed = parse_csv(text)
    assert guessed.frame_rate == (60, 1)
    assert [note.code for note in guessed.notes] == ["columns-missing", "rate-guessed"]
    given = parse_csv(text, (30000, 1001))
    assert given.frame_rate == (30000, 1001)
    assert "rate-guessed" not in [note.code for note in given.notes]


def test_what_is_odd_is_noted_not_hidden():
    def spoil(lines):
        lines[4][2], lines[5][2] = "1.2", "-0.1"
        lines[10][0] = lines[9][0]
        lines[-1] = lines[-1][:20]

    take = parse_csv(edited(format_csv(made_take()), spoil))
    assert {note.code for note in take.notes} == {"clipped", "skipped", "cut-short"}
    assert len(take.time_s) == 148
    assert 0.0 <= take.arkit.min() <= take.arkit.max() <= 1.0


def cell(row, column, value):
    return lambda lines: lines[row].__setitem__(column, value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (cell(3, 5, "nan"), "Line 4 .* neither a channel nor an angle"),
        (cell(3, 5, "inf"), "Line 4"),
        (cell(3, 5, "1e300"), "Line 4"),
        (cell(3, 5, "soft"), "Line 4 of the CSV cannot be read"),
        (cell(3, 5, ""), "Line 4"),
        (cell(3, 0, "now"), "Line 4 .* no timecode"),
        (cell(3, 0, "25:00:00:00.000"), "Line 4 .* time of a day"),
        (cell(3, 0, "10:00:00:999"), "no rate that is used"),
        (cell(0, 0, "Time"), "no Live Link Face recording"),
        (cell(0, 5, "JawOpen"), "jawopen twice"),
        (lambda lines: lines.__delitem__(slice(1, None)), "no line with a face"),
        (lambda lines: [line.__setitem__(1, "0") for line in lines[1:]], "No line of the CSV holds a face"),
        (lambda lines: lines.clear(), "empty"),
    ],
)
def test_files_that_are_no_recording_are_refused_with_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_csv(edited(format_csv(made_take()), change))


@pytest.mark.parametrize(
    "text", ["", "\0\1\2", "PK\3\4" + "x" * 50, "a,b,c\n1,2,3", '"' * 9, "Timecode\n1", "," * 5000]
)
def test_rubbish_is_refused(text):
    with pytest.raises(ValueError, match=r"\."):
        parse_csv(text)


def test_timecodes_are_parsed_whole():
    assert timecode.parse_timecode(" 01:02:03:04.5 ") == Timecode(1, 2, 3, 4.5)
    assert timecode.parse_timecode("01:02:03;04").drop
