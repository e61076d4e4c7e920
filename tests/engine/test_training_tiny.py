# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole training in small: faces, four nets, the prior, and weights that the engine loads."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("moderngl")
pytest.importorskip("numba")

from fomm_engine.face import weights  # noqa: E402
from fomm_engine.fomm_training.reconstruction import reconstructed  # noqa: E402
from fomm_engine.model.weights import load_networks  # noqa: E402
from fomm_engine.training.__main__ import main  # noqa: E402
from fomm_engine.training.checkpoint import averaged_weights  # noqa: E402
from fomm_engine.training.conditions import CONDITIONS  # noqa: E402
from fomm_engine.training.dataset import FaceSet, FaceSetSettings  # noqa: E402
from fomm_engine.training.generator.clips import ClipSettings  # noqa: E402
from fomm_engine.training.plan import TrainingPlan, run_plan  # noqa: E402
from fomm_engine.wire.errors import UserError  # noqa: E402


@pytest.fixture(scope="module")
def face_model_path(shared_data: Path) -> Path:
    path = shared_data / "face_model" / "ict_facekit.npz"
    if not path.is_file():
        pytest.skip(f"the face model is not there: {path}")
    return path


@pytest.fixture(scope="module")
def plan(face_model_path, tmp_path_factory) -> TrainingPlan:
    faces = FaceSetSettings(shards=2, people_per_shard=3, frames_per_person=2, held_out_shards=1)
    return TrainingPlan(
        face_model=face_model_path,
        out=tmp_path_factory.mktemp("training"),
        minutes=0.2,
        workers=0,
        faces=faces,
        arkit_people=40,
        batch=4,
        held_out=4,
        measured=6,
        first_frames=3,
        condition_people=1,
    )


@pytest.fixture(scope="module")
def trained(plan) -> tuple[TrainingPlan, list[str]]:
    torch.set_num_threads(1)
    lines: list[str] = []
    try:
        run_plan(plan, "all", lines.append)
    except Exception as error:
        if "egl" in str(error).lower() or "display" in str(error).lower():
            pytest.skip(f"no OpenGL here: {error}")
        raise
    return plan, lines


def test_every_stage_ran_and_weights_load(trained):
    plan, lines = trained
    ran = [line.split()[1] for line in lines if line.startswith("stage ")]
    assert ran == ["prior", "faces", "sheets", "landmarks", "regions", "box", "arkit", "export", "measure"]
    figures = [json.loads(line) for line in lines if line.startswith("{")]
    measured = {
        key: figure
        for figure in figures
        for key in ("landmarks", "tracker", "box", "first_frames", "arkit")
        if key in figure
    }
    assert measured["landmarks"]["inner51_percent"] > 0
    assert measured["tracker"]["brows_percent"] > 0
    assert set(measured["box"]["box"]) >= {"failed_percent", "wrong_percent"}
    assert len(measured["arkit"]["arkit"]["r"]) == 51
    assert measured["first_frames"]["first_frames"]["frames"] == 3
    conditions = {figure["condition"]: figure for figure in figures if "condition" in figure}
    assert set(conditions) == set(CONDITIONS)
    assert all(figure["inner51_percent"] > 0 for name, figure in conditions.items() if "turned" not in name)
    sheets = {path.name for path in (plan.out / "sheets").iterdir()}
    assert sheets == {"faces.png", "labels.png", "failures_clean.png", "failures_augmented.png", "curve.png"}
    manifest = json.loads((plan.out / "data" / "manifest.json").read_text())
    assert manifest["seed"] == plan.faces.seed
    assert manifest["measured"]["training"]["identities"] == 3
    assert manifest["measured"]["held_out"]["frames"] == 6
    folder = plan.out / "weights"
    assert torch.isfinite(weights.load_landmark_net(folder)(torch.zeros(1, 3, 128, 128)).points).all()
    assert weights.load_region_nets(folder) is not None
    weights.load_box_net(folder)
    weights.load_arkit_regressor(folder)
    np.testing.assert_allclose(
        weights.load_face_prior(folder).neutral_cm, weights.load_face_prior().neutral_cm, atol=1e-4
    )
    assert (folder / "LICENSE.ict-facekit.txt").read_text().startswith("MIT License")


