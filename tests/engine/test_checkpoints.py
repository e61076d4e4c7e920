# SPDX-License-Identifier: GPL-3.0-or-later
"""Model configs, and checkpoints in every published form."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fomm_engine.model.anatomical_detector import AnatomicalDetector
from fomm_engine.model.checkpoint_file import CheckpointFile, read_checkpoint
from fomm_engine.model.config import (
    GeneratorSettings,
    HourglassSettings,
    KeypointSettings,
    ModelConfig,
    MotionSettings,
    config_from_tree,
    config_names,
    load_config,
    named_config,
)
from fomm_engine.model.strict_tree import tree_of
from fomm_engine.model.training_settings import TrainingSettings
from fomm_engine.model.weights import Networks, config_of, load_networks, new_networks, reports_of, save_networks
from fomm_engine.wire.errors import UserError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PUBLISHED = ("vox", "vox-adv", "taichi", "taichi-adv", "nemo", "mgif", "fashion", "bair")
SMALL = ModelConfig(
    "small",
    image_size=64,
    keypoint_detector=KeypointSettings(HourglassSettings(4, 16, 3)),
    dense_motion=MotionSettings(HourglassSettings(4, 16, 3)),
    generator=GeneratorSettings(8, 32, 2, 2),
)


@pytest.fixture(scope="module")
def networks() -> Networks:
    torch.set_num_threads(1)
    torch.manual_seed(5)
    made = new_networks(SMALL)
    for module in (made.generator, made.kp_detector):
        module.eval().requires_grad_(requires_grad=False)
    return made


def states(networks: Networks) -> dict[str, dict[str, Tensor]]:
    return {"generator": networks.generator.state_dict(), "kp_detector": networks.kp_detector.state_dict()}


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_load_and_describe_the_published_networks(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    assert config_from_tree(tree_of(config), "again") == config
    if path.stem == "default":
        assert config.keypoint_detector.kind == "anatomical"
        return
    same = {"name": "", "checkpoint": "", "subject": "", "training": TrainingSettings()}
    assert replace(config, keypoint_detector=KeypointSettings(), **same) == ModelConfig("")
    assert config.keypoint_detector.shared_jacobian == (path.stem == "mgif-256")
    assert config.checkpoint == ("fashion.pth.tar" if path.stem == "fashion-256" else f"{path.stem[:-4]}-cpk.pth.tar")


def test_all_eight_models_have_a_config() -> None:
    assert set(config_names()) == {f"{name}-256" for name in PUBLISHED} | {"default"}
    assert named_config("vox-256").name == "vox-256"
    assert named_config(str(CONFIGS / "mgif-256.yaml")).name == "mgif-256"
    with pytest.raises(UserError, match="There are: bair-256, ") as caught:
        named_config("vox")
    assert caught.value.code == "config-unknown"


def test_configs_differ_in_training_as_the_published_ones_do() -> None:
    """The original's own table of differences (its config/*.yaml), by hand."""
    training = {name: named_config(f"{name}-256").training for name in PUBLISHED}
    assert {n for n, t in training.items() if t.losses.generator_gan == 0} == {"vox", "taichi"}
    assert {n for n, t in training.items() if t.discriminator.use_keypoints} == {"vox-adv", "taichi-adv"}
    assert {n for n, t in training.items() if t.discriminator.spectral_norm} == {"vox", "nemo", "mgif", "bair"}
    assert {n for n, t in training.items() if t.keypoint_learning_rate == 0} == {"taichi-adv"}
    assert {n for n, t in training.items() if t.id_sampling} == {"vox", "vox-adv", "taichi", "taichi-adv"}
    assert {n: (t.epochs, t.repeats, t.batch) for n, t in training.items()} == {
        "vox": (100, 75, 40),
        "vox-adv": (150, 75, 36),
        "taichi": (100, 150, 30),
        "taichi-adv": (150, 150, 27),
        "nemo": (100, 8, 36),
        "mgif": (100, 25, 36),
        "fashion": (100, 50, 27),
        "bair": (20, 1, 36),
    }
    assert training["bair"].milestones == (12, 18)
    assert training["vox-adv"].milestones == ()


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"name": "a", "keypoint": 10}, "no setting 'keypoint'; known here: name, .*keypoints"),
        ({"name": "a", "generator": {"width": 8, "depth": 2}}, "no setting 'generator.depth'"),
        ({"name": "a", "keypoints": "ten"}, "'keypoints' must be a whole number above 0, got 'ten'"),
        ({"name": "a", "dense_motion": {"variance": -1}}, "'dense_motion.variance' must be a number above 0"),
        ({"name": "a", "keypoint_detector": {"shared_jacobian": 1}}, "must be true or false"),
        ({"name": "a", "dense_motion": {"hourglass": {}}}, "'dense_motion.hourglass.width' is missing"),
        ({"name": "a", "training": {"milestones": 60}}, "'training.milestones' must be a list"),
        (
            {"name": "a", "training": {"milestones": [6.5]}},
            r"'training.milestones\[0\]' must be a whole number above 0",
        ),
        ({"name": "a", "training": {"losses": {"generator_gan": -1}}}, "must be a number of at least 0"),
        ({"name": "a", "keypoint_detector": {"kind": "mine"}}, "must be one of learned, anatomical, got 'mine'"),
        ({"name": "a", "image_size": 100}, "25 pixels cannot be halved 5 times"),
        ({"name": "a", "image_size": True}, "'image_size' must be a whole number"),
        ({}, "'name' is missing"),
        ([1], "must hold named settings"),
    ],
)
def test_a_wrong_config_is_refused_with_the_place_of_the_fault(tree: object, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        config_from_tree(tree, "mine.yaml")
    assert caught.value.code == "config-invalid"
    assert "mine.yaml" in caught.value.message


def test_an_unreadable_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [1")
    for name in ("a.yaml", "none.yaml"):
        with pytest.raises(UserError) as caught:
            load_config(tmp_path / name)
        assert caught.value.code == "config-unreadable"


@pytest.mark.parametrize("form", ["official", "legacy", "slim", "parallel", "wrapped", "flat", "half", "safetensors"])
def test_every_published_form_of_checkpoint_loads(tmp_path: Path, networks: Networks, form: str) -> None:
    path = tmp_path / ("small.safetensors" if form == "safetensors" else "small-cpk.pth.tar")
    nested = states(networks)
    adam = torch.optim.Adam(networks.generator.parameters()).state_dict()
    official = {**nested, "discriminator": {"conv.weight": torch.ones(1)}, "optimizer_generator": adam, "epoch": 99}
    trees = {
        "official": official,
        "legacy": official,
        "slim": nested,
        "parallel": {name: {f"module.{key}": value for key, value in state.items()} for name, state in nested.items()},
        "wrapped": {"state_dict": nested, "step": 3},
        "flat": {f"{name}.{key}": value for name, state in nested.items() for key, value in state.items()},
        "half": {name: {key: value.half() for key, value in state.items()} for name, state in nested.items()},
    }
    if form == "safetensors":
        save_networks(networks, path)
    else:
        torch.save(trees[form], path, _use_new_zipfile_serialization=form != "legacy")
    loaded = load_networks(path)
    assert loaded.config == (SMALL if form == "safetensors" else replace(SMALL, name="small-cpk", image_size=256))
    assert read_checkpoint(path).form == {"safetensors": form, "legacy": "torch legacy"}.get(form, "torch zip")
    image, within = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)), 1e-2 if form == "half" else 0
    first, again = networks.kp_detector(image), loaded.kp_detector(image)
    assert (first.value - again.value).abs().max() <= within
    assert (networks.generator(image, first, first)[0] - loaded.generator(image, first, first)[0]).abs().max() <= within
    assert not loaded.generator.training
    assert not any(p.requires_grad for p in loaded.generator.parameters())


