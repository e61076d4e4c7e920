# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line for people: help, exit codes, and jobs that say what was typed."""

from pathlib import Path
from typing import Any

import pytest

from fomm_engine import cli
from fomm_engine.cli import COMMANDS, main
from fomm_engine.wire.job import Job
from fomm_engine.wire.names import JOB_KINDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert COMMANDS[name].help in said and cli.EXIT_CODES in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["capture", "none.mp4", "-o", "a.capture.npz"],
        ["train", "none", "-o", "a.safetensors"],
        ["train", ".", "-o", "a.pth"],
        ["reconstruct", "none", "--weights", "none.safetensors", "-o", "a.json"],
        ["convert", "none.pth.tar", "a.safetensors"],
        ["models", "import", "none.pth.tar", "--name", "vox"],
        ["models", "path", "nothing"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_input_that_cannot_be_used_is_one_sentence_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "models"))
    assert main(arguments) == 2
    said = capfd.readouterr().err
    assert "Traceback" not in said and said.strip().count("\n") <= 1
    assert not list(tmp_path.glob("a.*"))


def test_a_wrong_word_is_2_and_a_fault_of_our_own_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["traim"])
    assert ended.value.code == 2

    def broken(job: Job, sink: Any, reporter: Any) -> int:
        sink.emit("failed", code="engine-bug", message="It broke.", hint="Please report it.", detail="Traceback ...\n")
        return 1

    monkeypatch.setattr(cli, "run_job", broken)
    assert main(["doctor", "-o", str(tmp_path / "doctor.json")]) == 1
    assert capfd.readouterr().err.endswith("It broke. Please report it.\nTraceback ...\n")


def test_what_is_typed_reaches_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs: list[Job] = []

    def remembered(job: Job, sink: Any, reporter: Any) -> int:
        jobs.append(job)
        sink.emit("done", status="cancelled", output=job.output, sha256="", seconds=0.0)
        return 0

    monkeypatch.setattr(cli, "run_job", remembered)
    typed = [
        "train",
        "clips",
        "-o",
        "m.safetensors",
        "--config",
        "own.yaml",
        "--steps",
        "7",
        "--resume",
        "--vgg19",
        "v",
    ]
    assert main(typed) == cli.INTERRUPTED
    assert main(["models", "--folder", "f", "download", "vox", "--accept-licence"]) == cli.INTERRUPTED
    assert main(["capture", "v.mp4", "-o", "t.capture.npz", "--landmarks", "auto"]) == cli.INTERRUPTED
    train, models, capture = jobs
    assert {job.kind for job in jobs} <= set(JOB_KINDS)
    assert train.input == {"data": str(tmp_path / "clips"), "vgg19": str(tmp_path / "v")}
    assert train.options["config"] == str(tmp_path / "own.yaml")
    assert (train.options["steps"], train.options["resume"]) == (7, True)
    wanted = {"action": "download", "name": "vox", "accept_licence": True, "folder": str(tmp_path / "f")}
    assert wanted.items() <= models.options.items()
    assert capture.options["landmarks"] == "auto"
