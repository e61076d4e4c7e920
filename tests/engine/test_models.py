# SPDX-License-Identifier: GPL-3.0-or-later
"""Published weights: downloaded from good and bad servers, imported, verified, told apart, converted."""

import hashlib
import json
import re
import urllib.error
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from web_server import Behaviour, serving

from fomm_engine.cli import main
from fomm_engine.jobs import models as job_of_models
from fomm_engine.model.checkpoint_file import read_checkpoint
from fomm_engine.model.config import GeneratorSettings, HourglassSettings, KeypointSettings, ModelConfig, MotionSettings
from fomm_engine.model.weights import load_networks, new_networks
from fomm_engine.models import download
from fomm_engine.models.download import DownloadSettings, SourceError, check_address
from fomm_engine.models.folder import VARIABLE, models_folder, read_pins
from fomm_engine.models.identify import PUBLISHED, identified
from fomm_engine.models.store import Store, weights_path
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job
from fomm_engine.wire.model_table import Entry, Known, Source, find_entry, named_entry, read_table

SMALL = ModelConfig(
    "small",
    keypoint_detector=KeypointSettings(HourglassSettings(4, 8, 2)),
    dense_motion=MotionSettings(HourglassSettings(4, 8, 2)),
    generator=GeneratorSettings(4, 8, 1, 1),
)
QUICK = DownloadSettings(tries=4, timeout_s=5, pause_s=0, piece=1 << 12)


