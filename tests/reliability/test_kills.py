# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines that are killed or left alone in mid-capture: the same job goes on and ends with the same take."""

import json
from pathlib import Path

import pytest

from fomm_engine.face.checkpoints import is_kept
from fomm_engine.wire.unfinished import parts_folder, unfinished_in
from tests.reliability.conftest import FRAMES, capture_job
from tests.reliability.engines import EngineProcess, Event, cold, forked, last_of, none_left_about


def at(stage: str, current: int):
    """Whether an event tells that `stage` has come so far."""
    return lambda event: event["type"] == "progress" and event["stage"] == stage and event["current"] >= current


def resumed_at(events: list[Event]) -> str:
    """The engine's own sentence about where it went on."""
    return next(event["message"] for event in events if event["type"] == "log" and "Resuming" in event["message"])


def finished(engine: EngineProcess) -> list[Event]:
    events = engine.finish()
    assert last_of(events)["type"] == "done" and last_of(events)["status"] == "ok", last_of(events)
    return events


@pytest.mark.parametrize(
    ("stage", "current", "moment"),
    [
        ("load", 0, "while it loads"),
        ("track", 5, "while it tracks"),
        ("solve", 3, "while it solves"),
        ("write", 0, "while it writes"),
    ],
)
def test_a_killed_engine_loses_nothing(stage, current, moment, clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    engine = forked(capture_job(clip, output), tmp_path)
    engine.until(at(stage, current))
    engine.stop_for_good()
    assert engine.exit_status == -9
    assert not output.exists() or (stage == "write" and output.read_bytes() == undisturbed)
    assert none_left_about(str(clip))
    kept = is_kept(parts_folder(output))
    assert kept == (stage != "load") or output.exists()
    events = finished(forked(capture_job(clip, output), tmp_path))
    assert output.read_bytes() == undisturbed
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".json"] == [output.name]
    said = "The engine was stopped by signal 9 before it was done. Try again; if it repeats, press Check Engine."
    if kept:
        assert int(resumed_at(events).split()[3]) >= (current if stage == "track" else FRAMES)
        said = resumed_at(events)
    fault_record(
        group="engine",
        fault=f"The engine killed (SIGKILL) {moment}",
        done="a capture, then the same capture again",
        user_saw=said,
        survived="every tracked frame; the second run's take is byte for byte that of an undisturbed run",
    )


def test_an_engine_is_killed_twice_once_started_cold(clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    for start, frames in ((forked, 3), (cold, 8)):
        engine = start(capture_job(clip, output), tmp_path)
        engine.until(at("track", frames))
        engine.stop_for_good()
        (left,) = unfinished_in(tmp_path, "capture")
        assert left.done >= frames - 1
    events = finished(forked(capture_job(clip, output), tmp_path))
    assert output.read_bytes() == undisturbed
    fault_record(
        group="engine",
        fault="The engine killed again while it goes on from an earlier kill",
        done="a capture started three times, the second as a fresh interpreter",
        user_saw=resumed_at(events),
        survived="every tracked frame; the same take, byte for byte",
    )


@pytest.mark.parametrize("how", ["cancel", "leave"])
def test_stopped_politely_it_goes_on_too(how, clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    engine = forked(capture_job(clip, output), tmp_path)
    engine.until(at("track", 5))
    getattr(engine, how)()
    events = engine.finish()
    assert last_of(events)["status"] == "cancelled" and not output.exists()
    kept = next(event["message"] for event in events if event["type"] == "log" and "kept" in event["message"])
    events = finished(forked(capture_job(clip, output), tmp_path))
    assert output.read_bytes() == undisturbed
    faults = {"cancel": "The user cancels in mid-capture", "leave": "The host dies: the engine's input ends"}
    fault_record(
        group="engine",
        fault=faults[how],
        done="a capture, then the same capture again",
        user_saw=f"{kept} Then: {resumed_at(events)}",
        survived="the tracked frames; no process is left; the same take, byte for byte",
    )


@pytest.mark.parametrize("damage", ["records cut off", "records changed", "stand cut off", "state emptied"])
def test_damaged_parts_are_not_trusted(damage, clip, undisturbed, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    engine = forked(capture_job(clip, output), tmp_path)
    engine.until(at("track", 8))
    engine.stop_for_good()
    folder = parts_folder(output)
    records, stand, state = folder / "frames.f64", folder / "checkpoint.npz", folder / "state.json"
    match damage:
        case "records cut off":
            records.write_bytes(records.read_bytes()[:5000])
        case "records changed":
            changed = bytearray(records.read_bytes())
            changed[4000] ^= 255
            records.write_bytes(bytes(changed))
        case "stand cut off":
            stand.write_bytes(stand.read_bytes()[:300])
        case _:
            state.write_bytes(b"")
    events = finished(forked(capture_job(clip, output), tmp_path))
    assert not any("Resuming" in str(event.get("message")) for event in events)
    assert output.read_bytes() == undisturbed
    fault_record(
        group="disk and files",
        fault=f"What a killed capture kept is damaged: {damage}",
        done="the same capture again",
        user_saw="Nothing: it begins anew",
        survived="the same take, byte for byte; nothing of the damaged parts is in it",
    )


@pytest.mark.parametrize("change", ["video", "option", "weights"])
def test_parts_of_something_else_are_thrown_away(change, video, clip, tmp_path: Path, fault_record) -> None:
    output = tmp_path / "take.capture.npz"
    engine = forked(capture_job(video, output), tmp_path)
    engine.until(at("track", 8))
    engine.stop_for_good()
    options = {}
    if change == "video":
        video.write_bytes(video.read_bytes() + b"\0" * 16)
    elif change == "option":
        options = {"face": 0}
    else:
        state = parts_folder(output) / "state.json"
        fields = json.loads(state.read_text())
        fields["identity"]["weights"]["landmarks.safetensors"]["sha256"] = "0" * 64
        state.write_text(json.dumps(fields))
    events = finished(forked(capture_job(video, output, **options), tmp_path))
    said = next(event["message"] for event in events if "not used" in str(event.get("message")))
    assert not any("Resuming" in str(event.get("message")) for event in events)
    fault_record(
        group="disk and files",
        fault={"video": "Another video", "option": "Another option", "weights": "Other weights"}[change]
        + " than the killed capture had",
        done="the same capture again",
        user_saw=said,
        survived="the new take, tracked from its first frame",
    )
