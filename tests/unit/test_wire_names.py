# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, limits and words that stand in files or go between the processes: changing one breaks what is out there."""

import pytest

from fomm_engine.wire import events, job, names, unfinished, versions, whole_file
from fomm_engine.wire.capture import CONVENTIONS
from fomm_engine.wire.errors import ProtocolError, UserError
from fomm_engine.wire.strict_json import LARGEST_WHOLE, parse_json


def test_the_tables_hang_together() -> None:
    assert len(names.ARKIT_CHANNELS) == len(set(names.ARKIT_CHANNELS)) == 52
    assert names.ARKIT_CHANNELS[0] == "eyeBlinkLeft" and names.ARKIT_CHANNELS[-1] == "tongueOut"
    assert [names.ARKIT_INDEX[name] for name in names.ARKIT_CHANNELS] == list(range(52))
    for name in names.ARKIT_CHANNELS:
        other = name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
        assert other in names.ARKIT_CHANNELS
    assert sorted(names.MIRRORED_POINTS) == list(range(names.POINT_COUNT))
    assert [names.MIRRORED_POINTS[other] for other in names.MIRRORED_POINTS] == list(range(names.POINT_COUNT))
    assert names.LANDMARK_COUNT == 68 and (names.IRIS_RIGHT, names.IRIS_LEFT) == (68, 69)


def test_the_parts_of_a_face_are_ibugs() -> None:
    expected = {
        "jaw": (0, 16, 17),
        "brow_right": (17, 21, 5),
        "brow_left": (22, 26, 5),
        "nose_bridge": (27, 30, 4),
        "nose_base": (31, 35, 5),
        "eye_right": (36, 41, 6),
        "eye_left": (42, 47, 6),
        "lips_outer": (48, 59, 12),
        "lips_inner": (60, 67, 8),
        "inner51": (17, 67, 51),
        "chin": (8, 8, 1),
        "nose_tip": (30, 30, 1),
        "mouth_right": (48, 48, 1),
        "mouth_left": (54, 54, 1),
        "lip_upper": (51, 51, 1),
        "lip_lower": (57, 57, 1),
        "eye_right_outer": (36, 36, 1),
        "eye_right_inner": (39, 39, 1),
        "eye_left_inner": (42, 42, 1),
        "eye_left_outer": (45, 45, 1),
        "lip_inner_upper": (61, 63, 3),
        "lip_inner_lower": (67, 65, 3),
        "lid_upper_right": (37, 38, 2),
        "lid_lower_right": (41, 40, 2),
        "lid_upper_left": (43, 44, 2),
        "lid_lower_left": (47, 46, 2),
    }
    assert {name: (part[0], part[-1], len(part)) for name, part in names.LANDMARKS.items()} == expected


def test_what_stands_in_takes_has_its_name_and_shape() -> None:
    assert names.TRACKS == {
        "landmarks_px": (68, 2),
        "landmarks_sigma_px": (68,),
        "irises_px": (2, 2),
        "irises_sigma_px": (2,),
        "head_rotation": (3, 3),
        "head_translation_cm": (3,),
        "fomm_value": (10, 2),
        "fomm_jacobian": (10, 2, 2),
        "arkit": (52,),
    }
    assert names.MODELS == {"neutral_cm": (70, 3), "basis_cm": (52, 70, 3)}
    assert set(CONVENTIONS) == {"image", "camera", "head", "fomm"}
    assert (versions.CAPTURE_FORMAT, versions.CAPTURE, versions.PROTOCOL) == ("face-capture", (1, 0), (1, 0))
    pairs = ("eye", "brow")
    assert (
        *(f"{part}_{side}" for part in pairs for side in ("right", "left")),
        *("nose", "mouth_right", "mouth_left", "lip_upper", "lip_lower", "chin"),
    ) == names.KEYPOINTS


