# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks run by OpenVINO, an optional package: exact without a compiler, or with 8-bit integers.

8-bit integers (NNCF's post-training quantisation) are used where three quarters of the work is, in the convolutions
after the warp; they are calibrated on the source picture in made-up poses around its own, so that no other
pictures are needed (with several sources: on the first). The keypoint detector stays in float32.
"""

import contextlib
import importlib.util
import sys
import warnings
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from fomm_engine.model.dense_motion import DenseMotion
from fomm_engine.model.engine_path import EnginePath, PathPlan
from fomm_engine.model.fast import Rearrangement, accelerated
from fomm_engine.model.generator import EncodedSource, Generated, Generator
from fomm_engine.model.keypoints import KeypointTensors, KPDetector
from fomm_engine.model.weights import Networks

CALIBRATION_POSES = 32  # on the pictures of the bench 12 gave 39.6 dB, 32 gives 39.9
_POSE_SHIFT, _POSE_STRETCH = 0.06, 0.08  # spread of the made-up poses: of [-1,1], and of a Jacobian's entries
_QUANTISED = ("bottleneck", "up_blocks")


class OpenVinoPath:
    """What an engine path does, by OpenVINO on the processor.

    integers: 8-bit ones after the warp and bfloat16 for the rest of the generator, else float32 throughout.
    """

    def __init__(self, networks: Networks, *, align_corners: bool, integers: bool = False) -> None:
        self._integers = integers
        fast = accelerated(networks, Rearrangement(packed=False))
        self._generator, self._kp_detector = fast.generator, fast.kp_detector
        side = networks.config.image_size
        picture = torch.zeros(1, 3, side, side)
        with torch.inference_mode(), quiet():
            learned = isinstance(fast.kp_detector, KPDetector)  # a detector of another kind stays torch's
            self._detect = _compiled(_converted(_Detector(fast.kp_detector), (picture,))) if learned else None
            source = self.encode_source(picture)
            self._model = _converted(_Painter(fast.generator, align_corners), _inputs(source, source.keypoints))
        self._paint = None if integers else _compiled(self._model)

    def encode_source(self, image: Tensor) -> EncodedSource:
        """What `predict` needs of the source `image` (1,3,H,W) in [0,1]: computed once."""
        with torch.inference_mode():
            encoded = self._generator.encode(image, self._kp_detector(image))
            return encoded._replace(features=encoded.features.contiguous(), small=encoded.small.contiguous())

    def keypoints(self, images: Tensor) -> KeypointTensors:
        """The keypoints of `images` (B,3,H,W) in [0,1]."""
        if self._detect is None:
            with torch.inference_mode():
                return self._kp_detector(images)
        found = [KeypointTensors(*_run(self._detect, (image[None],))) for image in images]
        return KeypointTensors(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def predict(self, source: EncodedSource, driving: KeypointTensors) -> Generated:
        """The source in each pose of `driving` (B,K,...)."""
        if self._paint is None:
            self._paint = _compiled(quantised(self._model, source), lower=True)
        each = zip(driving.value.split(1), driving.jacobian.split(1), strict=True)
        made = [_run(self._paint, _inputs(source, KeypointTensors(*pose))) for pose in each]
        prediction, *motion = (torch.cat(parts) for parts in zip(*made, strict=True))
        return Generated(prediction, DenseMotion(*motion))


def openvino_plans() -> list[PathPlan]:
    """The paths that need the optional package; integers only where NNCF is there too.

    In float32 it is slower than torch with Winograd (1.9 against 2.6 times the plain reference), so that it is never
    chosen by itself: making it takes a minute of conversion.
    """
    plans = [PathPlan("openvino", "cpu", "exact", 1, "OpenVINO in float32", _exact, offered=False)]
    there = importlib.util.find_spec("nncf") is not None
    means = "OpenVINO, 8-bit integers after the warp"
    return [*plans, PathPlan("openvino-int8", "cpu", "int8", 1, means, _integers)] if there else plans


def quantised(model: Any, source: EncodedSource) -> Any:
    """`model` with 8-bit convolutions after the warp, calibrated on `source` in poses around its own."""
    with quiet(), contextlib.redirect_stdout(sys.stderr):  # it draws bars of its progress
        import nncf  # pyright: ignore[reportMissingImports]

        nncf.set_log_level(40)
        names = [node.get_friendly_name() for node in model.get_ops() if node.get_type_name() in _CONVOLUTIONS]
        left = [name for name in names if not any(part in name for part in _QUANTISED)]
        poses = [tuple(part.numpy() for part in _inputs(source, pose)) for pose in made_up_poses(source.keypoints)]
        return nncf.quantize(
            model,
            nncf.Dataset(poses),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(poses),
            ignored_scope=nncf.IgnoredScope(names=left, validate=False),
        )


def made_up_poses(keypoints: KeypointTensors) -> Iterable[KeypointTensors]:
    """Poses around `keypoints` as a performance has them: the whole moved, each part moved and stretched a little."""
    draw = torch.Generator().manual_seed(7)
    for _ in range(CALIBRATION_POSES):
        whole = torch.randn(1, 1, 2, generator=draw) * _POSE_SHIFT
        each = torch.randn(keypoints.value.shape, generator=draw) * _POSE_SHIFT / 3
        stretch = torch.eye(2) + torch.randn(keypoints.jacobian.shape, generator=draw) * _POSE_STRETCH
        yield KeypointTensors(keypoints.value + whole + each, stretch @ keypoints.jacobian)


def openvino() -> ModuleType:
    """The package, with its telemetry left out: merely importing it would tell its makers over the network."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino as package  # pyright: ignore[reportMissingImports]

    return package


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """A block in which the packages' warnings about each other are not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_CONVOLUTIONS = ("Convolution", "ConvolutionBackpropData", "GroupConvolution", "MatMul")


class _Detector(nn.Module):
    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.detector(image))


class _Painter(nn.Module):
    def __init__(self, generator: Generator, align_corners: bool) -> None:
        super().__init__()
        self.generator, self.align_corners = generator, align_corners

    def forward(self, features: Tensor, small: Tensor, s: Tensor, sj: Tensor, d: Tensor, dj: Tensor) -> Any:
        source = EncodedSource(features, small, KeypointTensors(s, sj))
        made = self.generator.paint(source, KeypointTensors(d, dj), align_corners=self.align_corners)
        return (made.prediction, *made.motion)


def _exact(networks: Networks, align_corners: bool) -> EnginePath:
    return OpenVinoPath(networks, align_corners=align_corners)


def _integers(networks: Networks, align_corners: bool) -> EnginePath:
    return OpenVinoPath(networks, align_corners=align_corners, integers=True)


def _inputs(source: EncodedSource, driving: KeypointTensors) -> tuple[Tensor, ...]:
    return source.features, source.small, *source.keypoints, *driving


def _converted(module: nn.Module, example: tuple[Tensor, ...]) -> Any:
    shapes = [tuple(part.shape) for part in example]
    return openvino().convert_model(module.eval(), example_input=example, input=shapes)


def _compiled(model: Any, *, lower: bool = False) -> Any:
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if lower else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    return openvino().Core().compile_model(model, "CPU", options).create_infer_request()


def _run(request: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    found = request.infer([part.contiguous().numpy() for part in inputs], share_inputs=True)
    return tuple(torch.from_numpy(found[index].copy()) for index in range(len(found)))
