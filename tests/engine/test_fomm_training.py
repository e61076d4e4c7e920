# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of FOMM: its losses, its order of pictures, going on to the same numbers, and what it leaves behind."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from moving_blobs import blob_frames, write_blobs

from fomm_engine.fomm_training.augment import augmented
from fomm_engine.fomm_training.clips import ClipReader, find_clips
from fomm_engine.fomm_training.discriminator import Discriminator
from fomm_engine.fomm_training.measures import FaceMeasure, l1, ssim
from fomm_engine.fomm_training.pairs import PairPlan, batches, entries_of
from fomm_engine.fomm_training.perceptual import VggFeatures, features_of, perceptual_loss
from fomm_engine.fomm_training.transform import RandomTransform
from fomm_engine.jobs import animate, reconstruct, train
from fomm_engine.model.checkpoint_file import read_checkpoint
from fomm_engine.model.config import named_config
from fomm_engine.model.fomm import Fomm
from fomm_engine.model.strict_tree import tree_of
from fomm_engine.model.training_settings import AugmentSettings, TransformSettings
from fomm_engine.model.weights import load_networks
from fomm_engine.stdio import CancelFlag, Reporter
from fomm_engine.wire.errors import Cancelled, UserError
from fomm_engine.wire.job import Job

TINY: dict[str, Any] = {
    "name": "tiny",
    "image_size": 32,
    "keypoints": 4,
    "keypoint_detector": {"hourglass": {"width": 8, "max_width": 16, "blocks": 2}, "scale": 0.5},
    "dense_motion": {"hourglass": {"width": 8, "max_width": 16, "blocks": 2}, "scale": 0.5},
    "generator": {"width": 8, "max_width": 16, "down_blocks": 1, "residual_blocks": 1},
    "training": {
        "epochs": 3,
        "repeats": 4,
        "batch": 4,
        "milestones": [2],
        "learning_rate": 0.002,
        "id_sampling": True,
        "losses": {"scales": [1.0, 0.5]},
        "discriminator": {"width": 4, "max_width": 8, "blocks": 2},
    },
}
ADVERSARY = {
    "plain": {"losses": {"scales": [1.0], "generator_gan": 1.0, "feature_matching": [10.0, 10.0]}},
    "spectral": {"discriminator": {"width": 4, "max_width": 8, "blocks": 2, "spectral_norm": True}},
    "keypoints": {"discriminator": {"width": 4, "max_width": 8, "blocks": 2, "use_keypoints": True}},
}


class Ears:
    """A sink that remembers, and can ask to stop after some steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.cancel = CancelFlag()
        self._stop_after = stop_after

    def emit(self, kind: str, **fields: Any) -> None:
        self.heard.append((kind, fields))
        if kind == "progress" and fields["stage"] == "train" and fields["current"] == self._stop_after:
            self.cancel.set()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_blobs(tmp_path_factory.mktemp("training") / "clips")


def config_file(folder: Path, **training: Any) -> str:
    tree = {**TINY, "training": {**TINY["training"], **training}}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tree), encoding="ascii")
    return str(folder / "tiny.yaml")


def trained(folder: Path, data: Path, name: str, ears: Ears | None = None, **options: Any) -> Path:
    """The training's checkpoint."""
    config = options.pop("config", None) or config_file(folder)
    ears = ears or Ears()
    job = Job("train", {"data": str(data)}, str(folder / f"{name}.safetensors"), {"config": config, **options})
    train.run(job, Reporter(ears, ears.cancel))
    return folder / f"{name}.training" / "checkpoint.safetensors"


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    file = read_checkpoint(path)
    flat = {f"{name}.{key}": value for name, state in file.modules.items() for key, value in state.items()}
    return {**flat, **file.rest}