def test_an_anti_alias_kernel_of_another_resolution_is_not_loaded(tmp_path: Path, networks: Networks) -> None:
    nested = states(networks)
    nested["kp_detector"] = {**nested["kp_detector"], "down.weight": torch.zeros(3, 1, 29, 29)}
    torch.save(nested, tmp_path / "a.pth.tar")
    loaded = load_networks(tmp_path / "a.pth.tar")
    assert torch.equal(loaded.kp_detector.down.get_buffer("weight"), networks.kp_detector.down.get_buffer("weight"))
    lines = [line for report in reports_of(loaded, read_checkpoint(tmp_path / "a.pth.tar")) for line in report.lines()]
    assert "kp_detector.down.weight: computed from the config's scale, not read" in lines


def test_a_checkpoint_that_does_not_fit_is_reported_tensor_by_tensor(tmp_path: Path, networks: Networks) -> None:
    nested = states(networks)
    wrong = dict(nested["generator"])
    wrong["extra.weight"] = wrong.pop("final.weight")
    wrong["final.bias"] = torch.zeros(7)
    torch.save({**nested, "generator": wrong}, tmp_path / "a.pth.tar")
    with pytest.raises(UserError) as caught:
        load_networks(tmp_path / "a.pth.tar")
    assert caught.value.code == "weights-unfit"
    for words in ("1 missing: final.weight", "1 superfluous: extra.weight", "final.bias (7,) instead of (3,)"):
        assert words in caught.value.message


