# SPDX-License-Identifier: GPL-3.0-or-later
"""Our FOMM against tensors that the original made, for all eight published models, in both look-up conventions."""

import importlib.util
import json
import os
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from fomm_engine.model.config import config_from_shapes, load_config
from fomm_engine.model.engine_path import plans_for
from fomm_engine.model.fomm import Fomm, keypoints_of_source, tensors_from_keypoints
from fomm_engine.model.generator import EncodedSource, Generator
from fomm_engine.model.keypoints import KPDetector
from fomm_engine.model.motion import Keypoints, MotionSettings, transferred
from fomm_engine.model.weights import Networks

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
MODELS = ("vox-256", "mgif-256", "vox-adv-256", "taichi-256", "taichi-adv-256", "nemo-256", "fashion-256", "bair-256")
KEYPOINTS_WITHIN = 1e-4
PREDICTIONS_WITHIN = 2e-4
FAST_WITHIN = 1e-3
# One graph serves all eight; two of them (the usual one, and the one with a shared Jacobian map) are run in full, of
# the others all keypoints and one prediction. FOMM_PARITY=all runs every tensor of every file.
IN_FULL = MODELS if os.environ.get("FOMM_PARITY") == "all" else MODELS[:2]
CASES = ("t1_rel1_adapt1", "t2_rel1_adapt1", "t1_rel0_adapt0")
PLACES = tuple(f"{mode}/{case}" for mode in ("as_trained", "modern_default") for case in CASES)


def recipe(shared_data: Path) -> ModuleType:
    """The published recipe of the reference weights."""
    path = shared_data.parent / "tools" / "fomm_reference_weights.py"
    if not path.is_file():
        pytest.skip("the recipe of the reference weights is not here")
    spec = importlib.util.spec_from_file_location("reference_weights", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def reference(shared_data: Path, model: str) -> dict[str, np.ndarray]:
    path = shared_data / "fomm_parity" / f"{model}.npz"
    if not path.is_file():
        pytest.skip("the reference tensors are not here")
    with np.load(path) as data:
        return dict(data)


@cache
def inputs(shared_data: Path) -> dict[str, np.ndarray]:
    with np.load(shared_data / "fomm_parity" / "inputs.npz") as data:
        return dict(data)


def built(shared_data: Path, model: str) -> Networks:
    """Our networks with the reference weights of `model`."""
    torch.set_num_threads(1)
    state = recipe(shared_data).reference_state_dict(model)
    shapes = {name: {key: value.shape for key, value in tensors.items()} for name, tensors in state.items()}
    config = config_from_shapes(shapes["generator"], shapes["kp_detector"], model)
    networks = Networks(config, Generator(config), KPDetector(config))
    for name, tensors in state.items():
        result = getattr(networks, name).load_state_dict(
            {k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False
        )
        assert not result.unexpected_keys
        assert all(key.endswith(("num_batches_tracked", "down.weight")) for key in result.missing_keys)
        getattr(networks, name).eval()
    return networks


def driven(data: dict[str, np.ndarray], name: str) -> Keypoints:
    return Keypoints(data[f"{name}/value"], data[f"{name}/jacobian"])


def furthest(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape
    return float(np.abs(ours.astype(np.float64) - theirs).max())


@pytest.mark.parametrize("model", MODELS)
def test_every_reference_tensor_is_met(shared_data: Path, model: str) -> None:
    expected, seen = reference(shared_data, model), inputs(shared_data)
    engine = Fomm(built(shared_data, model), device="cpu", path="plain")
    source = engine.prepare(seen["source"])
    found = {"source": keypoints_of_source(source)}
    found |= {f"driving{i}": engine.keypoints(seen["driving"][i]) for i in range(3)}
    met = {name for keypoints in found for name in agreeing(found[keypoints], keypoints, expected)}
    for case in sorted({key.split("/")[0] for key in expected if "kp_norm" in key}):
        settings = MotionSettings(relative="rel1" in case, adapt_scale="adapt1" in case)
        posed = transferred(found["source"], found[f"driving{case[1]}"], found["driving0"], settings)
        met |= agreeing(posed, f"{case}/kp_norm", expected)
    in_full = model in IN_FULL
    for place in PLACES if in_full else PLACES[:1]:
        met |= painted(engine, source, place, expected)
    if in_full:
        assert met == set(expected)


def agreeing(ours: Keypoints, name: str, expected: dict[str, np.ndarray]) -> set[str]:
    """The names of the two reference tensors that `ours` was found to meet."""
    for leaf in ("value", "jacobian"):
        assert furthest(getattr(ours, leaf), expected[f"{name}/{leaf}"]) < KEYPOINTS_WITHIN, name
    return {f"{name}/value", f"{name}/jacobian"}


def painted(engine: Fomm, source: EncodedSource, place: str, expected: dict[str, np.ndarray]) -> set[str]:
    """The names under `place` that a painting met."""
    mode, case = place.split("/")
    pose = tensors_from_keypoints(driven(expected, f"{case}/kp_norm"))
    with torch.inference_mode():
        made = engine.networks.generator.paint(source, pose, align_corners=mode == "as_trained")
    ours = {"prediction": made.prediction, "mask": made.motion.mask, "occlusion_map": made.motion.occlusion}
    names = {f"{place}/{leaf}": leaf for leaf in ours if f"{place}/{leaf}" in expected}
    for name, leaf in names.items():
        within = PREDICTIONS_WITHIN if leaf == "prediction" else KEYPOINTS_WITHIN
        assert furthest(ours[leaf][0].numpy(), expected[name]) < within, name
    return set(names)


@pytest.mark.parametrize("path", [plan.name for plan in plans_for("cpu", "exact") if plan.offered])
def test_every_exact_path_paints_the_same_picture(shared_data: Path, path: str) -> None:
    expected, seen = reference(shared_data, "vox-256"), inputs(shared_data)
    engine = Fomm(built(shared_data, "vox-256"), device="cpu", path=path)
    source = engine.prepare(seen["source"])
    agreeing(keypoints_of_source(source), "source", expected)
    pose = tensors_from_keypoints(driven(expected, "t1_rel1_adapt1/kp_norm"))
    prediction = engine.path.engine.predict(source, pose).prediction[0].numpy()
    assert furthest(prediction, expected["as_trained/t1_rel1_adapt1/prediction"]) < FAST_WITHIN


def test_the_two_conventions_differ_where_the_original_does(shared_data: Path) -> None:
    """A port that ignores align_corners would pass one of the two; this says how far apart they are."""
    expected = reference(shared_data, "vox-256")
    apart = furthest(
        expected["as_trained/t1_rel1_adapt1/prediction"], expected["modern_default/t1_rel1_adapt1/prediction"]
    )
    assert apart > 50 * PREDICTIONS_WITHIN


def test_state_dict_keys_and_shapes_are_the_original_ones(shared_data: Path) -> None:
    path = shared_data / "fomm_parity" / "state_dicts.json"
    if not path.is_file():
        pytest.skip("the original's keys are not here")
    listed = json.loads(path.read_text())
    for model in ("vox-256", "mgif-256"):
        config = load_config(CONFIGS / f"{model}.yaml")
        modules = {"generator": Generator(config), "kp_detector": KPDetector(config)}
        ours = {
            f"{name}.{key}": list(value.shape)
            for name, module in modules.items()
            for key, value in module.state_dict().items()
        }
        assert ours == listed[model]
