# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine paths: the fastest is taken and named, none changes the picture, and what is missing is said."""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from fomm_engine.bench.memory import TINY
from fomm_engine.bench.reference import random_networks
from fomm_engine.model import engine_path, path_trial, prepacked
from fomm_engine.model.engine_path import choose_path, explained_choice, found_device, plans_for
from fomm_engine.model.fast import Rearrangement, accelerated
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.torch_path import TorchPath
from fomm_engine.model.weights import Networks
from fomm_engine.model.winograd import WinogradConv2d, summed_input, summed_output, winograd_kernels
from fomm_engine.wire.errors import UserError

EXACT = [plan.name for plan in plans_for("cpu", "exact") if plan.name not in ("winograd-compiled", "openvino")]


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing is read from or kept in the user's own cache."""
    torch.set_num_threads(1)
    monkeypatch.setenv("UNDERSTUDY_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="module")
def networks() -> Networks:
    return random_networks(4, TINY)


def pictures(count: int) -> Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(count))


def timed(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> list[str]:
    """Makes trials find these times; the names that were tried are put into the list."""
    tried: list[str] = []
    names = {plan.name: plan for plan in plans_for("cpu", "exact")}
    order = iter([name for name in names if names[name].offered])

    def fake(engine: object, networks: Networks) -> float:
        tried.append(next(order))
        return seconds[tried[-1]]

    monkeypatch.setattr(path_trial, "seconds_a_frame", fake)
    return tried


SLOW = dict.fromkeys(EXACT, 2.0)


def test_the_fastest_path_is_taken_and_the_others_are_told(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, {**SLOW, "rearranged": 0.5})
    chosen = choose_path(networks, device="cpu")
    assert (chosen.name, chosen.device, chosen.precision) == ("rearranged", "cpu", "exact")
    assert "tried here at 500 ms a frame" in chosen.reason and "plain 2000" in chosen.reason


def test_where_every_trick_is_slower_the_plain_network_runs(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed(monkeypatch, {**SLOW, "plain": 1.9})
    assert choose_path(networks, device="cpu").name == "plain"


def test_a_machine_is_tried_once_and_again_where_its_settings_change(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed(monkeypatch, {**SLOW, "winograd": 0.1})
    assert explained_choice(networks, device="cpu")[0].name == "winograd"
    tried = timed(monkeypatch, {**SLOW, "plain": 0.1})
    assert explained_choice(networks, device="cpu")[0].name == "winograd" and tried == []
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE" if os.environ.get("OMP_WAIT_POLICY") != "PASSIVE" else "")
    assert explained_choice(networks, device="cpu")[0].name == "plain" and len(tried) == len(EXACT)


def test_a_damaged_or_unwritable_memory_is_no_trouble(own_folder: Path) -> None:
    own_folder.mkdir()
    (own_folder / path_trial.FILE).write_text('{"a": ')
    assert path_trial.remembered(["plain"], TINY) is None
    assert path_trial.keep({"plain": 1.0}, TINY).fastest == "plain"
    assert path_trial.remembered(["plain"], TINY) == path_trial.Trial({"plain": 1.0})
    assert path_trial.keep({"plain": 1.0}, TINY, own_folder / path_trial.FILE / "below").fastest == "plain"


def test_a_trial_measures_a_frame(networks: Networks) -> None:
    engine = TorchPath(networks, "cpu", align_corners=True)
    assert 0 < path_trial.seconds_a_frame(engine, networks) < 60


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("path", EXACT)
def test_every_exact_path_paints_the_plain_picture(networks: Networks, path: str, align_corners: bool) -> None:
    plain, other = (
        choose_path(networks, device="cpu", path=name, align_corners=align_corners).engine for name in ("plain", path)
    )
    image, driving = pictures(1), pictures(3)
    poses, same = plain.keypoints(driving), other.keypoints(driving)
    assert torch.allclose(poses.value, same.value, atol=1e-5)
    expected = plain.predict(plain.encode_source(image), poses)
    found = other.predict(other.encode_source(image), poses)
    assert torch.allclose(expected.prediction, found.prediction, atol=1e-4)
    assert torch.allclose(expected.motion.deformation, found.motion.deformation, atol=1e-4)


def test_frames_together_are_the_frames_one_by_one(networks: Networks) -> None:
    engine = choose_path(networks, device="cpu", path="winograd").engine
    source, poses = engine.encode_source(pictures(1)), engine.keypoints(pictures(3))
    together = engine.predict(source, poses).prediction
    for index in range(3):
        pose = KeypointTensors(poses.value[index : index + 1], poses.jacobian[index : index + 1])
        assert torch.allclose(engine.predict(source, pose).prediction[0], together[index], atol=1e-5)


def test_a_recorded_path_replays_for_groups_of_any_size(networks: Networks) -> None:
    """The logic of CUDA graphs, with a recorder that repeats the work into the memory of its first results."""
    recordings: list[int] = []

    def recorder(run: Callable[[], list[Tensor]]) -> Callable[[], list[Tensor]]:
        made = [part.clone() for part in run()]
        recordings.append(1)

        def replay() -> list[Tensor]:
            for kept, new in zip(made, run(), strict=True):
                kept.copy_(new)
            return made

        return replay

    plain = TorchPath(networks, "cpu", align_corners=True)
    recorded = TorchPath(networks, "cpu", align_corners=True, batch=2, recorder=recorder)
    poses = plain.keypoints(pictures(5))
    for image in (pictures(1), pictures(1).flip(3)):
        expected = plain.predict(plain.encode_source(image), poses)
        source = recorded.encode_source(image)
        for _ in range(2):
            found = recorded.predict(source, poses)
            assert found.prediction.shape[0] == 5
            assert torch.allclose(expected.prediction, found.prediction, atol=1e-5)
            assert torch.allclose(expected.motion.mask, found.motion.mask, atol=1e-5)
    assert len(recordings) == 2  # once for each source


def test_what_cannot_be_had_is_said(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_path, "has_native_bf16", lambda: False)
    monkeypatch.setattr(engine_path, "has_openvino", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for wanted, code in (
        ({"precision": "int8"}, "precision-unavailable"),
        ({"precision": "bf16"}, "precision-unavailable"),
        ({"precision": "fp8"}, "bad-option"),
        ({"path": "warp-drive"}, "path-unavailable"),
        ({"device": "cuda"}, "device-unavailable"),
        ({"device": "abacus"}, "bad-option"),
    ):
        with pytest.raises(UserError) as caught:
            choose_path(networks, **{"device": "cpu", **wanted})
        assert caught.value.code == code, wanted


def test_torch_compile_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_path.shutil, "which", lambda _name: None)
    assert "no C++ compiler" in engine_path.about_compiling()
    monkeypatch.setattr(engine_path.shutil, "which", lambda name: "/usr/bin/g++" if name == "g++" else None)
    assert "winograd-compiled" in engine_path.about_compiling()


def test_the_best_device_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert found_device("auto") == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert found_device("auto") == "mps" and [plan.name for plan in plans_for("mps", "exact")] == ["mps"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert found_device("auto") == "cuda"
    assert [plan.name for plan in plans_for("cuda", "bf16")] == ["cuda-float16"]
    with pytest.raises(UserError):
        plans_for("cuda", "int8")


@pytest.mark.parametrize("way", ["products", "packed"])
@pytest.mark.parametrize("size", [(8, 8), (7, 10), (4, 13)])
def test_winograd_is_the_convolution(size: tuple[int, int], way: str) -> None:
    if way == "packed" and not prepacked.available():
        pytest.skip("this torch has no prepacked products")
    torch.manual_seed(2)
    conv, x = nn.Conv2d(5, 6, 3, padding=1), torch.randn(2, 5, *size)
    with torch.inference_mode():
        expected = conv(x)
        assert torch.allclose(WinogradConv2d(conv, way=way)(x), expected, atol=1e-5)
        assert torch.allclose(WinogradConv2d(conv, way=way, relu=True)(x), F.relu(expected), atol=1e-5)


def test_winograds_sums_are_its_products() -> None:
    """The form for torch.compile, run plainly."""
    torch.manual_seed(3)
    conv, x = nn.Conv2d(5, 6, 3, padding=1), torch.randn(8, 12, 5)
    with torch.inference_mode():
        frequencies = summed_input(F.pad(x, (0, 0, 1, 1, 1, 1)))
        made = torch.bmm(frequencies, winograd_kernels(conv.weight)).view(36, 2, 3, 6)
        assert conv.bias is not None
        found = summed_output(made, conv.bias, relu=False)
        assert torch.allclose(found, conv(x.permute(2, 0, 1)[None])[0].permute(1, 2, 0), atol=1e-5)


def test_without_prepacked_weights_the_plain_layers_stay(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepacked, "available", lambda _dtype: False)
    fast = accelerated(networks, Rearrangement(winograd="packed"))
    kinds = {type(module) for module in fast.generator.modules()}
    assert prepacked.PackedConv2d not in kinds and prepacked.PackedProducts not in kinds
    assert WinogradConv2d in kinds


def test_openvino_paints_the_plain_picture_and_phones_nobody(networks: Networks) -> None:
    if not engine_path.has_openvino():
        pytest.skip("the optional package openvino is not installed")
    image, driving = pictures(1), pictures(2)
    plain, other = (choose_path(networks, device="cpu", path=name).engine for name in ("plain", "openvino"))
    poses = other.keypoints(driving)
    assert torch.allclose(plain.keypoints(driving).value, poses.value, atol=1e-4)
    expected = plain.predict(plain.encode_source(image), poses)
    found = other.predict(other.encode_source(image), poses)
    assert torch.allclose(expected.prediction, found.prediction, atol=1e-3)
    assert torch.allclose(expected.motion.mask, found.motion.mask, atol=1e-3)
    assert sys.modules["openvino_telemetry"] is None


@pytest.mark.slow
def test_integers_come_close(networks: Networks) -> None:
    if importlib.util.find_spec("nncf") is None or not engine_path.has_openvino():
        pytest.skip("the optional packages openvino and nncf are not installed")
    image, driving = pictures(1), pictures(2)
    plain, lower = (
        choose_path(networks, device="cpu", precision=precision, path=path).engine
        for precision, path in (("exact", "plain"), ("int8", None))
    )
    poses = plain.keypoints(driving)
    difference = (
        plain.predict(plain.encode_source(image), poses).prediction
        - lower.predict(lower.encode_source(image), poses).prediction
    )
    assert difference.abs().max() > 0
    assert -10 * torch.log10((difference.double() ** 2).mean()) > 30
