# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which this machine can run a model, and which of them is taken for a wanted device and precision.

`choose_path` is all that a job needs. "exact" equals the plain network up to rounding (1e-3 in the worst case, 1e-5 as
a rule); "bf16" and "int8" are named approximations. Which exact way is fastest differs between machines, so it is tried
once on each and remembered (model.path_trial); the plain network takes part, so nothing slower than it is ever chosen.
"""

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fomm_engine.model import path_trial
from fomm_engine.model.fast import Rearrangement, accelerated
from fomm_engine.model.generator import EncodedSource, Generated
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.torch_path import TorchPath, cuda_recorder
from fomm_engine.model.weights import Networks
from fomm_engine.wire.errors import UserError

PRECISIONS = ("exact", "bf16", "int8")
DEVICES = ("auto", "cpu", "cuda", "mps")


class EnginePath(Protocol):
    """Pictures and keypoints are float32 tensors on the processor, whatever the path computes in and on."""

    def encode_source(self, image: Tensor) -> EncodedSource:
        """What `predict` needs of the source `image` (1,3,H,W) in [0,1]: computed once."""
        ...

    def keypoints(self, images: Tensor) -> KeypointTensors:
        """The keypoints of `images` (B,3,H,W) in [0,1]."""
        ...

    def predict(self, source: EncodedSource, driving: KeypointTensors) -> Generated:
        """The source in each pose of `driving` (B,K,...)."""
        ...


Build = Callable[[Networks, bool], EnginePath]


@dataclass(frozen=True)
class PathPlan:
    """One way to run a model. batch: frames that it likes at once; means: what it is, as the end of a sentence;
    build(networks, align_corners); offered: whether it stands for choice by itself or only by its name.
    """

    name: str
    device: str
    precision: str
    batch: int
    means: str
    build: Build
    offered: bool = True


@dataclass(frozen=True)
class ChosenPath:
    """The way taken: `engine` runs it; `reason` says in one sentence why it was taken."""

    name: str
    device: str
    precision: str
    batch: int
    reason: str
    engine: EnginePath


def choose_path(
    networks: Networks,
    *,
    device: str = "auto",
    precision: str = "exact",
    align_corners: bool = True,
    path: str | None = None,
) -> ChosenPath:
    """The fastest way to run `networks` on `device` in `precision`, or the one named `path`.

    Raises UserError "bad-option" for a word that is none of DEVICES or PRECISIONS, "device-unavailable",
    "precision-unavailable", "path-unavailable" with what would make it available.
    """
    plan, reason = explained_choice(networks, device=device, precision=precision, path=path)
    made = plan.build(networks, align_corners)
    return ChosenPath(plan.name, plan.device, precision, plan.batch, reason, made)


def explained_choice(
    networks: Networks, *, device: str = "auto", precision: str = "exact", path: str | None = None
) -> tuple[PathPlan, str]:
    """The plan that `choose_path` takes, and why in one sentence; raises as it does."""
    device = found_device(device)
    plans = [plan for plan in plans_for(device, precision) if path in (None, plan.name)]
    if not plans:
        raise UserError("path-unavailable", f"This machine has no engine path '{path}' for {precision} on {device}.")
    offered = [plan for plan in plans if plan.offered] if path is None else plans
    plan, reason = _fastest(networks, offered) if len(offered) > 1 else (offered[0], f"{offered[0].means}.")
    return plan, f"Engine path {plan.name}: {reason}"


def found_device(wanted: str) -> str:
    """ "cpu", "cuda" or "mps": the one that is `wanted`, or the fastest there is for "auto".

    Raises UserError "bad-option" and "device-unavailable".
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if wanted not in there:
        raise UserError("bad-option", f"There is no device '{wanted}'.", f"Choose one of {', '.join(DEVICES)}.")
    if not there[wanted]:
        hint = "Choose 'auto' or 'cpu', or install the engine with a torch that was built for it."
        raise UserError("device-unavailable", f"This torch finds no {wanted} device here.", hint)
    return wanted


def plans_for(device: str, precision: str) -> list[PathPlan]:
    """What can run on this machine's `device` in `precision`, the likeliest first.

    Raises UserError "bad-option" and "precision-unavailable".
    """
    if precision not in PRECISIONS:
        hint = f"Choose one of {', '.join(PRECISIONS)}."
        raise UserError("bad-option", f"There is no precision '{precision}'.", hint)
    plans = [plan for plan in _plans(device) if plan.precision == precision]
    if not plans:
        raise UserError("precision-unavailable", *_why_not(device, precision))
    return plans