@pytest.mark.parametrize("kind", ["without", "spectral", "keypoints"])
def test_going_on_ends_with_the_same_numbers_bit_for_bit(tmp_path: Path, data: Path, kind: str) -> None:
    training = {} if kind == "without" else {**ADVERSARY["plain"], **ADVERSARY[kind]}
    config = config_file(tmp_path, **training)
    at_once = tensors_of(trained(tmp_path, data, "once", config=config, steps=6))
    trained(tmp_path, data, "twice", config=config, steps=3)
    config_file(tmp_path, learning_rate=1.0)  # it goes on with its own config, whatever the file says now
    twice = tensors_of(trained(tmp_path, data, "twice", config=config, steps=6, resume=True))
    assert at_once.keys() == twice.keys()
    assert any(key.startswith("adam_generator.exp_avg.") for key in at_once)
    assert any(key.startswith("discriminator.") for key in at_once) == (kind != "without")
    assert all(torch.equal(value, twice[key]) for key, value in at_once.items())
    three = tensors_of(trained(tmp_path, data, "three", config=config_file(tmp_path, **training), steps=3))
    assert not torch.equal(three["generator.final.weight"], at_once["generator.final.weight"])


def test_the_loss_falls_and_the_model_is_read_by_animate(tmp_path: Path, data: Path) -> None:
    ears = Ears()
    trained(tmp_path, data, "model", ears, steps=60, look_every=30, perceptual="filters")
    figures = [json.loads(line) for line in (tmp_path / "model.training" / "figures.jsonl").read_text().splitlines()]
    assert [row["step"] for row in figures] == [1, 30, 60]
    total = [row["perceptual"] + row["equivariance_value"] + row["equivariance_jacobian"] for row in figures]
    assert total[-1] < 0.75 * total[0]
    assert figures[-1]["held_out_l1"] < 0.75 * figures[0]["held_out_l1"]
    assert figures[-1]["held_out_ssim"] > figures[0]["held_out_ssim"]
    assert any("substitute for VGG19" in fields.get("message", "") for _, fields in ears.heard)
    for path in (tmp_path / "model.safetensors", tmp_path / "model.training" / "checkpoint.safetensors"):
        engine = Fomm(load_networks(path), path="plain")
        assert engine.networks.config.keypoint_detector.scale == 0.5  # what no shape says
        frames = blob_frames(9)
        painted = engine.paint(engine.prepare(frames[0]), engine.keypoints(frames[3])).image
        assert painted.shape == (32, 32, 3)
    preview = cv2.imread(str(tmp_path / "model.training" / "previews" / "step_0000060.png"))
    assert preview is not None
    assert preview.shape == (4 * 32, (6 + 2 * 5) * 32, 3)  # six columns, then two for each of four parts and the wall