class Ears:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def emit(self, kind: str, **fields: Any) -> None:
        self.heard.append((kind, fields))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in the official form, of a small network."""
    torch.set_num_threads(1)
    torch.manual_seed(3)
    made = new_networks(SMALL)
    path = tmp_path_factory.mktemp("weights") / "vox-cpk.pth.tar"
    torch.save({"generator": made.generator.state_dict(), "kp_detector": made.kp_detector.state_dict()}, path)
    return path


def entry_of(*sources: Source, known: tuple[Known, ...] = ()) -> Entry:
    return Entry("vox", "fomm", "vox-256", "vox-cpk.pth.tar", "faces", True, 200_000, "Ask first.", known, sources)


def store_of(folder: Path, *sources: Source, known: tuple[Known, ...] = ()) -> tuple[Store, Entry]:
    entry = entry_of(*sources, known=known)
    return Store(folder / "models", {entry.name: entry}, QUICK), entry


def source(url: str, **fields: Any) -> Source:
    return Source("direct", url, "a test", **fields)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_table_holds_all_eight_with_licence_and_the_original_source() -> None:
    table = read_table()
    assert set(PUBLISHED) <= set(table)
    for entry in table.values():
        assert entry.licence and entry.sources and entry.size_about > 1e6
        assert all(item.url.startswith("https://") for item in entry.sources)
    for name in PUBLISHED:
        assert any("yadi.sk/d/lEw8uRm140L_eQ" in item.url for item in table[name].sources)
    assert table["vox"].known[0].sha256.startswith("abb41ab1") and table["vox"].known[0].size == 728_766_691
    assert [find_entry(text, table) for text in ("vox-adv", "vox-adv-256", "x/vox-adv-cpk.pth.tar")] == [
        table["vox-adv"]
    ] * 3
    with pytest.raises(UserError, match="There are: vox, vox-adv"):
        named_entry("voxx", table)


def test_a_download_is_checked_pinned_and_said(tmp_path: Path, checkpoint: Path) -> None:
    behaviour = Behaviour(checkpoint.read_bytes())
    with serving(behaviour) as address:
        store, entry = store_of(tmp_path, source(address + "/file"))
        seen: list[tuple[str, int, int | None, str]] = []
        notes = store.download(entry, accepted=True, progress=lambda *told: seen.append(told))
        again = store.download(entry, accepted=True)
    assert store.path(entry).read_bytes() == checkpoint.read_bytes()
    assert "No checksum of it is published" in notes[1] and sha256(checkpoint) in notes[1]
    assert store.state(entry) == "pinned" and "here already" in again[0] and len(behaviour.asked) == 1
    assert [path.name for path in store.path(entry).parent.iterdir()] == [entry.file]
    assert {stage for stage, *_ in seen} >= {"download", "verify", "check"}
    assert any("MB/s" in message and "left" in message for *_, message in seen)
    assert "unchanged since it came" in store.verify(entry)


def test_nothing_is_downloaded_without_consent(tmp_path: Path, checkpoint: Path) -> None:
    behaviour = Behaviour(checkpoint.read_bytes())
    with serving(behaviour) as address:
        store, entry = store_of(tmp_path, source(address + "/file"))
        with pytest.raises(UserError, match="Ask first") as caught:
            store.download(entry, accepted=False)
    assert caught.value.code == "licence-not-accepted"
    assert not behaviour.asked


def test_a_transfer_that_breaks_off_goes_on_where_it_was(tmp_path: Path, checkpoint: Path) -> None:
    content = checkpoint.read_bytes()
    behaviour = Behaviour(content, break_after=[10_000, 5_000])
    with serving(behaviour) as address:
        store, entry = store_of(tmp_path, source(address + "/file"))
        store.download(entry, accepted=True)
    assert [wanted for _, wanted in behaviour.asked] == ["", "bytes=10000-", "bytes=15000-"]
    assert store.path(entry).read_bytes() == content


def test_a_stopped_download_goes_on_next_time(tmp_path: Path, checkpoint: Path) -> None:
    behaviour = Behaviour(checkpoint.read_bytes())

    def stop(stage: str, current: int, total: int | None, message: str) -> None:
        raise Cancelled("stop")

    with serving(behaviour) as address:
        store, entry = store_of(tmp_path, source(address + "/file"))
        with pytest.raises(Cancelled):
            store.download(entry, accepted=True, progress=stop)
        assert store.state(entry) == "absent"
        store.download(entry, accepted=True)
    assert behaviour.asked[1][1] == f"bytes={QUICK.piece}-"
    assert store.path(entry).read_bytes() == checkpoint.read_bytes()


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(tmp_path: Path, checkpoint: Path) -> None:
    behaviour = Behaviour(bytes(50_000), break_after=[10_000])
    with serving(behaviour) as address:
        store, entry = store_of(tmp_path, source(address + "/file"))
        with pytest.raises(UserError):
            Store(store.folder, store.table, replace(QUICK, tries=1)).download(entry, accepted=True)
        behaviour.content, behaviour.tag = checkpoint.read_bytes(), '"two"'
        store.download(entry, accepted=True)
    assert store.path(entry).read_bytes() == checkpoint.read_bytes()


def test_mirrors_are_tried_in_order_until_one_is_right(tmp_path: Path, checkpoint: Path) -> None:
    known = Known("official", sha256=sha256(checkpoint))
    behaviour = Behaviour(checkpoint.read_bytes())
    with serving(behaviour) as address:
        bad = [source(f"{address}/{word}", known="official") for word in ("gone", "page", "wrong", "insecure")]
        store, entry = store_of(tmp_path, *bad, source(address + "/moved", known="official"), known=(known,))
        notes = store.download(entry, accepted=True)
    assert [path for path, _ in behaviour.asked] == ["/gone", "/page", "/wrong", "/insecure", "/moved", "/file"]
    assert "checksum is that of the published file (official)" in notes[1]
    assert store.state(entry) == "known" and "the published file (official)" in store.verify(entry)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("gone", "the server answers 404"),
        ("busy", "broke off 4 times .*503"),
        ("page", "a web page instead of the file"),
        ("wrong", "checksum is not that of the published file"),
        ("liar", "it should have"),
        ("insecure", "http://example.com is not a secure address"),
    ],
)
def test_a_bad_server_is_named_with_its_fault(tmp_path: Path, checkpoint: Path, word: str, says: str) -> None:
    known = Known("official", size=checkpoint.stat().st_size, sha256=sha256(checkpoint))
    with serving(Behaviour(checkpoint.read_bytes())) as address:
        page = Source("page", "https://example.com/by-hand", "a page")
        store, entry = store_of(tmp_path, source(f"{address}/{word}", known="official"), page, known=(known,))
        with pytest.raises(UserError, match=says) as caught:
            store.download(entry, accepted=True)
    assert caught.value.code == "download-failed"
    assert "https://example.com/by-hand" in caught.value.hint and "import" in caught.value.hint
    assert store.state(entry) == "absent" and not read_pins(store.folder)


def test_a_size_that_is_a_lie_is_not_believed(tmp_path: Path, checkpoint: Path) -> None:
    """Nothing is known of the file: the server promises a thousand bytes more than it ever sends."""
    with serving(Behaviour(checkpoint.read_bytes())) as address:
        store, entry = store_of(tmp_path, source(address + "/liar"))
        with pytest.raises(UserError, match="broke off 4 times"):
            store.download(entry, accepted=True)
    assert store.state(entry) == "absent"


def test_bytes_that_are_no_checkpoint_are_not_kept(tmp_path: Path) -> None:
    with serving(Behaviour(b"\x00" * 40_000)) as address:
        store, entry = store_of(tmp_path, source(address + "/file"))
        with pytest.raises(UserError, match="is not a checkpoint that can be read"):
            store.download(entry, accepted=True)
    assert not list(store.path(entry).parent.iterdir())


def test_yandex_is_asked_for_the_files_address(tmp_path: Path, checkpoint: Path) -> None:
    behaviour = Behaviour(checkpoint.read_bytes())
    with serving(behaviour) as address:
        yandex = Source("yandex", "https://yadi.sk/d/abc", "Yandex", path="/vox-cpk.pth.tar", api=address + "/api")
        store, entry = store_of(tmp_path, yandex)
        store.download(entry, accepted=True)
    query = "public_key=https%3A%2F%2Fyadi.sk%2Fd%2Fabc&path=%2Fvox-cpk.pth.tar"
    assert [path for path, _ in behaviour.asked] == [f"/api?{query}", "/file/x?key=1"]


def test_offline_is_said_in_a_sentence_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*arguments: object, **named: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(download.urllib.request.OpenerDirector, "open", no_network)
    store = Store(tmp_path, read_table(), QUICK)
    with pytest.raises(UserError) as caught:
        store.download(store.table["vox-adv"], accepted=True)
    assert caught.value.code == "offline" and "seems to be offline" in caught.value.message
    assert "https://yadi.sk" in caught.value.hint and "import" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["http://example.com/a", "ftp://127.0.0.1/a", "file:///etc/passwd", "http://127.0.0.1.evil/"]
)
def test_addresses_without_tls_are_refused(url: str) -> None:
    with pytest.raises(SourceError, match="not a secure address"):
        check_address(url)
    check_address("https://example.com/a")
    check_address("http://localhost:80/a")


def test_import_guesses_the_name_pins_and_notices_a_change(tmp_path: Path, checkpoint: Path) -> None:
    ears = Ears()
    options = {"action": "import", "folder": str(tmp_path / "models")}
    job = Job("models", {"file": str(checkpoint)}, str(tmp_path / "answer.json"), options)
    answer = json.loads(job_of_models.run(job, Reporter(ears, CancelFlag())).read_text())
    row = next(row for row in answer["models"] if row["name"] == "vox")
    assert row["state"] == "pinned" and Path(row["path"]).read_bytes() == checkpoint.read_bytes()
    assert "none of the files whose checksums are known" in " ".join(answer["notes"])  # it is not the real vox
    store = Store(tmp_path / "models", read_table(), QUICK)
    entry = store.table["vox"]
    with store.path(entry).open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"changed!")
    assert store.state(entry) == "pinned"  # at a glance
    with pytest.raises(UserError, match="Remove it") as caught:
        store.verify(entry)
    assert caught.value.code == "weights-damaged"
    assert store.remove(entry) == "vox is removed." and store.state(entry) == "absent"
    assert not read_pins(store.folder)


def test_what_does_not_fit_is_not_imported(tmp_path: Path, checkpoint: Path) -> None:
    tree = torch.load(checkpoint, weights_only=True)
    del tree["generator"]["final.bias"]
    torch.save(tree, tmp_path / "mine.pth.tar")
    store, entry = store_of(tmp_path)
    with pytest.raises(UserError, match=r"1 missing: final\.bias"):
        store.bring_in(tmp_path / "mine.pth.tar", entry)
    assert store.state(entry) == "absent" and not list(store.path(entry).parent.iterdir())


def test_weights_are_found_by_file_and_by_name_and_never_fetched(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "from environment"))
    assert models_folder() == tmp_path / "from environment"
    assert models_folder(tmp_path / "chosen") == tmp_path / "chosen"
    assert weights_path(str(checkpoint)) == checkpoint
    with pytest.raises(UserError, match="models download vox") as caught:
        weights_path("vox-256")
    assert caught.value.code == "weights-not-here"
    store = Store()
    store.bring_in(checkpoint, store.table["vox"])
    assert weights_path("vox-256") == store.path(store.table["vox"])
    store.bring_in(checkpoint, store.table["vox-adv-slim"])
    assert weights_path("vox-adv") == store.path(store.table["vox-adv-slim"])  # the same pictures
    with pytest.raises(UserError, match="There is no weights file nothing"):
        weights_path("nothing")


def whole_checkpoint(model: str, folder: Path) -> Path:
    """What the original's training of `model` leaves behind, in small, under a name that says nothing."""
    spectral, keypoints = model in ("vox", "nemo", "mgif", "bair"), model.endswith("adv")
    maps = 1 if model == "mgif" else 10
    weight = torch.zeros(32, 13 if keypoints else 3, 4, 4)
    key = "discs.1.down_blocks.0.conv.weight"
    ran = model not in ("vox", "taichi")
    rate = 0.0 if model == "taichi-adv" else 2e-4
    tree = {
        "kp_detector": {"kp.weight": torch.zeros(10, 4, 7, 7), "jacobian.weight": torch.zeros(4 * maps, 4, 7, 7)},
        "generator": {"first.conv.weight": torch.zeros(1)},
        "discriminator": {key + "_orig" if spectral else key: weight},
        "optimizer_discriminator": {"state": {0: {"step": 3}} if ran else {}, "param_groups": []},
        "optimizer_kp_detector": {"state": {}, "param_groups": [{"lr": rate / 10, "initial_lr": rate}]},
        "epoch": {"vox-adv": 149, "bair": 19}.get(model, 99),
    }
    torch.save(tree, folder / "unnamed.pth.tar")
    return folder / "unnamed.pth.tar"


