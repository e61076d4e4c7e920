# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier releases wrote is read for ever, with every number; newer files are refused with a sentence."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from blender_addon.core import live_link
from blender_addon.core.actor_calibration import calibration_from_plain, calibration_to_plain
from blender_addon.core.rig_basis import basis_from_plain, basis_to_plain
from blender_addon.core.rig_map import match_shapes, parse_convention
from blender_addon.engine.session import Phase, Session, take_end, take_line
from fomm_engine.wire.archive import read_arrays, write_arrays
from fomm_engine.wire.capture import read_capture
from fomm_engine.wire.errors import UserError
from fomm_engine.wire.job import job_from_fields, read_job
from fomm_engine.wire.motion_tracks import read_motion
from tests.golden import make

FILES = make.FOLDER


def of(kind: str) -> list[Path]:
    """The golden files of one kind, of every version."""
    found = sorted(FILES.glob(f"{kind}*"))
    assert found, f"no golden {kind}"
    return found


def test_every_format_has_a_file_of_its_present_version() -> None:
    assert set(make.files()) <= {path.name for path in FILES.iterdir()}
    assert sum(path.stat().st_size for path in FILES.iterdir()) < 200_000


@pytest.mark.parametrize("path", of("take-"), ids=lambda path: path.name)
def test_a_take_holds_what_it_held(path: Path) -> None:
    found, expected = read_capture(path), make.golden_take()
    assert expected.header.items() <= found.header.items()
    np.testing.assert_array_equal(found.time_s, expected.time_s)
    np.testing.assert_array_equal(found.valid, expected.valid)
    for name in ("tracks", "models", "confidences"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert set(theirs) <= set(ours)
        for key, value in theirs.items():
            np.testing.assert_array_equal(ours[key], value, err_msg=key)


@pytest.mark.parametrize("path", of("motion-"), ids=lambda path: path.name)
def test_a_motion_file_holds_what_it_held(path: Path) -> None:
    found, (models, chunk) = read_motion(path), make.motion_arrays()
    assert found.header["relative"] is True
    np.testing.assert_array_equal(found.time_s, chunk.pop("time_s"))
    for ours, theirs in ((found.models, models), (found.tracks, chunk)):
        for key, value in theirs.items():
            np.testing.assert_array_equal(ours[key], value, err_msg=key)


@pytest.mark.parametrize("path", of("job-"), ids=lambda path: path.name)
def test_a_job_is_what_it_was(path: Path) -> None:
    assert asdict(read_job(path)) == asdict(make.golden_job())


@pytest.mark.parametrize("path", of("events-"), ids=lambda path: path.name)
def test_an_older_engine_is_understood(path: Path) -> None:
    session = Session(started_at_s=0.0)
    for number, line in enumerate(path.read_text().splitlines()):
        session = take_line(session, line, float(number))
    session = take_end(session, 0, ())
    assert session.phase is Phase.DONE
    assert (session.output, session.engine_version) == ("/films/clip.capture.npz", "0.1.0")
    assert session.warnings == (("lost-frames", "2 frames show no face."),)
    assert (session.current, session.total, session.log) == (3, 9, ("text",))


@pytest.mark.parametrize("path", of("preset-"), ids=lambda path: path.name)
def test_a_rig_map_drives_what_it_drove(path: Path) -> None:
    data = json.loads(path.read_text())
    found = parse_convention(data)
    assert found.name == "My rig"
    assert found.limits == {"Mouth Open": (-1.0, 2.0)}
    assert found.bones == {"head": ("Head",), "jaw": ("Jaw",)}
    match = match_shapes(found, ["Mouth Open", "Smile.L", "Cheek.L"], limits={"Mouth Open": (-1.0, 2.0)})
    driven = {control.name: (control.channels, control.minimum, control.maximum) for control in match.controls}
    assert driven["Mouth Open"] == ((("jawOpen", 1.0),), -1.0, 2.0)
    assert driven["Smile.L"][0] == (("mouthSmileLeft", 0.5),)
    assert data["settings"] == {"jawOpen": {"gain": 1.5}}


@pytest.mark.parametrize("path", of("measure-"), ids=lambda path: path.name)
def test_a_measured_rig_is_what_it_was(path: Path) -> None:
    found = basis_from_plain(json.loads(path.read_text()))
    assert basis_to_plain(found) == basis_to_plain(make.golden_basis())


@pytest.mark.parametrize("path", of("calibration-"), ids=lambda path: path.name)
def test_a_calibration_is_what_it_was(path: Path) -> None:
    found = calibration_from_plain(json.loads(path.read_text()))
    assert calibration_to_plain(found) == calibration_to_plain(make.golden_calibration())


def test_a_recording_is_what_it_was() -> None:
    found, expected = live_link.parse_csv((FILES / "live-link.csv").read_text()), make.golden_recording()
    assert found.frame_rate == expected.frame_rate
    np.testing.assert_allclose(found.time_s, expected.time_s, atol=1e-9)
    np.testing.assert_allclose(found.arkit, expected.arkit, atol=1e-6)
    np.testing.assert_allclose(found.head_rotation, expected.head_rotation, atol=1e-5)


def take_of_version(tmp_path: Path, version: object) -> Path:
    arrays = read_arrays(of("take-")[0])
    header = json.loads(str(arrays["header"])) | {"version": version}
    path = tmp_path / "a.capture.npz"
    write_arrays({**arrays, "header": np.array(json.dumps(header))}, path)
    return path


@pytest.mark.parametrize(
    ("version", "hint"),
    [([2, 0], "Update the add-on and engine."), ([0, 9], "older release"), ("1.0", "again"), ([1], "again")],
)
def test_another_major_version_is_refused_with_what_to_do(tmp_path, fault_record, version, hint) -> None:
    with pytest.raises(UserError) as caught:
        read_capture(take_of_version(tmp_path, version))
    assert caught.value.code == "version-unsupported"
    assert hint in caught.value.hint
    fault_record(
        group="takes",
        fault=f"A take of format version {version}",
        done="read by a release whose takes are 1.0",
        user_saw=str(caught.value),
        survived="the file, and the scene's other takes",
    )


def test_a_newer_minor_version_is_read_with_what_is_known(tmp_path: Path) -> None:
    assert read_capture(take_of_version(tmp_path, [1, 99])).frame_count == make.FRAMES


@pytest.mark.parametrize("version", [[2, 0], [9, 9]])
def test_newer_jobs_maps_and_engines_are_refused(version: list[int]) -> None:
    fields = json.loads(of("job-")[0].read_text()) | {"protocol": version}
    with pytest.raises(UserError, match="this release reads 1"):
        job_from_fields(fields)
    with pytest.raises(UserError, match="this release reads 1"):
        parse_convention(json.loads(of("preset-")[0].read_text()) | {"version": version})
    hello = json.loads(of("events-")[0].read_text().splitlines()[0]) | {"protocol": version}
    session = take_end(take_line(Session(started_at_s=0.0), json.dumps(hello), 0.0), 0, ())
    assert session.phase is Phase.FAILED
    assert session.failure is not None and session.failure.code == "version-unsupported"


def test_newer_measures_and_calibrations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"version 2; this release reads 1\. Update the add-on\."):
        calibration_from_plain(json.loads(of("calibration-")[0].read_text()) | {"version": 2})
    with pytest.raises(ValueError, match=r"version 2, not 1\. Measure the rig again\."):
        basis_from_plain(json.loads(of("measure-")[0].read_text()) | {"version": 2})