def about_compiling() -> str:
    """One sentence about torch.compile here: why it is not taken by itself, or that it cannot be had."""
    if not any(shutil.which(name) for name in ("g++", "c++", "clang++", "cl")):
        return "torch.compile is not offered: there is no C++ compiler here."
    gain = "its code takes minutes to make (kept in the cache folder) and is hardly faster than winograd-packed"
    return f"torch.compile is not taken by itself: {gain}; the path winograd-compiled uses it."


def has_native_bf16() -> bool:
    """Whether the processor multiplies bfloat16 by itself; without that it is slower than float32."""
    flags = path_trial.processor_flags()
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def has_openvino() -> bool:
    """Whether the optional package is there."""
    return importlib.util.find_spec("openvino") is not None


def _plans(device: str) -> Sequence[PathPlan]:
    if device == "cuda":
        return _cuda_plans()
    if device == "mps":
        means = "batch norms folded, transposed convolutions, on Apple's GPU"
        return [PathPlan("mps", "mps", "exact", 4, means, _on("mps", Rearrangement(packed=False)))]
    plans = [
        _cpu("winograd-packed", "Winograd bottleneck on oneDNN's kernels", Rearrangement(winograd="packed")),
        _cpu("winograd", "Winograd bottleneck on torch's own products", Rearrangement(winograd="products")),
        _cpu("rearranged", "batch norms folded, transposed convolutions, channels last", Rearrangement()),
        PathPlan("plain", "cpu", "exact", 1, "the original's layers one by one, source kept", _plain),
        _cpu("winograd-compiled", "as winograd-packed, with torch.compile", Rearrangement(winograd="compiled"), False),
    ]
    if has_native_bf16():
        half = torch.bfloat16
        plans += [
            _cpu("bf16-winograd", "bfloat16 with a Winograd bottleneck", Rearrangement(half, "products")),
            _cpu("bf16-direct", "bfloat16, nearest to float32", Rearrangement(half), False),
        ]
    if has_openvino():
        from fomm_engine.model.openvino_path import openvino_plans

        plans += openvino_plans()
    return plans


def _cpu(name: str, means: str, how: Rearrangement, offered: bool = True) -> PathPlan:
    precision = "exact" if how.dtype == torch.float32 else "bf16"
    return PathPlan(name, "cpu", precision, 1, means, _on("cpu", how), offered)


def _on(device: str, how: Rearrangement) -> Build:
    return lambda networks, align: TorchPath(accelerated(networks, how), device, align_corners=align)


def _plain(networks: Networks, align_corners: bool) -> EnginePath:
    return TorchPath(networks, "cpu", align_corners=align_corners)


def _cuda_plans() -> list[PathPlan]:
    """Recorded graphs of eight frames. cuDNN has its own Winograd; TensorFloat-32 would not be exact: left off."""
    half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16

    def build(dtype: torch.dtype) -> Build:
        def made(networks: Networks, align: bool) -> EnginePath:
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.benchmark = True
            fast = accelerated(networks, Rearrangement(dtype, packed=False))
            return TorchPath(fast, "cuda", align_corners=align, batch=8, recorder=cuda_recorder)

        return made

    means = "recorded CUDA graphs of eight frames"
    return [
        PathPlan("cuda", "cuda", "exact", 8, f"{means} in float32", build(torch.float32)),
        PathPlan(f"cuda-{str(half)[6:]}", "cuda", "bf16", 8, f"{means} in {str(half)[6:]}", build(half)),
    ]


def _fastest(networks: Networks, plans: Sequence[PathPlan]) -> tuple[PathPlan, str]:
    trial = path_trial.remembered([plan.name for plan in plans], networks.config)
    if trial is None:
        seconds = {plan.name: path_trial.seconds_a_frame(plan.build(networks, True), networks) for plan in plans}
        trial = path_trial.keep(seconds, networks.config)
    best = next(plan for plan in plans if plan.name == trial.fastest)
    others = ", ".join(f"{name} {1000 * s:.0f}" for name, s in trial.seconds.items() if name != best.name)
    took = 1000 * trial.seconds[best.name]
    return best, f"{best.means}; tried here at {took:.0f} ms a frame, against {others}."


def _why_not(device: str, precision: str) -> tuple[str, str]:
    if precision == "int8" and device == "cpu":
        hint = "Install the engine's optional OpenVINO packages, or choose 'exact' or 'bf16'."
        return "8-bit integers need OpenVINO and NNCF, which are not installed.", hint
    if precision == "bf16" and device == "cpu":
        return "This processor has no bfloat16 units: it would be slower than 'exact'.", "Choose 'exact'."
    return f"'{precision}' is not offered on {device}.", "Choose 'exact'."