def test_what_older_engines_and_add_ons_know_stays_known() -> None:
    assert {"capture", "measure", "animate", "models", "train", "reconstruct", "doctor", "fake"} <= set(names.JOB_KINDS)
    assert {"start", "load", "decode", "track", "solve", "animate", "write", "check"} <= set(names.STAGES)
    assert {"download", "verify", "train", "reconstruct"} <= set(names.STAGES)
    needed = {kind: set(fields) for kind, fields in events.REQUIRED_FIELDS.items()}
    assert needed == {
        "hello": {"protocol", "engine", "pid", "kinds"},
        "progress": {"stage", "current", "total", "message"},
        "log": {"level", "message"},
        "warn": {"code", "message"},
        "failed": {"code", "message", "hint"},
        "done": {"status", "output"},
    }
    assert events.FINAL_TYPES == ("failed", "done")
    assert (unfinished.SUFFIX, unfinished.STATE_FILE) == (".parts", "state.json")
    assert (whole_file.PARTIAL_PREFIX, whole_file.PARTIAL_SUFFIX) == (".understudy-", ".part")


def test_final_and_cancel_are_told_from_the_rest() -> None:
    assert events.is_final({"type": "done"}) and events.is_final({"type": "failed"})
    assert not events.is_final({"type": "log"})
    assert events.is_cancel(events.CANCEL_LINE) and events.is_cancel('{"type":"cancel","x":1}')
    assert not events.is_cancel('{"type":"stop"}')
    assert not events.is_cancel("cancel")


def test_limits_are_where_they_are_said_to_be() -> None:
    line = events.format_event("log", level="info", message="")
    full = line.replace('""', '"' + "x" * (events.MAX_LINE_CHARS - len(line)) + '"')
    assert len(full) == events.MAX_LINE_CHARS == 200_000
    assert events.parse_line(full)["type"] == "log"
    with pytest.raises(ProtocolError, match="at most 200000 characters"):
        events.parse_line(full + " ")
    assert parse_json(str(LARGEST_WHOLE)) == 2**53 == -parse_json(str(-LARGEST_WHOLE))
    for text in (str(LARGEST_WHOLE + 1), str(-LARGEST_WHOLE - 1), "1e309", "Infinity", "-Infinity", "NaN"):
        with pytest.raises(ValueError):
            parse_json(text)


def test_a_job_is_written_and_read_and_a_megabyte_is_none(tmp_path) -> None:
    path, given = tmp_path / "job.json", job.Job("fake", {"a": "b"}, "/o", {"steps": 3}, "w")
    job.write_job(given, path)
    assert job.read_job(path) == given
    assert [entry.name for entry in tmp_path.iterdir()] == ["job.json"]
    text = path.read_text()
    path.write_text(text + " " * (job.MAX_JOB_BYTES - len(text)))
    assert job.read_job(path) == given
    path.write_text(path.read_text() + " ")
    for what in (path, tmp_path / "none"):
        with pytest.raises(UserError) as caught:
            job.read_job(what)
        assert caught.value.code == "job-unreadable"
        assert caught.value.hint == "Start again."


@pytest.mark.parametrize(
    ("value", "default", "fits"),
    [
        *((None, None, True), (3, None, True), (0.5, None, True), ("x", None, False), (True, None, False)),
        *((True, True, True), (1, True, False), (True, 1, False), (2, 1, True), (2.5, 1, False)),
        *((2, 1.5, True), (2.5, 1.5, True), ("2", 1.5, False), ("a", "b", True), (1, "b", False), ([1], [], True)),
    ],
)
def test_an_option_has_the_kind_of_its_default(value, default, fits) -> None:
    given = job.Job("fake", {}, "o", {"a": value})
    if fits:
        assert job.checked_options(given, {"a": default, "b": 7}) == {"a": value, "b": 7}
    else:
        with pytest.raises(UserError) as caught:
            job.checked_options(given, {"a": default})
        assert caught.value.code == "bad-option"


def test_an_unknown_option_is_told_with_those_there_are() -> None:
    with pytest.raises(UserError, match="has no option 'c'") as caught:
        job.checked_options(job.Job("fake", {}, "o", {"c": 1}), {"b": 1, "a": 2})
    assert (caught.value.code, caught.value.hint) == ("unknown-option", "It has: a, b.")
    with pytest.raises(UserError) as caught:
        job.checked_options(job.Job("fake", {}, "o", {"c": 1}), {})
    assert caught.value.hint == "It has: none."
    assert str(UserError("c", "A.", "B.")) == "A. B."
    assert str(UserError("c", "A.")) == "A."