def test_the_animate_job_runs_what_training_wrote(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model, and the checkpoint of a training that is not over."""
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "models"))
    checkpoint = trained(tmp_path, data, "model", steps=1)
    cv2.imwrite(str(tmp_path / "source.png"), blob_frames(9)[0][..., ::-1])
    inputs = {"source": str(tmp_path / "source.png"), "driving": str(next(data.glob("*.mp4")))}
    options = {"source_crop": "whole", "driving_crop": "whole", "size": 64}
    for weights in (tmp_path / "model.safetensors", checkpoint):
        job = Job("animate", inputs, str(tmp_path / f"{weights.stem}.mp4"), options, str(weights))
        film = animate.run(job, Reporter(Ears(), CancelFlag()))
        assert ClipReader(64).frames(film).shape == (6, 64, 64, 3)


def test_a_stopped_training_keeps_what_it_learned_and_is_not_begun_twice(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fomm_engine.stdio.PROGRESS_INTERVAL_S", 0.0)  # every step is heard, however fast it is
    ears = Ears(stop_after=2)
    with pytest.raises(Cancelled):
        trained(tmp_path, data, "a", ears, steps=9)
    assert not (tmp_path / "a.safetensors").exists()
    assert "goes on with resume" in ears.heard[-1][1]["message"]
    with pytest.raises(UserError) as caught:
        trained(tmp_path, data, "a", steps=9)
    assert caught.value.code == "training-exists"
    resumed = Ears()
    trained(tmp_path, data, "a", resumed, steps=5, resume=True)
    steps = [fields["current"] for kind, fields in resumed.heard if kind == "progress" and fields["stage"] == "train"]
    assert steps[0] == 4 and steps[-1] == 5  # the step under way when it was stopped was still made
    with pytest.raises(UserError) as caught:
        trained(tmp_path, data, "b", resume=True)
    assert caught.value.code == "training-missing"


def test_training_starts_from_given_weights(tmp_path: Path, data: Path) -> None:
    checkpoint = trained(tmp_path, data, "a", steps=2)
    output = str(tmp_path / "b.safetensors")
    options = {"config": config_file(tmp_path, learning_rate=1e-9, keypoint_learning_rate=0), "steps": 1}
    train.run(Job("train", {"data": str(data)}, output, options, str(checkpoint)), Reporter(Ears(), CancelFlag()))
    before, after = load_networks(checkpoint), load_networks(Path(output))
    assert torch.allclose(before.generator.final.weight, after.generator.final.weight, atol=1e-6)
    other = Job("train", {"data": str(data)}, str(tmp_path / "c.safetensors"), {"config": "vox-256"}, str(checkpoint))
    with pytest.raises(UserError, match="of another shape"):
        train.run(other, Reporter(Ears(), CancelFlag()))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"perceptual": "vgg"}, "Use vgg19, faces, filters"),
        ({"device": "tpu"}, "There is: cpu"),
        ({"config": "nothing"}, "There are: bair-256"),
        ({"perceptual": "vgg19"}, "models download vgg19"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, data: Path, options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "none"))
    with pytest.raises(UserError) as caught:
        trained(tmp_path, data, "a", **options)
    assert says in str(caught.value)


def test_clips_are_found_split_and_grouped(tmp_path: Path, data: Path) -> None:
    found = find_clips(data)
    assert len(found.train) == 4 and len(found.test) == 1 and not set(found.train) & set(found.test)
    assert find_clips(data) == found
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        row = np.concatenate(blob_frames(3), axis=1)
        cv2.imwrite(str(tmp_path / part / f"id1#{part}.png"), row[..., ::-1])
    given = find_clips(tmp_path)
    assert [path.name for path in given.test] == ["id1#test.png"]
    assert np.array_equal(ClipReader(32).frames(given.test[0]), np.stack(blob_frames(3)))
    grouped = entries_of((Path("a#1.mp4"), Path("b.mp4"), Path("a#2.mp4")), id_sampling=True)
    assert grouped == ((Path("a#1.mp4"), Path("a#2.mp4")), (Path("b.mp4"),))
    with pytest.raises(UserError) as caught:
        find_clips(tmp_path / "train")
    assert caught.value.code == "data-empty"


def test_the_order_of_pictures_follows_from_seed_and_step(data: Path) -> None:
    entries = entries_of(find_clips(data).train, id_sampling=False)
    plan = PairPlan(entries, 32, 2, 2, 7, AugmentSettings())
    stream, later = batches(plan, 0), batches(plan, 5)  # four batches an epoch: five lie in the second
    for _ in range(5):
        next(stream)
    ours, theirs = next(stream), next(later)
    assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])
    other = next(batches(replace(plan, seed=8), 5))
    assert not torch.equal(ours[0], other[0])


def test_a_pair_varies_alike() -> None:
    frames = np.stack(blob_frames(1))[:2].astype(np.float32) / 255
    same = np.stack([frames[0], frames[0]])
    for seed in range(6):
        changed = augmented(same, np.random.default_rng(seed), AugmentSettings(hue=0.5, zoom=0.1))
        assert np.array_equal(changed[0], changed[1]) and changed.shape == same.shape
        assert changed.min() >= 0 and changed.max() <= 1 and not np.array_equal(changed, same)
    still = AugmentSettings(False, False, 0, 0, 0, 0)
    assert np.array_equal(augmented(frames, np.random.default_rng(0), still), frames)


def test_the_transforms_jacobian_is_its_derivative() -> None:
    draw = torch.Generator().manual_seed(1)
    transform = RandomTransform(2, TransformSettings(0.1, 0.05, 5), draw, torch.device("cpu"))
    points = torch.rand(2, 7, 2, generator=draw, dtype=torch.float64) * 1.6 - 0.8
    transform.affine, transform.weights = transform.affine.double(), transform.weights.double()
    transform.control = transform.control.double()
    found = transform.jacobian(points)
    for axis in (0, 1):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = 1e-6
        slope = (transform.points(points + step) - transform.points(points - step)) / 2e-6
        assert torch.allclose(found[..., axis], slope, atol=1e-5)


def test_a_transform_moves_the_picture_as_it_moves_points() -> None:
    """What is seen at z in the deformed picture stood at points(z): a dot is found where the map says."""
    draw = torch.Generator().manual_seed(4)
    transform = RandomTransform(1, TransformSettings(0.1, 0.02, 5), draw, torch.device("cpu"))
    y, x = torch.meshgrid(torch.linspace(-1, 1, 65), torch.linspace(-1, 1, 65), indexing="ij")
    ramps = torch.stack([x, y, x * 0])[None]
    seen = transform.image(ramps)[0, :2, 20:45, 20:45]
    grid = torch.stack([x, y], -1)[20:45, 20:45].reshape(1, -1, 2)
    expected = transform.points(grid)[0].T.reshape(2, 25, 25)
    inside = expected.abs().amax(0) < 0.95
    assert inside.float().mean() > 0.9
    assert torch.allclose(seen[:, inside], expected[:, inside], atol=1e-4)


def test_the_discriminator_is_the_published_one() -> None:
    """Parameter counts of the original: 2,758,849, and 2,769,089 with keypoints."""
    counts = {}
    for name in ("taichi-256", "vox-adv-256"):
        judge = Discriminator(named_config(name))
        counts[name] = sum(parameter.numel() for parameter in judge.parameters())
        assert "discs.1.down_blocks.3.norm.weight" in judge.state_dict()
    assert counts == {"taichi-256": 2_758_849, "vox-adv-256": 2_769_089}
    assert "discs.1.down_blocks.0.conv.weight_orig" in Discriminator(named_config("vox-256")).state_dict()


def test_vgg19_is_read_from_torchvisions_file_and_compared_layer_by_layer(tmp_path: Path) -> None:
    """A stand-in with the names and shapes of the real file: relu5_1 is the thirteenth convolution, at 1/16."""
    widths = [64, 64, 128, 128, *[256] * 4, *[512] * 8]
    places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    state, width = {}, 3
    for place, wide in zip(places, widths, strict=True):
        state[f"features.{place}.weight"] = torch.randn(wide, width, 3, 3) * (2 / (9 * width)) ** 0.5
        state[f"features.{place}.bias"] = torch.zeros(wide)
        width = wide
    torch.save({**state, "classifier.0.bias": torch.zeros(1)}, tmp_path / "vgg19-dcbf9e9d.pth")
    vgg = VggFeatures(tmp_path / "vgg19-dcbf9e9d.pth")
    image = torch.rand(1, 3, 32, 32)
    found = vgg(image)
    shapes = [tuple(level.shape[1:]) for level in found]
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    normal = (image - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    first = torch.relu(torch.nn.functional.conv2d(normal, state["features.0.weight"], padding=1))
    assert torch.allclose(found[0], first, atol=1e-5)
    assert perceptual_loss(vgg, image, image, (10,) * 5) == 0
    torch.save({"features.0.weight": state["features.0.weight"]}, tmp_path / "part.pth")
    with pytest.raises(UserError, match="is not VGG19"):
        VggFeatures(tmp_path / "part.pth")


@pytest.mark.parametrize("kind", ["faces", "filters"])
def test_a_substitutes_loss_grows_with_the_difference_and_has_a_gradient(kind: Any) -> None:
    features = features_of(kind)
    real = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    near = (real + 0.02).requires_grad_()
    loss = perceptual_loss(features, near, real, (10.0,) * 5)
    loss.backward()
    assert 0 < loss < perceptual_loss(features, real.flip(3), real, (10.0,) * 5)
    assert near.grad is not None and near.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_measures_are_right_where_the_answer_is_known() -> None:
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert l1(black, white) == 1 and l1(noise, noise) == 0
    assert ssim(noise, noise) == pytest.approx(1) and ssim(noise, 255 - noise) < 0 and ssim(black, white) < 0.01
    points = np.zeros((68, 2))
    assert FaceMeasure.distance(points, points + np.array([3, 4]), 128) == pytest.approx(10)


def test_reconstruct_measures_and_films_held_out_clips(tmp_path: Path, data: Path) -> None:
    checkpoint = trained(tmp_path, data, "a", steps=2)
    ears = Ears()
    job = Job("reconstruct", {"data": str(data)}, str(tmp_path / "report.json"), {}, str(checkpoint))
    report = json.loads(reconstruct.run(job, Reporter(ears, ears.cancel)).read_text())
    held_out = find_clips(data).test
    assert set(report["clips"]) == {clip.name for clip in held_out}
    row = report["clips"][held_out[0].name]
    assert row["frames"] == 6 and row["l1"] == report["l1"] and 0 < row["l1"] < 1
    assert row["akd"] is None and row["mkr"] is None  # blobs have no face
    frames = ClipReader(32).frames(held_out[0])
    assert row["l1_of_standing_still"] == pytest.approx(np.mean([l1(frames[0], frame) for frame in frames]))
    assert "AKD not measured: no face seen" in ears.heard[-1][1]["message"]
    film = ClipReader(32).frames(tmp_path / "report.films" / f"{held_out[0].stem}.mp4")
    assert len(film) == 6


def test_the_default_config_can_be_trained_on_faces(tmp_path: Path, shared_data: Path) -> None:
    """Keypoints by the landmark net, which stays as it is; only the generator learns."""
    for name in ("00.png", "01.png", "02.png", "03.png"):
        (tmp_path / "clips" / name[:2]).mkdir(parents=True)
        image = cv2.imread(str(shared_data / "portraits" / name))
        assert image is not None
        cv2.imwrite(str(tmp_path / "clips" / name[:2] / "0.png"), image)
        cv2.imwrite(str(tmp_path / "clips" / name[:2] / "1.png"), np.roll(image, 9, 1))
    tree = tree_of(replace(named_config("default")))
    tree["dense_motion"]["hourglass"], tree["generator"]["width"] = {"width": 8, "max_width": 16, "blocks": 3}, 8
    tree["generator"]["residual_blocks"] = 1
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(tree))
    checkpoint = trained(tmp_path, tmp_path / "clips", "faces", config=str(tmp_path / "own.yaml"), steps=2, batch=2)
    assert set(read_checkpoint(checkpoint).modules) == {"generator"}
    loaded = load_networks(tmp_path / "faces.safetensors")
    image = cv2.resize(cv2.imread(str(shared_data / "portraits" / "00.png")), (128, 128))[..., ::-1]  # type: ignore[call-overload]
    found = loaded.kp_detector(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255)
    assert found.value.shape == (1, 10, 2) and found.jacobian.shape == (1, 10, 2, 2)
    right_eye, left_eye, chin = found.value[0, 0], found.value[0, 1], found.value[0, 9]
    assert right_eye[0] < left_eye[0] and chin[1] > right_eye[1]
    engine = Fomm(loaded, path="plain")
    painted = engine.paint(engine.prepare(np.ascontiguousarray(image)), engine.keypoints(np.ascontiguousarray(image)))
    assert painted.image.shape == (128, 128, 3)