def test_held_out_people_are_not_trained_on(trained):
    plan, _ = trained
    training, held_out = (FaceSet(plan.out / "data", held_out=value) for value in (False, True))
    assert len(training) == len(held_out) == 6
    assert not set(training.labels.person) & set(held_out.labels.person)


def test_rendered_faces_lie_under_their_labels(trained):
    """Points inside the face fall on drawn pixels, and the right eye lies left of the left one in frontal pictures."""
    faces = FaceSet(trained[0].out / "data", held_out=False)
    for index in range(len(faces)):
        points = faces.labels.points_px[index]
        inside = points[[27, 30, 33, 51, 57]].astype(int)
        inside = inside[((inside >= 0) & (inside < 320)).all(1)]
        assert (faces.picture(index)[inside[:, 1], inside[:, 0], 3] > 128).all()
        facing = faces.labels.rotation[index][2, 2]
        assert facing < 0.5 or points[36, 0] < points[45, 0] or abs(faces.labels.rotation[index][1, 0]) > 0.5


def test_training_is_not_begun_twice_unasked_but_goes_on(trained):
    plan, _ = trained
    with pytest.raises(UserError) as caught:
        run_plan(plan, "box", lambda _: None)
    assert caught.value.code == "training-exists"
    before = weights.weights_table(plan.out / "weights")["box.safetensors"]["sha256"]
    longer = dataclasses.replace(plan, resume=True, minutes=0.07)
    lines: list[str] = []
    run_plan(longer, "box", lines.append)
    run_plan(longer, "export", lines.append)
    assert '"steps": ' in lines[1]
    assert weights.weights_table(plan.out / "weights")["box.safetensors"]["sha256"] != before


def test_missing_face_model_is_one_sentence(tmp_path, capsys):
    status = main(["faces", "--face-model", str(tmp_path / "none.npz"), "--out", str(tmp_path / "out")])
    assert status == 1
    assert "There is no face model" in capsys.readouterr().err


@pytest.fixture(scope="module")
def with_generator(trained) -> tuple[TrainingPlan, list[str]]:
    plan = dataclasses.replace(trained[0], minutes=0.05, clips=ClipSettings(people=3, frames=3, held_out=1))
    lines: list[str] = []
    for stage in ("clips", "generator", "judge"):
        run_plan(plan, stage, lines.append)
    return plan, lines


def test_the_generator_is_trained_judged_and_animates(with_generator):
    plan, lines = with_generator
    networks = load_networks(plan.out / "generator.safetensors")
    assert networks.config.keypoint_detector.kind == "anatomical"
    rows = {row["way"]: row for row in (json.loads(line) for line in lines if '"way"' in line)}
    assert set(rows) == {"copy", "warp", "generator"}
    assert rows["copy"]["sharpness"] > 0.5 > rows["generator"]["sharpness"]  # after seconds it paints nothing
    assert json.loads(lines[-1])["wins"] is False
    assert (plan.out / "sheets" / "generator.png").is_file()
    source = np.zeros((128, 128, 3), np.uint8)
    assert reconstructed(networks, source, source[None]).shape == (1, 128, 128, 3)


def test_the_generator_goes_on_and_a_second_start_is_refused(with_generator):
    plan, _ = with_generator
    with pytest.raises(UserError, match="earlier training"):
        run_plan(plan, "generator", lambda _: None)
    before = averaged_weights(plan.out / "generator.checkpoint.safetensors")[1]
    longer = dataclasses.replace(plan, minutes=before.elapsed_s / 60 + 0.02, resume=True)
    run_plan(longer, "generator", lambda _: None)
    after = averaged_weights(plan.out / "generator.checkpoint.safetensors")[1]
    assert after.steps > before.steps and after.starts == before.starts + 1


def test_a_stage_without_its_clips_says_which_comes_first(plan, tmp_path):
    with pytest.raises(UserError, match="stage clips first"):
        run_plan(dataclasses.replace(plan, out=tmp_path / "none"), "generator", lambda _: None)