def test_files_that_are_no_checkpoints_say_so(tmp_path: Path) -> None:
    (tmp_path / "text.pth.tar").write_text("<html>Quota exceeded</html>")
    (tmp_path / "empty.pth.tar").write_bytes(b"")
    (tmp_path / "a.safetensors").write_bytes(b"12345678 not that")
    torch.save([1, 2], tmp_path / "list.pth.tar")
    torch.save({"model": Path("code")}, tmp_path / "code.pth.tar")
    expected = {"gone": "missing", "text.pth.tar": "unreadable", "empty.pth.tar": "unreadable"}
    expected |= {"a.safetensors": "unreadable", "list.pth.tar": "unfit", "code.pth.tar": "unreadable"}
    for name, code in expected.items():
        with pytest.raises(UserError) as caught:
            load_networks(tmp_path / name)
        assert caught.value.code == f"weights-{code}", name


def test_a_file_of_our_own_says_what_shapes_cannot(tmp_path: Path, networks: Networks) -> None:
    """Sizes, scales and the temperature are in no tensor."""
    config = replace(SMALL, keypoint_detector=replace(SMALL.keypoint_detector, temperature=0.5))
    save_networks(Networks(config, networks.generator, networks.kp_detector), tmp_path / "a.safetensors", {"by": "us"})
    assert load_networks(tmp_path / "a.safetensors").config == config
    metadata = read_checkpoint(tmp_path / "a.safetensors").metadata
    assert (metadata["format"], metadata["by"]) == ("fomm", "us")
    assert json.loads(metadata["config"])["image_size"] == 64
    assert not list(tmp_path.glob("*.part"))


def test_a_generator_on_the_default_keypoints_needs_no_detector_in_its_file(tmp_path: Path) -> None:
    config = replace(SMALL, keypoint_detector=KeypointSettings(kind="anatomical"))
    made = new_networks(config)
    save_networks(made, tmp_path / "a.safetensors")
    loaded = load_networks(tmp_path / "a.safetensors")
    assert isinstance(loaded.kp_detector, AnatomicalDetector)
    assert set(read_checkpoint(tmp_path / "a.safetensors").modules) == {"generator"}
    expected = made.generator.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in loaded.generator.state_dict().items())


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_state_dict_fits_its_config_key_by_key(shared_data: Path, name: str) -> None:
    """The original's own keys and shapes; mgif's do not fit the other configs."""
    shapes = json.loads((shared_data / "fomm_parity" / "state_dicts.json").read_text())[f"{name}-256"]
    modules: dict[str, dict[str, Tensor]] = {"generator": {}, "kp_detector": {}}
    for full, shape in shapes.items():
        module, key = full.split(".", 1)
        modules[module][key] = torch.empty(shape, device="meta")
    file = CheckpointFile(Path(f"{name}-cpk.pth.tar"), "torch legacy", modules)
    with torch.device("meta"):
        own, other = (new_networks(named_config(f"{key}-256")) for key in (name, "vox" if name == "mgif" else "mgif"))
    assert all(report.fits for report in reports_of(own, file))
    assert reports_of(other, file)[1].sentence().startswith("kp_detector: 2 of another shape: jacobian.bias")
    named = named_config(f"{name}-256")
    widest = replace(named.generator, max_width=256)  # two halvings never reach the config's limit of 512
    told = {"name": "", "checkpoint": "", "subject": "", "training": TrainingSettings()}
    assert replace(config_of(file), **told) == replace(named, generator=widest, **told)