@pytest.mark.parametrize("model", PUBLISHED)
def test_a_training_checkpoint_says_which_model_it_is(tmp_path: Path, model: str) -> None:
    found = identified(read_checkpoint(whole_checkpoint(model, tmp_path)))
    # nemo's epochs and bair's differ, but an early checkpoint of nemo could be either
    assert model in found.candidates and len(found.candidates) <= (2 if model == "bair" else 1)
    assert found.reasons


def test_a_slim_checkpoint_is_known_by_its_name_alone(checkpoint: Path) -> None:
    found = identified(read_checkpoint(checkpoint))
    assert set(found.candidates) == set(PUBLISHED) - {"mgif"} and found.model == "vox"


@pytest.mark.parametrize("half", [False, True])
def test_conversion_keeps_the_weights_and_says_what_it_did(
    tmp_path: Path, checkpoint: Path, half: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "small.safetensors"
    assert main(["convert", str(checkpoint), str(target), *(["--half"] if half else [])]) == 0
    said = capfd.readouterr().err
    assert "Form: torch zip." in said and "Model: vox" in said and "down.weight: computed" in said
    before, after = load_networks(checkpoint), load_networks(target)
    for name, value in before.generator.state_dict().items():
        assert torch.allclose(value, after.generator.state_dict()[name], atol=1e-3 if half else 0, rtol=1e-3 * half)
    assert read_checkpoint(target).metadata["sha256_of_original"] == sha256(checkpoint)
    assert target.stat().st_size < checkpoint.stat().st_size * (0.6 if half else 1)


def test_the_command_line_lists_finds_and_refuses(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = ["models", "--folder", str(tmp_path / "m")]
    assert main([*folder, "list"]) == 0
    assert re.search(r"^vox-adv-slim +239 MB +- +vox-adv without", capfd.readouterr().out, re.MULTILINE)
    assert main([*folder, "path"]) == 0
    assert capfd.readouterr().out == f"{tmp_path / 'm'}\n"
    assert main([*folder, "path", "vox"]) == 2
    assert "models download vox" in capfd.readouterr().err
    assert main([*folder, "download", "vox"]) == 2  # nobody at the terminal to ask
    said = capfd.readouterr().err
    assert "MIT" in said and "--accept-licence" in said
    assert not (tmp_path / "m").exists()
